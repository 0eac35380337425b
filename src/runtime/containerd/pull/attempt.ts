/**
 * One whole pull under one identity: resolve, manifest, configuration, layers, stopping short of the layers' bytes.
 * Imitates containerd client.Pull (local engine) and core/transfer/local/pull.go (transfer service), and image.Config after it.
 */
import { goQuote } from '#go/quote.ts';
import type { Descriptor } from '#image/descriptor.ts';
import { kindOfMediaType } from '#image/manifest.ts';
import type { Image } from '#image/reference.ts';
import type { Attempt, Content, Ending } from '#report/rehearsal.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import { missingOf } from '#runtime/attempt/missing-layers.ts';
import { resolveFailed, type ErrorText } from '../error-texts.ts';
import { isPullContext, type PullContext } from '../plan.ts';
import { Authorizer } from './authorize.ts';
import { fetchBlobs, type Blobs } from './fetch-blobs.ts';
import { findManifest, type FoundManifest } from './find-manifest.ts';
import { endingOf, fetchFailed } from './pull-error.ts';
import type { Resolved } from './resolve-answer.ts';
import { resolve } from './resolve.ts';
import { identityOf, placeOf } from './tag-conditions.ts';
import { unpackError } from './unpack.ts';
import { emptyContent, notAManifest, quotaUsedUp, schema1Refused } from './unusable-content.ts';

/** Platforms that a report keeps; no honest image has more. */
const maxOffered = 32;

export async function attempt(context: AttemptContext): Promise<Attempt> {
  const ending = isPullContext(context) ? await pull(context) : notContainerd();
  return { as: context.identity.label, exchanges: context.exchanges, ending };
}

function notContainerd(): Ending {
  const fault = { code: 'agent.bug', where: 'attempt', what: "a plan that is not containerd's" } as const;
  return { is: 'undetermined', fault, stage: 'plan' };
}

async function pull(context: PullContext): Promise<Ending> {
  const { image, engine } = context.plan;
  if (image.registry.startsWith('[') && !engine.takesIpv6Registries) return unreadableReference(image);
  const authorizer = new Authorizer(context);
  const resolution = await resolve(context, authorizer);
  switch (resolution.is) {
    case 'failed': {
      const { error } = resolution;
      return endingOf(error, resolveFailed(image.runtime, error.errorText, engine));
    }
    case 'withheld':
      return { is: 'undetermined', fault: resolution.fault, stage: 'manifest' };
    case 'resolved':
      rememberTag(context, resolution.value);
      return fetchAll(context, authorizer, resolution.value);
  }
}

/** The kubelet reads the reference, and containerd does not (pkg/cri/server/image_pull.go PullImage). */
function unreadableReference({ written, sent }: Image): Ending {
  const why = 'invalid reference format';
  const errorText: ErrorText = { text: `failed to parse image reference ${goQuote(sent)}: ${why}` };
  return endingOf({ fault: { code: 'image.malformed', image: written, why } }, errorText);
}

function rememberTag(context: PullContext, { digest, mediaType, size, etag, route, shown }: Resolved): void {
  const at = context.routes[route];
  if (at === undefined || context.plan.image.digest !== undefined) return;
  const tagged = { digest, mediaType, size, ...(etag === undefined ? {} : { etag }) };
  const nowMs = context.wire.elapsedMs();
  context.wire.memory.tags.keep({ place: placeOf(at), ...identityOf(context) }, tagged, { shown, nowMs });
}

async function fetchAll(context: PullContext, authorizer: Authorizer, resolved: Resolved): Promise<Ending> {
  const { engine } = context.plan;
  const { digest, mediaType, size, route } = resolved;
  const top: Descriptor = { mediaType, digest, size, urls: [] };
  const usedUp = quotaUsedUp(context, resolved);
  if (usedUp !== undefined) return usedUp;
  const kind = kindOfMediaType(mediaType);
  if (kind === 'schema1' && !engine.convertsSchema1) return schema1Refused(context, resolved);
  if (size === 0) return emptyContent(context, top);
  if (kind === 'other') return notAManifest(context, authorizer, top);
  const pulled: Ending = { is: 'pulled', content: contentOf(resolved) };
  if (isMetered(context, route) && (await context.wire.content.localContent(digest)) === undefined) return pulled;
  const found = await findManifest(context, authorizer, top);
  switch (found.is) {
    case 'ending': {
      const { ending } = found;
      const isWithheld = ending.is === 'undetermined' && ending.fault.code === 'agent.spends_quota';
      return isWithheld && isMetered(context, route) ? pulled : ending;
    }
    case 'leaf':
      return notAManifest(context, authorizer, top);
    case 'found': {
      const blobs = await fetchBlobs(context, authorizer, found.manifest);
      if (!blobs.ok) return fetchFailed(context, blobs.error);
      const error = unpackError(context, { top, ...found, blobs: blobs.value });
      if (error !== undefined) return endingOf(error, error.errorText);
      return { is: 'pulled', content: await wholeContent(context, resolved, { found, blobs: blobs.value }) };
    }
  }
}

/** What is known of the content once the tag is resolved. */
function contentOf({ digest, mediaType, route }: Resolved): Content {
  return { digest, mediaType, resolvedBy: route, layers: 0, bytes: 0, blobHosts: [], depth: 'resolved' };
}

async function wholeContent(
  context: PullContext,
  resolved: Resolved,
  { found, blobs }: { readonly found: FoundManifest; readonly blobs: Blobs },
): Promise<Content> {
  const { manifest, chosen, offered } = found;
  return {
    ...contentOf(resolved),
    ...(chosen.platform === undefined ? {} : { platform: chosen.platform }),
    ...(offered === undefined ? {} : { offered: offered.slice(0, maxOffered) }),
    layers: manifest.layers.length,
    bytes: manifest.config.size + manifest.layers.reduce((sum, layer) => sum + layer.size, 0),
    ...(await missingOf(context, manifest)),
    blobHosts: blobs.hosts,
    depth: blobs.verified ? 'blobs_verified' : 'blobs_sampled',
  };
}
