/** door: what bytes hash to. */
import { createHash } from 'node:crypto';

const algorithms = { sha256: 64, sha384: 96, sha512: 128 } as const;

/** The digest of bytes under the algorithm that `like` names (sha256 where it names none that is known). */
export function digestOf(bytes: Uint8Array, like = 'sha256:'): string {
  const algorithm = like.slice(0, like.indexOf(':'));
  const known = Object.hasOwn(algorithms, algorithm) ? algorithm : 'sha256';
  return `${known}:${createHash(known).update(bytes).digest('hex')}`;
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
