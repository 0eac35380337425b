/**
 * Whether the bytes that came are those that their descriptor names. Imitates containerd core/content/helpers.go (Copy) and the content
 * store's Commit: size and digest must be what was announced.
 */
import type { FaultOf } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import type { Act } from '#report/rehearsal.ts';
import { decodeBody } from '#registry/http/decode.ts';
import { digestOf } from '#image/digest.ts';
import { header, type Answer } from '#registry/wire.ts';
import type { Reply } from '#runtime/attempt/request.ts';
import { commitFailed, shortRead } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import { pullError, type PullError, type Result } from './pull-error.ts';
import { maxManifestBytes } from './resolve-answer.ts';

export interface Fetched {
  readonly body: Uint8Array;
  /** The host whose bytes these are. */
  readonly host: string;
  /** Every byte was read and hashed. */
  readonly verified: boolean;
}

/** content.Copy and Writer.Commit: size and digest must match the descriptor. */
export function checkWhole(
  context: PullContext,
  reply: Reply,
  { wanted, act }: { readonly wanted: Descriptor; readonly act: Act },
): Result<Fetched> {
  const { answer, url } = reply;
  const host = url.host;
  const broken = bodyError(context, reply, { wanted, act });
  if (broken !== undefined) return { ok: false, error: broken };
  const decoded = decodeBody(answer, { limit: maxManifestBytes, host, known: context.plan.engine.encodings });
  if (!decoded.ok) {
    const { fault } = decoded;
    return { ok: false, error: pullError(fault, fault.code === 'api.malformed' ? fault.why : fault.code) };
  }
  const body = decoded.value;
  const { digest, bytes } = answer.hashed ?? { digest: digestOf(body, hashAs(context, wanted)), bytes: body.length };
  if (answer.whole && bytes < wanted.size)
    return { ok: false, error: interrupted(context, bytes, { wanted, act, host }) };
  if (answer.whole && bytes === wanted.size && digest === wanted.digest)
    return { ok: true, value: { body, host, verified: true } };
  const got = answer.whole ? bytes : announcedSize(answer);
  const is = { digest, ...(got === undefined ? {} : { bytes: got }) };
  return { ok: false, error: mismatch(is, { wanted, act, host }) };
}

/** The digest whose algorithm the content store would hash this with. */
export function hashAs({ plan: { engine } }: PullContext, { digest }: Descriptor): string {
  return engine.hashesAsNamed ? digest : 'sha256:';
}

interface Place {
  readonly wanted: Descriptor;
  readonly act: Act;
  readonly host: string;
}

/** The bytes are not those announced: more of them, or as many with another digest. */
function mismatch(is: { readonly digest: string; readonly bytes?: number }, { wanted, act, host }: Place): PullError {
  const code = act === 'manifest' ? 'manifest.digest_mismatch' : 'blob.digest_mismatch';
  const isOfSize = is.bytes === wanted.size;
  const fault: FaultOf<'manifest.digest_mismatch'> | FaultOf<'blob.digest_mismatch'> = {
    code,
    digest: wanted.digest,
    host,
    got: isOfSize ? is.digest : `${is.bytes ?? 'more'} bytes where ${wanted.size} were announced`,
  };
  const other = `unexpected commit digest ${is.digest}, expected ${wanted.digest}`;
  const sizes = { got: is.bytes ?? wanted.size + 1, wanted: wanted.size };
  return { fault, errorText: commitFailed(refOf(wanted, act), isOfSize ? other : sizes), isOfBytes: true };
}

/** remotes.MakeRefKey */
function refOf({ mediaType, digest }: Descriptor, act: Act): string {
  const kind = act === 'manifest' ? (isIndex(mediaType) ? 'index' : 'manifest') : act === 'config' ? 'config' : 'layer';
  return `${kind}-${digest}`;
}

function isIndex(mediaType: string): boolean {
  return mediaType.includes('image.index') || mediaType.includes('manifest.list');
}

/** A body without an end; the agent's own deadline may have cut it. */
function bodyError(
  context: PullContext,
  { answer, url }: Reply,
  at: { readonly wanted: Descriptor; readonly act: Act },
): PullError | undefined {
  if (answer.bodyFault === undefined || answer.bodyFault.ok) return undefined;
  const { fault } = answer.bodyFault;
  if (fault.code.startsWith('agent.')) return pullError(fault, fault.code);
  return interrupted(context, answer.hashed?.bytes ?? answer.body.length, { ...at, host: url.host });
}

/** A manifest that ends too early is no manifest. Of a blob, its host or the network on the path breaks off large answers. */
function interrupted(context: PullContext, gotBytes: number, { wanted, act, host }: Place): PullError {
  const { digest, size: expectedBytes } = wanted;
  const errorText = shortRead(gotBytes, expectedBytes, context.plan.engine);
  if (act === 'manifest') {
    const got = `${gotBytes} bytes where ${expectedBytes} were announced`;
    return { fault: { code: 'manifest.digest_mismatch', digest, host, got }, errorText, isOfBytes: true };
  }
  const fault = { code: 'blob.interrupted', digest, host, gotBytes, expectedBytes } as const;
  return { fault, errorText, isOfBytes: true };
}

/** Of a larger blob: the first bytes came, and as many are announced as the manifest names. */
export function checkSample(
  context: PullContext,
  reply: Reply,
  at: { readonly wanted: Descriptor; readonly act: Act },
): Result<Fetched> {
  const { answer, url } = reply;
  const { wanted } = at;
  const place: Place = { ...at, host: url.host };
  const broken = answer.body.length === 0 ? bodyError(context, reply, at) : undefined;
  if (broken !== undefined) return { ok: false, error: broken };
  if (answer.body.length === 0) return { ok: false, error: interrupted(context, 0, place) };
  const announced = announcedSize(answer);
  if (announced !== undefined && announced !== wanted.size && header(answer, 'content-encoding') === undefined) {
    const error =
      announced < wanted.size
        ? interrupted(context, announced, place)
        : mismatch({ digest: '', bytes: announced }, place);
    return { ok: false, error };
  }
  const named = hashAs(context, wanted).split(':', 1)[0] ?? '';
  if (!wanted.digest.startsWith(`${named}:`))
    return { ok: false, error: mismatch({ digest: `${named}:…`, bytes: wanted.size }, place) };
  return { ok: true, value: { body: answer.body, host: url.host, verified: false } };
}

function announcedSize(answer: Answer): number | undefined {
  const range = /\/(\d+)$/.exec(header(answer, 'content-range') ?? '');
  if (range?.[1] !== undefined) return Number(range[1]);
  const length = header(answer, 'content-length');
  return answer.status === 200 && length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
