/** A reference that resolves to something that no pull can use: a used-up quota, an empty, foreign or outdated manifest. */
import { parseJson, registryJsonBounds } from '#data/json.ts';
import type { Fault, RateLimit } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import type { Ending } from '#report/rehearsal.ts';
import { statusLine } from '#go/http-status.ts';
import { openFailed, pullFailed, type ErrorText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import { fetchBlob } from './fetch-content.ts';
import { endingOf, fetchText } from './pull-error.ts';
import type { Resolved } from './resolve-answer.ts';

/** HEAD stays free when a quota is used up; the GET that a pull goes on to make is answered 429. */
export function quotaUsedUp(context: PullContext, resolved: Resolved): Ending | undefined {
  const limit: RateLimit | undefined = resolved.rateLimit;
  const route = context.routes[resolved.route];
  if (limit?.remaining !== 0 || limit.scope !== 'quota' || route === undefined) return undefined;
  const fault: Fault = { code: 'api.rate_limited', host: route.authority, status: 429, limit, message: '' };
  const url = `${route.scheme}://${route.authority}${route.path}/${route.repository ?? context.plan.image.path}/manifests/${resolved.digest}`;
  const line = statusLine(429);
  const text =
    context.plan.engine.texts.getStatus === 'new_line'
      ? `unexpected status from GET request to ${url}: ${line}`
      : `unexpected status code ${url}: ${line}`;
  return endingOf({ fault }, openFailed(context.plan.image.runtime, { text }));
}

/** 200 with something that is no manifest: containerd asks for it as a blob, then cannot use it (image.Config). */
export async function notAManifest(context: PullContext, authorizer: Authorizer, top: Descriptor): Promise<Ending> {
  const host = context.routes[0]?.authority ?? '';
  const fault: Fault = { code: 'api.not_a_registry', host, url: lastUrl(context), contentType: top.mediaType };
  const fetched = await fetchBlob(context, authorizer, top, { act: 'layer', again: false });
  if (!fetched.ok) return endingOf({ fault }, fetchText(context, fetched.error));
  const unexpected = `unexpected media type ${top.mediaType} for ${top.digest}: not found`;
  const errorText: ErrorText =
    context.plan.engine.kind === 'local'
      ? pullFailed(context.plan.image.runtime, {
          text: `failed to unpack image on snapshotter overlayfs: ${unexpected}`,
          code: 'NotFound',
        })
      : { text: `get image config descriptor: ${unexpected}`, code: 'NotFound' };
  return endingOf({ fault }, errorText);
}

function lastUrl(context: PullContext): string {
  return context.exchanges.findLast(({ outcome }) => outcome.ok && outcome.value.status < 300)?.url ?? '';
}

/** remotes.Fetch: a descriptor of size zero is refused. */
export function emptyContent(context: PullContext, top: Descriptor): Ending {
  const host = context.exchanges.at(-1)?.url ?? '';
  const fault: Fault = {
    code: 'manifest.malformed',
    digest: top.digest,
    host,
    why: 'the registry announces a manifest without bytes',
  };
  const errorText: ErrorText = {
    text: `unable to fetch descriptor (${top.digest}) which reports content size of zero: invalid argument`,
    code: 'InvalidArgument',
  };
  return endingOf({ fault }, pullFailed(context.plan.image.runtime, errorText));
}

/** containerd before 2.0 converts schema 1 (remotes/docker/schema1): a signature and layers must be there. The layers are not read. */
export function convertedSchema1(context: PullContext, body: Uint8Array, top: Descriptor): Ending {
  const layers = signedLayers(Buffer.from(body).toString('utf8'));
  if (layers > 0) {
    const content = {
      digest: top.digest,
      mediaType: top.mediaType,
      resolvedBy: 0,
      layers,
      bytes: 0,
      blobHosts: [],
      depth: 'manifest' as const,
    };
    return { is: 'pulled', content };
  }
  const fault: Fault = {
    code: 'manifest.malformed',
    digest: top.digest,
    host: context.routes[0]?.authority ?? '',
    why: 'a schema 1 manifest without signature or layers',
  };
  return endingOf({ fault }, pullFailed(context.plan.image.runtime, { text: fault.why }));
}

function signedLayers(text: string): number {
  const json = parseJson(text, registryJsonBounds);
  if (typeof json !== 'object' || json === null || !('signatures' in json) || !('fsLayers' in json)) return 0;
  if (!Array.isArray(json.signatures) || json.signatures.length === 0 || !Array.isArray(json.fsLayers)) return 0;
  return json.fsLayers.length;
}

export function schema1Refused(context: PullContext, resolved: Resolved): Ending {
  const fault: Fault = {
    code: 'manifest.unsupported',
    mediaType: resolved.mediaType,
    host: context.routes[resolved.route]?.authority ?? '',
  };
  const errorText: ErrorText = {
    text: 'schema 1 image manifests are no longer supported: invalid argument',
    code: 'InvalidArgument',
  };
  return endingOf({ fault }, pullFailed(context.plan.image.runtime, errorText));
}
