/**
 * From the resolved descriptor down through indexes to the one image manifest for this node.
 * Imitates containerd core/images (Children, FilterPlatforms), client GetImage, and core/transfer/local/pull.go, v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import {
  childrenFor,
  kindOfMediaType,
  offered,
  readManifest,
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
  type UnreadableManifest,
} from '#image/manifest.ts';
import type { DescriptorFlaw } from '#image/descriptor.ts';
import { formatPlatform, matcherFor } from '#image/platform.ts';
import type { Ending } from '#report/rehearsal.ts';
import { pullFailed, type ErrorText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import { fetchBlob, fetchManifest } from './fetch-content.ts';
import { endingOf, fetchFailed } from './pull-error.ts';
import { convertedSchema1 } from './unusable-content.ts';

/** No honest image nests its indexes deeper. */
const maxDepth = 4;

export interface FoundManifest {
  readonly is: 'found';
  readonly manifest: ImageManifest;
  readonly chosen: Descriptor;
  readonly offered?: readonly string[];
}

type ManifestSearch =
  | FoundManifest
  /** Nothing to unpack: an entry of an index that is no image. */
  | { readonly is: 'leaf' }
  | { readonly is: 'ending'; readonly ending: Ending };

export async function findManifest(
  context: PullContext,
  authorizer: Authorizer,
  top: Descriptor,
  depth = 0,
): Promise<ManifestSearch> {
  if (top.flaw !== undefined) return flawedDescriptor(context, top, top.flaw);
  if (kindOfMediaType(top.mediaType) === 'other') return fetchLeaf(context, authorizer, top);
  const fetched = await fetchManifest(context, authorizer, top);
  if (!fetched.ok) return ended(fetchFailed(context, fetched.error));
  const { body, host } = fetched.value;
  const read = readManifest(Buffer.from(body).toString('utf8'), top.mediaType, { digest: top.digest, host });
  if (!read.ok) return unreadable(context, read);
  const manifest = read.value;
  switch (manifest.kind) {
    case 'image':
      return { is: 'found', manifest, chosen: top };
    case 'index':
      return depth > maxDepth
        ? unusable(context, {
            code: 'manifest.malformed',
            digest: top.digest,
            host: '',
            why: 'indexes within indexes',
          })
        : searchIndex(context, authorizer, { index: manifest, top, depth });
    case 'schema1':
      return ended(convertedSchema1(context, body, top));
    case 'other':
      return unusable(context, { code: 'manifest.unsupported', mediaType: top.mediaType, host });
  }
}

function ended(ending: Ending): ManifestSearch {
  return { is: 'ending', ending };
}

/** What is no manifest is fetched as a blob and not read (handlers.go childrenHandler). */
async function fetchLeaf(context: PullContext, authorizer: Authorizer, top: Descriptor): Promise<ManifestSearch> {
  const fetched = await fetchBlob(context, authorizer, top, { act: 'layer', again: false });
  return fetched.ok ? { is: 'leaf' } : ended(fetchFailed(context, fetched.error));
}

/** A descriptor that no request is made for: its digest is none, or its size is impossible. */
function flawedDescriptor(context: PullContext, { digest }: Descriptor, flaw: DescriptorFlaw): ManifestSearch {
  const { why } = flaw;
  const fault: Fault = { code: 'manifest.malformed', digest, host: '', why };
  return ended(endingOf({ fault }, pullFailed(context.plan.image.runtime, { text: why, ...codeOf(flaw) })));
}

async function searchIndex(
  context: PullContext,
  authorizer: Authorizer,
  at: { readonly index: ImageIndex; readonly top: Descriptor; readonly depth: number },
): Promise<ManifestSearch> {
  const { platform, engine } = context.plan;
  const children = childrenFor(at.index, matcherFor(platform, engine.platforms, engine.osFeatures), engine.platforms);
  let result: FoundManifest | undefined;
  for (const child of children) {
    const found = await findManifest(context, authorizer, child, at.depth + 1);
    if (found.is === 'ending') return found;
    if (found.is === 'found') result ??= found;
  }
  if (result !== undefined) return { ...result, offered: offered(at.index) };
  const fault: Fault = {
    code: 'manifest.no_platform',
    platform: formatPlatform(platform),
    offered: offered(at.index),
    digest: at.top.digest,
  };
  return ended(endingOf({ fault }, noPlatformText(context, at)));
}

/** The transfer service fetches exact builds only, and afterwards accepts any that would run (client GetImage). */
function noPlatformText(
  { plan: { platform, engine, image } }: PullContext,
  { index, top }: { readonly index: ImageIndex; readonly top: Descriptor },
): ErrorText {
  const code = 'NotFound';
  if (engine.kind === 'local')
    return pullFailed(image.runtime, { text: 'no match for platform in manifest: not found', code });
  const [runs] = childrenFor(index, matcherFor(platform, 'compatible', engine.osFeatures), 'compatible');
  const why = runs === undefined ? `no match for platform in manifest ${top.digest}` : `content digest ${runs.digest}`;
  return { text: `get image config descriptor: ${why}: not found`, code };
}

/** validateMediaType is the first to decode a manifest, and its errors are prefixed (images/image.go Children). */
function unreadable(context: PullContext, read: UnreadableManifest): ManifestSearch {
  const { fault, by } = read;
  const text = by === 'validateMediaType' ? `children: invalid desc ${fault.digest}: ${fault.why}` : fault.why;
  return ended(endingOf({ fault }, pullFailed(context.plan.image.runtime, { text, ...codeOf(read) })));
}

function unusable(context: PullContext, fault: Fault): ManifestSearch {
  const text = fault.code === 'manifest.malformed' ? fault.why : fault.code;
  return ended(endingOf({ fault }, pullFailed(context.plan.image.runtime, { text })));
}

function codeOf({ isInvalidArgument }: Pick<DescriptorFlaw, 'isInvalidArgument'>): Pick<ErrorText, 'code'> {
  return isInvalidArgument ? { code: 'InvalidArgument' } : {};
}
