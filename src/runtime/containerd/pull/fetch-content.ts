/**
 * The second half of a pull: content by digest, from the first host again for every object. Manifests are read whole; of other blobs the
 * first bytes are, and those that fit are checked against their digest.
 *
 * Imitates containerd core/remotes/docker/fetcher.go (dockerFetcher.Fetch, open) and core/remotes/handlers.go (Fetch), v1.6.20 to v2.3.4.
 */
import { originOf } from '#go/host-port.ts';
import type { Fault } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import type { Act } from '#report/rehearsal.ts';
import { containerdMessage } from '#registry/http/error-body.ts';
import type { Header } from '#node/view.ts';
import { undecodable } from '#registry/http/decode.ts';
import { digestOf } from '#image/digest.ts';
import { blobFault, refusal, textOf } from '#runtime/attempt/faults.ts';
import { systemTrust, type Route } from '#runtime/plan.ts';
import type { Reply } from '#runtime/attempt/request.ts';
import { contentNotFound, fetchStatusText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import { checkSample, checkWhole, hashAs, type Fetched } from './check-content.ts';
import { pullError, type PullError, type Result } from './pull-error.ts';
import { maxManifestBytes } from './resolve-answer.ts';
import { send, type Request } from './send-request.ts';

/** A blob that is no larger is read and checked whole. */
const wholeBelow = 60 * 1024;
/** Of no other blob is more read, without --verify; an encoding in transit can make a small one larger. */
const mostBytes = 64 * 1024;
const encodingSlack = 2 * 1024;
/** Of a larger one, this much shows that its host serves it, through every middlebox and with full-size packets. */
const sampleBytes = 4 * 1024;

export async function fetchManifest(
  context: PullContext,
  authorizer: Authorizer,
  wanted: Descriptor,
): Promise<Result<Fetched>> {
  const known = context.wire.memory.manifest(placeOf(context), wanted.digest);
  if (known !== undefined) return { ok: true, value: { body: known.body, host: '', verified: true } };
  const local = await context.wire.content.localContent(wanted.digest);
  if (local !== undefined && digestOf(local, wanted.digest) === wanted.digest) {
    return { ok: true, value: { body: local, host: 'this node', verified: true } };
  }
  const opened = await open(context, authorizer, {
    wanted,
    kind: 'manifests',
    act: 'manifest',
    maxBytes: maxManifestBytes,
    headers: [encodings(context)],
  });
  if (!opened.ok) return opened;
  const checked = checkWhole(context, opened.value, { wanted, act: 'manifest' });
  if (checked.ok)
    context.wire.memory.keepManifest(placeOf(context), wanted.digest, {
      body: checked.value.body,
      mediaType: wanted.mediaType,
    });
  return checked;
}

export async function fetchBlob(
  context: PullContext,
  authorizer: Authorizer,
  wanted: Descriptor,
  how: { readonly act: 'config' | 'layer'; readonly again: boolean },
): Promise<Result<Fetched>> {
  const { wire } = context;
  const { act } = how;
  const whole = wire.options.verify;
  const seen = wire.memory.blob(placeOf(context), wanted.digest, { nowMs: wire.elapsedMs(), whole });
  const kept = act === 'config' ? wire.memory.manifest(placeOf(context), wanted.digest)?.body : undefined;
  // Of a configuration the bytes are needed; a layer only has to exist.
  const isEnough = kept !== undefined || act === 'layer' || wanted.size > wholeBelow;
  if (seen !== undefined && !how.again && isEnough)
    return { ok: true, value: { body: kept ?? new Uint8Array(), host: seen, verified: whole } };
  const all = whole || wanted.size <= wholeBelow;
  const opening = openingFor(context, wanted, act);
  const first = await open(context, authorizer, opening);
  const opened = isRangeRefused(first) ? await open(context, authorizer, { ...opening, headers: [] }) : first;
  if (!opened.ok) return { ok: false, error: ofBlob(opened.error, wanted) };
  const checked = all
    ? checkWhole(context, opened.value, { wanted, act })
    : checkSample(context, opened.value, { wanted, act });
  if (!checked.ok) return { ok: false, error: ofBlob(checked.error, wanted) };
  wire.memory.keepBlob(placeOf(context), wanted.digest, {
    seenMs: wire.elapsedMs(),
    host: checked.value.host,
    verified: all,
  });
  if (act === 'config' && checked.value.verified) {
    const { body } = checked.value;
    wire.memory.keepManifest(placeOf(context), wanted.digest, { body, mediaType: wanted.mediaType });
  }
  return checked;
}

/** fetcher.go open since 2.0; before, what net/http asks for by itself. */
function encodings({ plan: { engine } }: PullContext): Header {
  return ['Accept-Encoding', engine.encodings === 'gzip' ? 'gzip' : 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5'];
}

/** Small: read whole, also where it is larger in transit. Large: a sample, or with --verify every byte, hashed as it comes. */
function openingFor(context: PullContext, wanted: Descriptor, act: 'config' | 'layer'): Opening {
  const common = { wanted, kind: 'blobs' as const, act };
  if (wanted.size <= wholeBelow)
    return { ...common, maxBytes: Math.min(wanted.size + encodingSlack, mostBytes), headers: [encodings(context)] };
  if (context.wire.options.verify)
    return {
      ...common,
      maxBytes: wanted.size + 1,
      headers: [['Accept-Encoding', 'identity']],
      hashAs: hashAs(context, wanted),
    };
  const bytes = sampleFor(context, wanted, act);
  return { ...common, maxBytes: bytes, headers: [['Range', `bytes=0-${bytes - 1}`]] };
}

/** Once in some hours and registry, enough of a layer to measure how fast it comes. */
function sampleFor(context: PullContext, wanted: Descriptor, act: 'config' | 'layer'): number {
  const { memory, options, elapsedMs } = context.wire;
  const timedBytes = options.throughputSampleBytes ?? 0;
  if (act !== 'layer' || timedBytes <= sampleBytes || wanted.size < timedBytes) return sampleBytes;
  const hosts = context.routes.map(({ authority }) => authority).join(',');
  return memory.takeTiming(hosts, elapsedMs()) ? timedBytes : sampleBytes;
}

/** The content came and is of no use: the next pass fetches it again. */
export function forgetBlob(context: PullContext, digest: string): void {
  context.wire.memory.forgetBlob(placeOf(context), digest);
}

/** The Range is the agent's, not the runtime's: a host that refuses it gets the runtime's own request. */
function isRangeRefused(opened: Result<Reply>): boolean {
  return !opened.ok && opened.error.fault.code === 'api.rejected' && opened.error.fault.status === 416;
}

/** Content is remembered where it was found: under these hosts and this repository. */
function placeOf(context: PullContext): string {
  return `${context.routes.map((route) => `${route.authority}${route.path}${route.repository === undefined ? '' : `/${route.repository}`}`).join(',')}/${context.plan.image.path}`;
}

interface Opening {
  readonly wanted: Descriptor;
  readonly kind: 'manifests' | 'blobs';
  readonly act: Act;
  readonly maxBytes: number;
  readonly headers: readonly Header[];
  readonly hashAs?: string;
}

/** Fetch: the places that the descriptor names, then every host in order, whatever its capabilities; the first host's error is shown. */
async function open(context: PullContext, authorizer: Authorizer, opening: Opening): Promise<Result<Reply>> {
  const { wanted, act } = opening;
  const foreign = await openForeign(context, authorizer, opening);
  if (foreign !== undefined) return foreign;
  let first: PullError | undefined;
  let ours: PullError | undefined;
  for (const route of context.routes.keys()) {
    const because = first === undefined ? 'the first host' : `${first.fault.code} at the host before`;
    const sent = await send(context, authorizer, {
      ...getOf(opening),
      route,
      object: `${opening.kind}/${wanted.digest}`,
      lastHost: route === context.routes.length - 1,
      purpose: { act, because },
    });
    if (!sent.ok && (sent.error.fault.code === 'agent.out_of_time' || sent.error.fault.code === 'agent.bug'))
      return sent;
    const found = sent.ok ? statusError(context, sent.value, opening) : sent.error;
    if (found === undefined) return sent;
    if (found.fault.code.startsWith('agent.')) ours ??= found;
    first ??= found;
  }
  // No host served it, and the agent left one out: that one might have.
  if (ours !== undefined) return { ok: false, error: ours };
  return { ok: false, error: notFetched(first, opening) };
}

/**
 * A foreign layer's `urls`, each asked before the registry, without credentials and by the system's own trust, whatever hosts.toml sets
 * (dockerFetcher.Fetch). After a 404 the next is asked. undefined: it is at none of them.
 */
async function openForeign(
  context: PullContext,
  authorizer: Authorizer,
  opening: Opening,
): Promise<Result<Reply> | undefined> {
  const { wanted, act } = opening;
  for (const place of foreignPlaces(context, wanted)) {
    const sent = await send(context, authorizer, {
      ...getOf(opening),
      ...place,
      route: noRoute,
      object: `blobs/${wanted.digest}`,
      lastHost: false,
      purpose: { act, because: 'its descriptor names this place' },
    });
    const found = sent.ok ? statusError(context, sent.value, opening) : sent.error;
    if (found === undefined) return sent;
    if (found.notFound !== true) return { ok: false, error: found };
  }
  return undefined;
}

/** The index of a route that is not the plan's. */
const noRoute = -1;

function getOf({
  wanted,
  headers,
  maxBytes,
  hashAs,
}: Opening): Pick<Request, 'method' | 'headers' | 'maxBytes' | 'hashAs'> {
  const accept: Header = ['Accept', wanted.mediaType === '' ? '*/*' : `${wanted.mediaType}, */*`];
  const hashed = hashAs === undefined ? {} : { hashAs };
  return { method: 'GET', headers: [accept, ...headers], maxBytes, ...hashed };
}

/** withErrorCheck, and what else keeps open from returning a body. */
function statusError(context: PullContext, reply: Reply, opening: Opening): PullError | undefined {
  const { answer, requested, url } = reply;
  if (answer.status <= 299) {
    const why = undecodable(answer, context.plan.engine.encodings);
    return why === undefined ? undefined : pullError({ code: 'api.malformed', host: url.host, why }, why);
  }
  if (answer.status === 404) {
    const errorText = { text: contentNotFound(requested), code: 'NotFound' as const };
    const { digest, mediaType } = opening.wanted;
    const { image } = context.plan;
    const fault: Fault =
      opening.kind === 'blobs'
        ? { code: 'blob.missing', digest, host: url.host, mediaType }
        : { code: 'manifest.unknown_digest', image: `${image.repository}@${digest}`, host: url.host, message: '' };
    return { fault, errorText, notFound: true };
  }
  const message = containerdMessage(textOf(answer));
  return {
    fault: refusal(reply, context),
    errorText: fetchStatusText(
      { method: 'GET', url },
      { status: answer.status, requested, message },
      context.plan.engine,
    ),
  };
}

function notFetched(first: PullError | undefined, opening: Opening): PullError {
  const { wanted } = opening;
  if (first === undefined)
    return { fault: { code: 'agent.bug', where: 'open', what: 'no host' }, errorText: { text: '' } };
  if (first.notFound !== true || opening.kind === 'manifests') return first;
  const text = `could not fetch content descriptor ${wanted.digest} (${wanted.mediaType}) from remote: not found`;
  return { ...first, errorText: { text, code: 'NotFound' } };
}

/** The wire's and the registry's faults, as faults of the blob. */
function ofBlob(error: PullError, { digest }: Descriptor): PullError {
  return { ...error, fault: blobFault(error, digest) };
}

/** net/http DefaultTransport. */
const foreignDialTimeoutMs = 30_000;

/** In the order in which they are asked. URLs of other schemes than HTTP's are skipped. */
function foreignPlaces(
  { plan }: PullContext,
  { urls }: Descriptor,
): readonly { readonly foreignUrl: URL; readonly at: Route }[] {
  return urls.flatMap((written) => {
    const url = URL.canParse(written) ? new URL(written) : undefined;
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.host === '') return [];
    // Neither is part of a request.
    Object.assign(url, { username: '', password: '', hash: '' });
    const at: Route = {
      role: 'mirror',
      ...originOf(url),
      authority: url.host,
      path: '',
      mayPull: true,
      mayResolve: false,
      tls: systemTrust,
      httpsFirst: false,
      headers: [],
      realmHeaders: [],
      dialTimeoutMs: foreignDialTimeoutMs,
      because: `a descriptor of ${plan.image.runtime}`,
    };
    return [{ foreignUrl: url, at }];
  });
}
