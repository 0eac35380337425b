/**
 * The second half of a pull: content by digest, over all hosts from the first again for every object.
 * Imitates containerd core/remotes/docker/fetcher.go (dockerFetcher.Fetch, open) and core/remotes/handlers.go (Fetch). Manifests
 * are read whole; of other blobs the first bytes are, and those that fit are checked against their digest.
 */
import type { Fault } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import type { Act } from '#report/rehearsal.ts';
import { containerdMessage } from '#registry/http/error-body.ts';
import { contentNotFound, fetchStatusText } from '#runtime/containerd/error-texts.ts';
import type { Header } from '#node/view.ts';
import { undecodable } from '#registry/http/decode.ts';
import { digestOf } from '#image/digest.ts';
import type { Authorizer } from './authorizer.ts';
import { asBlob } from './blob-fault.ts';
import { commit, hashAs, sampled, type Fetched } from './commit.ts';
import { elsewhereOf } from './elsewhere.ts';
import type { Reply, Request } from './hop.ts';
import { refusal } from './refusal.ts';
import { send } from './request.ts';
import { maxManifestBytes } from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Tried, type Trouble } from '#runtime/attempt/trouble.ts';

/** A blob that is no larger is read and checked whole. */
const wholeBelow = 60 * 1024;
/** Of no other blob is more read, without --verify; an encoding in transit can make a small one larger. */
const mostBytes = 64 * 1024;
const encodingSlack = 2 * 1024;
/** Of a larger one, this much shows that its host serves it, through every middlebox and with full-size packets. */
const sampleBytes = 4 * 1024;

export async function fetchManifest(
  context: AttemptContext,
  authorizer: Authorizer,
  wanted: Descriptor,
): Promise<Tried<Fetched>> {
  const known = context.wire.memory.manifest(placeOf(context), wanted.digest);
  if (known !== undefined) return { ok: true, value: { body: known.body, host: '', verified: true } };
  const local = await context.wire.localContent(wanted.digest);
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
  const checked = commit(context, opened.value, { wanted, act: 'manifest' });
  if (checked.ok)
    context.wire.memory.keepManifest(placeOf(context), wanted.digest, {
      body: checked.value.body,
      mediaType: wanted.mediaType,
    });
  return checked;
}

