/**
 * Configuration and layers of one manifest. containerd asks for the configuration first and then for three layers at a time;
 * which of them fails first is all that shows, so here they go together, and the first in the manifest's order is the one
 * that counts. Only while nobody knows whether the registry's blobs can be had at all does the configuration go ahead alone:
 * a credential that a blob host refuses is then presented once.
 */
import type { Descriptor, Manifest } from '#image/manifest.ts';
import { isConfigType, isLayerType } from '#image/media-type.ts';
import type { Authorizer } from './authorizer.ts';
import type { Fetched } from './commit.ts';
import { fetchBlob } from './fetch.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Tried, Trouble } from '#runtime/attempt/trouble.ts';

export type ImageManifest = Extract<Manifest, { readonly kind: 'image' }>;

export interface Blobs {
  /** Where the blobs came from, each once. */
  readonly hosts: readonly string[];
  /** Every layer was read whole and checked. */
  readonly verified: boolean;
  /** Absent where it is too large to be read whole. */
  readonly config?: Uint8Array;
  /** By digest: small layers that were read whole just now. */
  readonly layers: ReadonlyMap<string, Uint8Array>;
  /** A layer that could not be had: containerd looks at the configuration first. */
  readonly missing?: Trouble;
}

/** The configuration and containerd's three layers (max_concurrent_downloads). */
const atOnce = 4;
/** So long other images wait to learn whether blobs are served; then each finds out for itself. */
const patienceMs = 2_000;

interface Part {
  readonly act: 'config' | 'layer';
  readonly wanted: Descriptor;
}

export async function fetchBlobs(
  context: AttemptContext,
  authorizer: Authorizer,
  manifest: ImageManifest,
): Promise<Tried<Blobs>> {
  const config: Part = { act: 'config', wanted: manifest.config };
  const layers = layersOf(context, manifest);
  const fetch = ({ act, wanted }: Part, again = false): Promise<Tried<Fetched>> =>
    fetchBlob(context, authorizer, wanted, { act, again });
  const ahead = await goAhead(context, () => fetch(config, true));
  if (ahead?.ok === false) return ahead;
  const parts = ahead === undefined ? [config, ...layers] : layers;
  const rest = await inOrder(parts, fetch);
  const tried = [
    ...(ahead === undefined ? [] : [{ part: config, one: ahead }]),
    ...rest.map((one, i) => ({ part: parts[i] ?? config, one })),
  ];
  return collect(context, tried);
}

/**
 * What is fetched beside the configuration: what is no layer by its type together with it, and layers only where the
 * configuration says that this is an image (core/unpack/unpacker.go Unpack).
 */
function layersOf({ plan: { engine } }: AttemptContext, { config, layers }: ImageManifest): readonly Part[] {
  const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  const isLayer = ({ mediaType }: Descriptor): boolean => isLayerType(mediaType, engine);
  const others = distinct.filter((one) => !isLayer(one));
  const unpacked = isConfigType(config.mediaType) ? distinct.filter(isLayer) : [];
  return [...others, ...unpacked].map((wanted) => ({ act: 'layer', wanted }));
}

function collect(
  context: AttemptContext,
  tried: readonly { readonly part: Part; readonly one: Tried<Fetched> }[],
): Tried<Blobs> {
  const hosts = new Set<string>();
  const layers = new Map<string, Uint8Array>();
  let config: Uint8Array | undefined;
  let missing: Trouble | undefined;
  let verified = true;
  for (const { part, one } of tried) {
    const { act, wanted } = part;
    if (!one.ok) {
      if (act === 'config' || !isLayerType(wanted.mediaType, context.plan.engine)) return one;
      missing ??= one.trouble;
      continue;
    }
    const { host, body } = one.value;
    if (host !== '') hosts.add(host);
    const whole = body.length === wanted.size ? body : undefined;
    if (act === 'config') config = whole;
    else {
      verified &&= one.value.verified;
      if (whole !== undefined) layers.set(wanted.digest, whole);
    }
  }
  const found = { ...(config === undefined ? {} : { config }), ...(missing === undefined ? {} : { missing }) };
  return { ok: true, value: { hosts: [...hosts], verified, layers, ...found } };
}

/**
 * Once a pass, identity and registry, a configuration is asked for ahead of everything, even one that is known: it shows
 * that the blobs' host answers. Nothing is returned where another image's has shown that already.
 */
async function goAhead(
  context: AttemptContext,
  fetch: () => Promise<Tried<Fetched>>,
): Promise<Tried<Fetched> | undefined> {
  const { served } = context.wire;
  const place = `${context.identity.label} at ${context.routes.map(({ authority, path }) => authority + path).join(',')}`;
  const asked = served.get(place);
  if (asked !== undefined && (await asked)) return undefined;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  if (asked === undefined) served.set(place, promise);
  try {
    const tried = await fetch();
    resolve(tried.ok);
    if (tried.ok) served.set(place, Promise.resolve(true));
    return tried;
  } finally {
    clearTimeout(timer);
    resolve(false);
  }
}

/** A few at a time; none is begun after one has failed. */
async function inOrder(
  parts: readonly Part[],
  fetch: (part: Part) => Promise<Tried<Fetched>>,
): Promise<readonly Tried<Fetched>[]> {
  const tried: Tried<Fetched>[] = [];
  const waiting = parts.entries();
  let failed = false;
  const walk = async (): Promise<void> => {
    for (const [i, part] of waiting) {
      const one = await fetch(part);
      tried[i] = one;
      failed ||= !one.ok;
      if (failed) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, parts.length) }, walk));
  return tried;
}
