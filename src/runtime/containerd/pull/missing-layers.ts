/** What of an image the runtime would still have to fetch: of its layers, those whose blobs are not on the node. */
import type { Descriptor } from '#image/manifest.ts';
import type { Content } from '#report/rehearsal.ts';
import type { ImageManifest } from './blobs.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

type Missing = Pick<Content, 'missingBytes' | 'missingLayers'>;

/** Nothing where nobody can look into the runtime's store. */
export async function missingOf(context: AttemptContext, manifest: ImageManifest): Promise<Missing> {
  const { hasContent } = context.wire;
  if (hasContent === undefined) return {};
  const distinct = new Map([manifest.config, ...manifest.layers].map((one) => [one.digest, one]));
  const absent: Descriptor[] = [];
  for (const blob of distinct.values()) {
    const has = await hasContent(blob.digest);
    if (has === undefined) return {};
    if (!has) absent.push(blob);
  }
  return {
    missingBytes: absent.reduce((sum, { size }) => sum + size, 0),
    missingLayers: absent.filter(({ digest }) => digest !== manifest.config.digest).length,
  };
}
