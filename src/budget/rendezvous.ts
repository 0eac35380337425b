/**
 * Who of many looks after a thing, found by each of them alone: rendezvous hashing (highest random weight; Thaler and
 * Ravishankar, 1998). Everybody weighs everybody for each key, and the heaviest few are chosen. Who comes takes over only what
 * they weigh most for; who leaves gives up only their own. Pure.
 */

/** FNV-1a over UTF-16 units, then murmur3's finalizer, so that names that differ in their last digit are far apart. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

function mixed(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export interface Member {
  readonly name: string;
  /** `hashOf(name)`: made once, used for every key. */
  readonly hash: number;
}

export function memberOf(name: string): Member {
  return { name, hash: hashOf(name) };
}

function weight(key: number, member: Member): number {
  return mixed(key ^ Math.imul(member.hash, 0x9e3779b1));
}

/**
 * Whether `me` is one of the `count` members chosen for the key (its hash). `counts` says who else stands for election; it is
 * asked only of members that weigh more, so that of thousands a few dozen are looked at.
 */
export function isChosen<M extends Member>(
  key: number,
  me: Member,
  { others, count, counts = () => true }: Election<M>,
): boolean {
  const own = weight(key, me);
  let ahead = 0;
  for (const other of others) {
    const theirs = weight(key, other);
    if (theirs < own || other.name === me.name || (theirs === own && other.name > me.name)) continue;
    if (counts(other)) ahead += 1;
    if (ahead >= count) return false;
  }
  return true;
}

export interface Election<M extends Member> {
  readonly others: Iterable<M>;
  readonly count: number;
  readonly counts?: (other: M) => boolean;
}
