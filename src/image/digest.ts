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

/** What go-digest's Digest.Validate says against it: known algorithm, exact length, lower-case hex. */
export function digestFlaw(text: string): string | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || colon + 1 === text.length) return 'invalid checksum digest format';
  const [name, encoded] = [text.slice(0, colon), text.slice(colon + 1)];
  const length = Object.entries(algorithms).find(([known]) => known === name)?.[1];
  if (length === undefined) {
    const wellFormed = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/.test(text);
    return wellFormed ? 'unsupported digest algorithm' : 'invalid checksum digest format';
  }
  if (encoded.length !== length) return 'invalid checksum digest length';
  return /^[0-9a-f]+$/.test(encoded) ? undefined : 'invalid checksum digest format';
}

/** A name for a credential's exact content that tells nothing of it, for remembering which ones were refused. */
export function fingerprint(...parts: readonly string[]): string {
  return createHash('sha256')
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest('hex');
}
