/** door: what bytes hash to. */
import { createHash } from 'node:crypto';

const algorithms = { sha256: 64, sha384: 96, sha512: 128 } as const;

export interface Hashing {
  readonly update: (bytes: Uint8Array) => void;
  /** Once, at the end. */
  readonly digest: () => string;
}

/** For bytes that come one after the other. */
export function hashing(like: string): Hashing {
  const algorithm = algorithmOf(like);
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => `${algorithm}:${hash.digest('hex')}` };
}

function algorithmOf(like: string): string {
  const named = like.slice(0, like.indexOf(':'));
  return Object.hasOwn(algorithms, named) ? named : 'sha256';
}

/** The digest of bytes under the algorithm that `like` names (sha256 where it names none that is known). */
export function digestOf(bytes: Uint8Array, like = 'sha256:'): string {
  const algorithm = algorithmOf(like);
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** go-digest's Digest.Validate: known algorithm, lower-case hex, exact length. */
export function isDigest(text: string): boolean {
  const match = /^(sha256|sha384|sha512):([0-9a-f]+)$/.exec(text);
  if (match === null) return false;
  return Object.entries(algorithms).some(([name, length]) => name === match[1] && match[2]?.length === length);
}

/** A name for a credential's exact content that tells nothing of it, for remembering which ones were refused. */
export function fingerprint(...parts: readonly string[]): string {
  return createHash('sha256')
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest('hex');
}
