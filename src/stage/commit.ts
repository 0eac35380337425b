/**
 * Bytes that came, held against their descriptor. Imitates containerd core/content/helpers.go (Copy) and the content
 * store's Commit: size and digest must be what was announced.
 */
import type { Fault, FaultOf } from '#pull/fault.ts';
import type { Descriptor } from '#pull/manifest.ts';
import type { Act } from '#pull/rehearsal.ts';
import { decodeBody } from '../registry/decode.ts';
import { digestOf } from '../registry/digest.ts';
import { header, type Answer } from '../registry/wire.ts';
import type { Reply } from './hop.ts';
import { maxManifestBytes } from './resolve-ending.ts';
import type { Scene } from './scene.ts';
import type { Tried, Trouble } from './trouble.ts';

export interface Fetched {
  readonly body: Uint8Array;
  /** The host whose bytes these are. */
  readonly host: string;
  /** Every byte was read and hashed. */
  readonly verified: boolean;
}

/** content.Copy and Writer.Commit: size and digest must be what the descriptor says. */
export function commit(
  scene: Scene,
  reply: Reply,
  { wanted, act }: { readonly wanted: Descriptor; readonly act: Act },
): Tried<Fetched> {
  const { answer, url } = reply;
  const host = url.host;
  const broken = brokenOff(answer, wanted, host);
  if (broken !== undefined) return { ok: false, trouble: broken };
  const decoded = decodeBody(answer, { limit: maxManifestBytes, host, known: scene.plan.engine.encodings });
  if (!decoded.ok) {
    const { fault } = decoded;
    return { ok: false, trouble: { fault, words: { text: fault.code === 'api.malformed' ? fault.why : fault.code } } };
  }
  const body = decoded.value;
  const { digest, bytes } = answer.hashed ?? { digest: digestOf(body, wanted.digest), bytes: body.length };
  if (answer.whole && bytes < wanted.size) return { ok: false, trouble: interrupted(bytes, wanted, host) };
  const got = answer.whole ? digest : `more than the ${wanted.size} bytes that were announced`;
  if (got === wanted.digest && bytes === wanted.size) return { ok: true, value: { body, host, verified: true } };
  const ref = `${act === 'config' ? 'config' : act === 'layer' ? 'layer' : isIndex(wanted.mediaType) ? 'index' : 'manifest'}-${wanted.digest}`;
  const what =
    got === wanted.digest
      ? `unexpected commit size ${bytes}, expected ${wanted.size}`
      : `unexpected commit digest ${got}, expected ${wanted.digest}`;
  const text = `failed commit on ref "${ref}": ${what}: failed precondition`;
  const code = act === 'manifest' ? 'manifest.digest_mismatch' : 'blob.digest_mismatch';
  const fault: FaultOf<'manifest.digest_mismatch'> | FaultOf<'blob.digest_mismatch'> = {
    code,
    digest: wanted.digest,
    host,
    got: got === wanted.digest ? `${bytes} bytes where ${wanted.size} were announced` : got,
  };
  return { ok: false, trouble: { fault, words: { text, code: 'FailedPrecondition' } } };
}

function isIndex(mediaType: string): boolean {
  return mediaType.includes('image.index') || mediaType.includes('manifest.list');
}

/** A body without an end, in whose middle our own time may have run out. */
function brokenOff(answer: Answer, wanted: Descriptor, host: string): Trouble | undefined {
  if (answer.bodyFault === undefined || answer.bodyFault.ok) return undefined;
  const { fault } = answer.bodyFault;
  if (fault.code.startsWith('agent.')) return { fault, words: { text: fault.code } };
  return interrupted(answer.hashed?.bytes ?? answer.body.length, wanted, host);
}

function interrupted(gotBytes: number, wanted: Descriptor, host: string): Trouble {
  const { digest, size: expectedBytes } = wanted;
  const fault: Fault = { code: 'blob.interrupted', digest, host, gotBytes, expectedBytes };
  const text = `short read: expected ${expectedBytes} bytes but got ${gotBytes}: unexpected EOF`;
  return { fault, words: { text: `failed to copy: ${text}` } };
}

/** The first bytes came, and as many were announced as the manifest says. */
export function sampled(reply: Reply, wanted: Descriptor): Tried<Fetched> {
  const { answer, url } = reply;
  const broken = answer.body.length === 0 ? brokenOff(answer, wanted, url.host) : undefined;
  if (broken !== undefined) return { ok: false, trouble: broken };
  if (answer.body.length === 0) return { ok: false, trouble: interrupted(0, wanted, url.host) };
  const announced = announcedSize(answer);
  if (announced !== undefined && announced !== wanted.size && header(answer, 'content-encoding') === undefined) {
    if (announced < wanted.size) return { ok: false, trouble: interrupted(announced, wanted, url.host) };
    const fault: Fault = {
      code: 'blob.digest_mismatch',
      digest: wanted.digest,
      host: url.host,
      got: `${announced} bytes where the manifest says ${wanted.size}`,
    };
    const text = `failed commit on ref "layer-${wanted.digest}": unexpected commit size ${announced}, expected ${wanted.size}: failed precondition`;
    return { ok: false, trouble: { fault, words: { text, code: 'FailedPrecondition' } } };
  }
  return { ok: true, value: { body: answer.body, host: url.host, verified: false } };
}

function announcedSize(answer: Answer): number | undefined {
  const range = /\/(\d+)$/.exec(header(answer, 'content-range') ?? '');
  if (range?.[1] !== undefined) return Number(range[1]);
  const length = header(answer, 'content-length');
  return answer.status === 200 && length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}