export async function fetchBlob(
  context: AttemptContext,
  authorizer: Authorizer,
  wanted: Descriptor,
  how: { readonly act: 'config' | 'layer'; readonly again: boolean },
): Promise<Tried<Fetched>> {
  const { wire } = context;
  const { act } = how;
  const whole = wire.manners.verify;
  const seen = wire.memory.blob(placeOf(context), wanted.digest, { nowMs: wire.elapsedMs(), whole });
  const kept = act === 'config' ? wire.memory.manifest(placeOf(context), wanted.digest)?.body : undefined;
  // What a configuration says is needed; a layer needs only be there.
  const isEnough = kept !== undefined || act === 'layer' || wanted.size > wholeBelow;
  if (seen !== undefined && !how.again && isEnough)
    return { ok: true, value: { body: kept ?? new Uint8Array(), host: seen, verified: whole } };
  const all = whole || wanted.size <= wholeBelow;
  const opening = openingFor(context, wanted, act);
  const first = await open(context, authorizer, opening);
  const opened = isRangeRefused(first) ? await open(context, authorizer, { ...opening, headers: [] }) : first;
  if (!opened.ok) return { ok: false, trouble: asBlob(opened.trouble, wanted) };
  const checked = all
    ? commit(context, opened.value, { wanted, act })
    : sampled(context, opened.value, { wanted, act });
  if (!checked.ok) return { ok: false, trouble: asBlob(checked.trouble, wanted) };
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
function encodings({ plan: { engine } }: AttemptContext): Header {
  return ['Accept-Encoding', engine.encodings === 'gzip' ? 'gzip' : 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5'];
}

/** Small: read whole, also where it is larger in transit. Large: a sample, or with --verify every byte, hashed as it comes. */
function openingFor(context: AttemptContext, wanted: Descriptor, act: 'config' | 'layer'): Opening {
  const common = { wanted, kind: 'blobs' as const, act };
  if (wanted.size <= wholeBelow)
    return { ...common, maxBytes: Math.min(wanted.size + encodingSlack, mostBytes), headers: [encodings(context)] };
  if (context.wire.manners.verify)
    return {
      ...common,
      maxBytes: wanted.size + 1,
      headers: [['Accept-Encoding', 'identity']],
      hashAs: hashAs(context, wanted),
    };
  const bytes = sampleFor(context, wanted, act);
  return { ...common, maxBytes: bytes, headers: [['Range', `bytes=0-${bytes - 1}`]] };
}

/** Once in some hours and registry, more of a layer than shows that it is there: as much as shows how fast it comes. */
function sampleFor(context: AttemptContext, wanted: Descriptor, act: 'config' | 'layer'): number {
  const { memory, manners, elapsedMs } = context.wire;
  const sampleBytesWanted = manners.throughputSampleBytes ?? 0;
  if (act !== 'layer' || sampleBytesWanted <= sampleBytes || wanted.size < sampleBytesWanted) return sampleBytes;
  const hosts = context.routes.map(({ authority }) => authority).join(',');
  return memory.takeTiming(hosts, elapsedMs()) ? sampleBytesWanted : sampleBytes;
}

/** It was had, and is of no use: the next pass looks again. */
export function forgetBlob(context: AttemptContext, digest: string): void {
  context.wire.memory.forgetBlob(placeOf(context), digest);
}

/** The Range is ours, not the runtime's: a host that refuses it is asked as the runtime would. */
function isRangeRefused(opened: Tried<Reply>): boolean {
  return !opened.ok && opened.trouble.fault.code === 'api.rejected' && opened.trouble.fault.status === 416;
}

/** Content is remembered where it was found: under these hosts and this repository. */
function placeOf(context: AttemptContext): string {
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

/** Fetch: where the descriptor itself says, then every host in turn, whatever its capabilities; the first host's error is the one shown. */
async function open(context: AttemptContext, authorizer: Authorizer, opening: Opening): Promise<Tried<Reply>> {
  const { wanted, act } = opening;
  const there = await openElsewhere(context, authorizer, opening);
  if (there !== undefined) return there;
  let first: Trouble | undefined;
  let ours: Trouble | undefined;
  for (const route of context.routes.keys()) {
    const because = first === undefined ? 'the first host' : `${first.fault.code} at the host before`;
    const tried = await send(context, authorizer, {
      ...getOf(opening),
      route,
      object: `${opening.kind}/${wanted.digest}`,
      lastHost: route === context.routes.length - 1,
      purpose: { act, because },
    });
    if (!tried.ok && (tried.trouble.fault.code === 'agent.out_of_time' || tried.trouble.fault.code === 'agent.bug'))
      return tried;
    const found = tried.ok ? statusTrouble(context, tried.value, opening) : tried.trouble;
    if (found === undefined) return tried;
    if (found.fault.code.startsWith('agent.')) ours ??= found;
    first ??= found;
  }
  // Another host would have done; where none does, what we held back could have been the one.
  if (ours !== undefined) return { ok: false, trouble: ours };
  return { ok: false, trouble: asNotFetched(first, opening) };
}

/** undefined: it is nowhere else, and the registry is asked. */
async function openElsewhere(
  context: AttemptContext,
  authorizer: Authorizer,
  opening: Opening,
): Promise<Tried<Reply> | undefined> {
  const { wanted, act } = opening;
  for (const elsewhere of elsewhereOf(context, wanted)) {
    const tried = await send(context, authorizer, {
      ...getOf(opening),
      elsewhere,
      route: noRoute,
      object: `blobs/${wanted.digest}`,
      lastHost: false,
      purpose: { act, because: 'its descriptor names this place' },
    });
    const found = tried.ok ? statusTrouble(context, tried.value, opening) : tried.trouble;
    if (found === undefined) return tried;
    if (found.notFound !== true) return { ok: false, trouble: found };
  }
  return undefined;
}

/** The index of none. */
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
function statusTrouble(context: AttemptContext, reply: Reply, opening: Opening): Trouble | undefined {
  const { answer, requested, url } = reply;
  if (answer.status <= 299) {
    const why = undecodable(answer, context.plan.engine.encodings);
    return why === undefined ? undefined : trouble({ code: 'api.malformed', host: url.host, why }, why);
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
  const message = containerdMessage(Buffer.from(answer.body).toString('utf8'));
  return {
    fault: refusal(reply, context),
    errorText: fetchStatusText(
      { method: 'GET', url },
      { status: answer.status, requested, message },
      context.plan.engine,
    ),
  };
}

function asNotFetched(first: Trouble | undefined, opening: Opening): Trouble {
  const { wanted } = opening;
  if (first === undefined)
    return { fault: { code: 'agent.bug', where: 'open', what: 'no host' }, errorText: { text: '' } };
  if (first.notFound !== true || opening.kind === 'manifests') return first;
  const text = `could not fetch content descriptor ${wanted.digest} (${wanted.mediaType}) from remote: not found`;
  return { ...first, errorText: { text, code: 'NotFound' } };
}
