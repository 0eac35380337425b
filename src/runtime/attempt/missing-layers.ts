/** What of an image the runtime still has to download: the blobs that are not in its store. */
import type { Descriptor, ImageManifest } from '#image/manifest.ts';
import type { Content } from '#report/rehearsal.ts';
import type { AttemptContext } from './context.ts';

type Missing = Pick<Content, 'missingBytes' | 'missingLayers'>;

/** Empty where the store cannot be read. */
export async function missingOf(context: AttemptContext, manifest: ImageManifest): Promise<Missing> {
  const { hasContent } = context.wire.content;
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
