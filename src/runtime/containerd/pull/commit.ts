/**
 * Bytes that came, held against their descriptor. Imitates containerd core/content/helpers.go (Copy) and the content
 * store's Commit: size and digest must be what was announced.
 */
import type { FaultOf } from '#report/fault.ts';
import type { Descriptor } from '#image/manifest.ts';
import type { Act } from '#report/rehearsal.ts';
import { commitFailed, shortRead } from '#runtime/containerd/error-texts.ts';
import { decodeBody } from '#registry/http/decode.ts';
import { digestOf } from '#image/digest.ts';
import { header, type Answer } from '#registry/wire.ts';
import type { Reply } from './hop.ts';
import { maxManifestBytes } from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Tried, Trouble } from '#runtime/attempt/trouble.ts';

export interface Fetched {
  readonly body: Uint8Array;
  /** The host whose bytes these are. */
  readonly host: string;
  /** Every byte was read and hashed. */
  readonly verified: boolean;
}

/** content.Copy and Writer.Commit: size and digest must be what the descriptor says. */
export function commit(
  context: AttemptContext,
  reply: Reply,
  { wanted, act }: { readonly wanted: Descriptor; readonly act: Act },
): Tried<Fetched> {
  const { answer, url } = reply;
  const host = url.host;
  const broken = brokenOff(context, reply, { wanted, act });
  if (broken !== undefined) return { ok: false, trouble: broken };
  const decoded = decodeBody(answer, { limit: maxManifestBytes, host, known: context.plan.engine.encodings });
  if (!decoded.ok) {
    const { fault } = decoded;
    return {
      ok: false,
      trouble: { fault, errorText: { text: fault.code === 'api.malformed' ? fault.why : fault.code } },
    };
  }
  const body = decoded.value;
  const { digest, bytes } = answer.hashed ?? { digest: digestOf(body, hashAs(context, wanted)), bytes: body.length };
  if (answer.whole && bytes < wanted.size)
    return { ok: false, trouble: interrupted(context, bytes, { wanted, act, host }) };
  if (answer.whole && bytes === wanted.size && digest === wanted.digest)
    return { ok: true, value: { body, host, verified: true } };
  const got = answer.whole ? bytes : announcedSize(answer);
  const is = { digest, ...(got === undefined ? {} : { bytes: got }) };
  return { ok: false, trouble: mismatch(is, { wanted, act, host }) };
}

/** The digest whose algorithm the content store would hash this with. */
export function hashAs({ plan: { engine } }: AttemptContext, { digest }: Descriptor): string {
  return engine.hashesAsNamed ? digest : 'sha256:';
}

interface Place {
  readonly wanted: Descriptor;
  readonly act: Act;
  readonly host: string;
}

/** Other bytes than were announced: more of them, or as many with another digest. */
function mismatch(is: { readonly digest: string; readonly bytes?: number }, { wanted, act, host }: Place): Trouble {
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
  return { fault, errorText: commitFailed(refOf(wanted, act), isOfSize ? other : sizes) };
}

/** remotes.MakeRefKey */
function refOf({ mediaType, digest }: Descriptor, act: Act): string {
  const kind = act === 'manifest' ? (isIndex(mediaType) ? 'index' : 'manifest') : act === 'config' ? 'config' : 'layer';
  return `${kind}-${digest}`;
}

function isIndex(mediaType: string): boolean {
  return mediaType.includes('image.index') || mediaType.includes('manifest.list');
}

/** A body without an end, in whose middle our own time may have run out. */
function brokenOff(
  context: AttemptContext,
  { answer, url }: Reply,
  at: { readonly wanted: Descriptor; readonly act: Act },
): Trouble | undefined {
  if (answer.bodyFault === undefined || answer.bodyFault.ok) return undefined;
  const { fault } = answer.bodyFault;
  if (fault.code.startsWith('agent.')) return { fault, errorText: { text: fault.code } };
  return interrupted(context, answer.hashed?.bytes ?? answer.body.length, { ...at, host: url.host });
}

/** A manifest that ends too early is no manifest; a blob's host or the way to it breaks off large answers. */
function interrupted(context: AttemptContext, gotBytes: number, { wanted, act, host }: Place): Trouble {
  const { digest, size: expectedBytes } = wanted;
  const errorText = shortRead(gotBytes, expectedBytes, context.plan.engine);
  if (act === 'manifest') {
    const got = `${gotBytes} bytes where ${expectedBytes} were announced`;
    return { fault: { code: 'manifest.digest_mismatch', digest, host, got }, errorText };
  }
  return { fault: { code: 'blob.interrupted', digest, host, gotBytes, expectedBytes }, errorText };
}

/** The first bytes came, and as many were announced as the manifest says. */
export function sampled(
  context: AttemptContext,
  reply: Reply,
  at: { readonly wanted: Descriptor; readonly act: Act },
): Tried<Fetched> {
  const { answer, url } = reply;
  const { wanted } = at;
  const place: Place = { ...at, host: url.host };
  const broken = answer.body.length === 0 ? brokenOff(context, reply, at) : undefined;
  if (broken !== undefined) return { ok: false, trouble: broken };
  if (answer.body.length === 0) return { ok: false, trouble: interrupted(context, 0, place) };
  const announced = announcedSize(answer);
  if (announced !== undefined && announced !== wanted.size && header(answer, 'content-encoding') === undefined) {
    const trouble =
      announced < wanted.size
        ? interrupted(context, announced, place)
        : mismatch({ digest: '', bytes: announced }, place);
    return { ok: false, trouble };
  }
  const named = hashAs(context, wanted).split(':', 1)[0] ?? '';
  if (!wanted.digest.startsWith(`${named}:`))
    return { ok: false, trouble: mismatch({ digest: `${named}:…`, bytes: wanted.size }, place) };
  return { ok: true, value: { body: answer.body, host: url.host, verified: false } };
}

function announcedSize(answer: Answer): number | undefined {
  const range = /\/(\d+)$/.exec(header(answer, 'content-range') ?? '');
  if (range?.[1] !== undefined) return Number(range[1]);
  const length = header(answer, 'content-length');
  return answer.status === 200 && length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
