/**
 * Configuration and layers of one manifest. containerd asks for the configuration first and then for three layers at a time; only which of
 * them fails first is visible, so here they go together, and the first in the manifest's order counts. Until it is known that the registry
 * serves blobs at all, the configuration goes ahead alone: a credential that a blob host refuses is then presented once.
 */
import type { Descriptor, ImageManifest } from '#image/manifest.ts';
import { isConfigType, isLayerType } from '#image/media-type.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import type { Fetched } from './check-content.ts';
import { fetchBlob } from './fetch-content.ts';
import type { PullError, Result } from './pull-error.ts';

export interface Blobs {
  /** Where the blobs came from, each once. */
  readonly hosts: readonly string[];
  /** Every layer was read whole and checked. */
  readonly verified: boolean;
  /** Absent where it is too large to be read whole. */
  readonly config?: Uint8Array;
  /** By digest: small layers that were read whole just now. */
  readonly layers: ReadonlyMap<string, Uint8Array>;
  /** A layer that could not be fetched: containerd checks the configuration first. */
  readonly missing?: PullError;
}

/** The configuration and containerd's three layers (max_concurrent_downloads). */
const atOnce = 4;
/** Other images wait this long to learn whether blobs are served; then each tries for itself. */
const waitMs = 2_000;

interface Part {
  readonly act: 'config' | 'layer';
  readonly wanted: Descriptor;
}

export async function fetchBlobs(
  context: PullContext,
  authorizer: Authorizer,
  manifest: ImageManifest,
): Promise<Result<Blobs>> {
  const config: Part = { act: 'config', wanted: manifest.config };
  const layers = layersOf(context, manifest);
  const fetch = ({ act, wanted }: Part, again = false): Promise<Result<Fetched>> =>
    fetchBlob(context, authorizer, wanted, { act, again });
  const ahead = await fetchAhead(context, () => fetch(config, true));
  if (ahead?.ok === false) return ahead;
  const parts = ahead === undefined ? [config, ...layers] : layers;
  const rest = await inOrder(parts, fetch);
  const fetched = [
    ...(ahead === undefined ? [] : [{ part: config, one: ahead }]),
    ...rest.map((one, i) => ({ part: parts[i] ?? config, one })),
  ];
  return collect(context, fetched);
}

/**
 * What is fetched beside the configuration: what is no layer by its type together with it, and layers only where the
 * configuration shows that this is an image (core/unpack/unpacker.go Unpack).
 */
function layersOf({ plan: { engine } }: PullContext, { config, layers }: ImageManifest): readonly Part[] {
  const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  const isLayer = ({ mediaType }: Descriptor): boolean => isLayerType(mediaType, engine);
  const others = distinct.filter((one) => !isLayer(one));
  const unpacked = isConfigType(config.mediaType) ? distinct.filter(isLayer) : [];
  return [...others, ...unpacked].map((wanted) => ({ act: 'layer', wanted }));
}

function collect(
  context: PullContext,
  fetched: readonly { readonly part: Part; readonly one: Result<Fetched> }[],
): Result<Blobs> {
  const hosts = new Set<string>();
  const layers = new Map<string, Uint8Array>();
  let config: Uint8Array | undefined;
  let missing: PullError | undefined;
  let verified = true;
  for (const { part, one } of fetched) {
    const { act, wanted } = part;
    if (!one.ok) {
      if (act === 'config' || !isLayerType(wanted.mediaType, context.plan.engine)) return one;
      missing ??= one.error;
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
 * Once for each pass, identity and registry, a configuration is fetched ahead of everything, even a known one: it shows that the blobs'
 * host answers. Returns nothing where another image's configuration has shown that already.
 */
async function fetchAhead(
  context: PullContext,
  fetch: () => Promise<Result<Fetched>>,
): Promise<Result<Fetched> | undefined> {
  const { served } = context.wire.pass;
  const place = `${context.identity.label} at ${context.routes.map(({ authority, path }) => authority + path).join(',')}`;
  const asked = served.get(place);
  if (asked !== undefined && (await asked)) return undefined;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), waitMs);
  if (asked === undefined) served.set(place, promise);
  try {
    const fetched = await fetch();
    resolve(fetched.ok);
    if (fetched.ok) served.set(place, Promise.resolve(true));
    return fetched;
  } finally {
    clearTimeout(timer);
    resolve(false);
  }
}

/** A few at a time; none is started after one has failed. */
async function inOrder(
  parts: readonly Part[],
  fetch: (part: Part) => Promise<Result<Fetched>>,
): Promise<readonly Result<Fetched>[]> {
  const fetched: Result<Fetched>[] = [];
  const waiting = parts.entries();
  let failed = false;
  const walk = async (): Promise<void> => {
    for (const [i, part] of waiting) {
      const one = await fetch(part);
      fetched[i] = one;
      failed ||= !one.ok;
      if (failed) return;
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, parts.length) }, walk));
  return fetched;
}
