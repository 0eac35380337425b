/**
 * Configuration and layers of one manifest. containerd asks for the configuration first and then for three layers at a time;
 * which of them fails first is all that shows, so here they go together, and the first in the manifest's order is the one
 * that counts. Only while nobody knows whether the registry's blobs can be had at all does the configuration go ahead alone:
 * a credential that a blob host refuses is then presented once.
 */
import type { Descriptor, Manifest } from '#pull/manifest.ts';
import type { Authorizer } from './authorizer.ts';
import type { Fetched } from './commit.ts';
import { fetchBlob } from './fetch.ts';
import type { Scene } from './scene.ts';
import type { Tried } from './trouble.ts';

export type ImageManifest = Extract<Manifest, { readonly kind: 'image' }>;

export interface Blobs {
  /** Where the blobs came from, each once. */
  readonly hosts: readonly string[];
  /** Every layer was read whole and checked. */
  readonly verified: boolean;
}

/** The configuration and containerd's three layers (max_concurrent_downloads). */
const atOnce = 4;

interface Part {
  readonly act: 'config' | 'layer';
  readonly wanted: Descriptor;
}

export async function fetchBlobs(scene: Scene, authorizer: Authorizer, manifest: ImageManifest): Promise<Tried<Blobs>> {
  const { served } = scene.wire;
  const place = `${scene.identity.label} at ${scene.routes.map(({ authority, path }) => authority + path).join(',')}`;
  const known = served.has(place);
  const distinct = new Map(manifest.layers.map((layer) => [layer.digest, layer]));
  const parts: readonly Part[] = [
    { act: 'config', wanted: manifest.config },
    ...[...distinct.values()].map((wanted) => ({ act: 'layer' as const, wanted })),
  ];
  const fetch = ({ act, wanted }: Part): Promise<Tried<Fetched>> =>
    // The first configuration of a pass is asked for anew: it shows that the blobs' host still answers.
    fetchBlob(scene, authorizer, wanted, { act, again: act === 'config' && !known });
  const tried = [...(known ? [] : await inTurn(parts.slice(0, 1), fetch))];
  if (tried.every(({ ok }) => ok)) tried.push(...(await inTurn(parts.slice(tried.length), fetch)));
  const hosts = new Set<string>();
  let verified = true;
  for (const [i, one] of tried.entries()) {
    if (!one.ok) return one;
    if (one.value.host !== '') hosts.add(one.value.host);
    verified &&= i === 0 || one.value.verified;
  }
  served.add(place);
  return { ok: true, value: { hosts: [...hosts], verified } };
}

/** A few at a time; none is begun after one has failed. */
async function inTurn(
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
