/**
 * Which of many members are responsible for a key, computed by each of them alone: rendezvous hashing (highest random weight;
 * Thaler and Ravishankar, 1998). Every member has a weight for each key, and the heaviest few are chosen. A member that joins takes
 * over only the keys for which it is among the heaviest; one that leaves gives up only its own. Pure.
 */
import { hashOf, mixed } from './hash.ts';

export interface Member {
  readonly name: string;
  /** `hashOf(name)`: computed once, used for every key. */
  readonly hash: number;
}

export function memberOf(name: string): Member {
  return { name, hash: hashOf(name) };
}

function weight(key: number, member: Member): number {
  return mixed(key ^ Math.imul(member.hash, 0x9e3779b1));
}

interface Election<M extends Member> {
  readonly others: Iterable<M>;
  /** How many members are chosen for a key. */
  readonly count: number;
  /** Whether a member is a candidate. Called for heavier members only: of thousands, a few dozen. Absent: all are. */
  readonly counts?: (other: M) => boolean;
}

/** Whether `me` is among the members chosen for the key, which is a hash. */
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
