/**
 * What each tag was last resolved to, host by host and for whom, and how that was shown: what lets a rehearsal ask for less than
 * the runtime would. Bounded; oldest first out.
 */

/** An image, and the identity that asks for it: what one may see another may not. */
export interface Asker {
  readonly reference: string;
  readonly as: string;
}

export interface Tagged {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** The server's own ETag of the body, where a GET stood in for the HEAD. */
  readonly etag?: string;
}

export interface KnownTag extends Tagged {
  /** When the host last said what the tag leads to. */
  readonly tagMs: number;
  /** When it last showed that it has what the tag leads to: what answers 304 may not have looked. */
  readonly contentMs: number;
}

/** `tag`: asked for the tag, it described the content; `same_tag`: it said that the tag is as before; `content`: asked for the digest. */
export type Shown = 'tag' | 'same_tag' | 'content';

const mostTags = 10_000;
const mostHosts = 1_000;
const mistrustMs = 6 * 60 * 60 * 1000;

export class KnownTags {
  readonly #tags = new Map<string, KnownTag>();
  /** By reference: who got it last time. */
  readonly #pulling = new Map<string, Set<string>>();
  /** Until when. */
  readonly #misleading = new Map<string, number>();

  /** `place` is host and path. */
  at(place: string, asker: Asker): KnownTag | undefined {
    return this.#tags.get(keyOf(place, asker));
  }

  keep(at: Asker & { readonly place: string }, tagged: Tagged, how: Seen): void {
    const key = keyOf(at.place, at);
    const before = this.#tags.get(key);
    const tagMs = how.shown === 'content' ? (before?.tagMs ?? how.nowMs) : how.nowMs;
    const contentMs = how.shown === 'same_tag' ? (before?.contentMs ?? how.nowMs) : how.nowMs;
    put(this.#tags, key, { ...tagged, tagMs, contentMs }, mostTags);
  }

  /** What the host said no longer holds: from now on it is asked as the runtime asks. */
  drop(place: string, asker: Asker): void {
    this.#tags.delete(keyOf(place, asker));
  }

  /** The verdict of a rehearsal by these identities, the last of which it rests on; none where nobody could ask at all. */
  judged(reference: string, by: readonly string[], pulls: boolean): void {
    const known = by.length === 0 ? [] : [...(this.#pulling.get(reference) ?? [])].filter((as) => !by.includes(as));
    const winner = pulls ? by.at(-1) : undefined;
    put(this.#pulling, reference, new Set(winner === undefined ? known : [...known, winner]), mostTags);
  }

  /** The last verdict that rests on this identity was `pulls`. */
  isPulling({ reference, as }: Asker): boolean {
    return this.#pulling.get(reference)?.has(as) === true;
  }

  /** This host said no to a gentler question, and yes to the runtime's own: for some hours it is asked that alone. */
  mistrust(authority: string, nowMs: number): void {
    put(this.#misleading, authority, nowMs + mistrustMs, mostHosts);
  }

  isMistrusted(authority: string, nowMs: number): boolean {
    return nowMs < (this.#misleading.get(authority) ?? 0);
  }
}

interface Seen {
  readonly shown: Shown;
  readonly nowMs: number;
}

function keyOf(place: string, { reference, as }: Asker): string {
  return `${place} ${reference} ${as}`;
}

function put<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
