/**
 * What each tag last resolved to, by host and identity, and how the host showed it: so that a rehearsal can ask for less than the runtime
 * would. Bounded; the oldest entries go first.
 */

/** An image, and the identity that asks for it: one identity may see what another may not. */
export interface TagIdentity {
  readonly reference: string;
  readonly as: string;
}

export interface Tagged {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  /** The server's own ETag of the body, where a GET replaced the HEAD. */
  readonly etag?: string;
}

export interface KnownTag extends Tagged {
  /** When the host last showed what the tag leads to. */
  readonly tagMs: number;
  /** When it last showed that it has that content: a 304 does not show it. */
  readonly contentMs: number;
}

/** `tag`: asked for the tag, it described the content. `same_tag`: it answered that the tag has not changed. `content`: asked for the digest, it has it. */
export type Shown = 'tag' | 'same_tag' | 'content';

const mostTags = 10_000;
const mostHosts = 1_000;
const mistrustMs = 6 * 60 * 60 * 1000;

export class KnownTags {
  readonly #tags = new Map<string, KnownTag>();
  /** By reference: the identities that pulled it last time. */
  readonly #pulling = new Map<string, Set<string>>();
  /** Until when. */
  readonly #misleading = new Map<string, number>();

  /** `place` is host and path. */
  at(place: string, asker: TagIdentity): KnownTag | undefined {
    return this.#tags.get(keyOf(place, asker));
  }

  keep(at: TagIdentity & { readonly place: string }, tagged: Tagged, how: Evidence): void {
    const key = keyOf(at.place, at);
    const before = this.#tags.get(key);
    const tagMs = how.shown === 'content' ? (before?.tagMs ?? how.nowMs) : how.nowMs;
    const contentMs = how.shown === 'same_tag' ? (before?.contentMs ?? how.nowMs) : how.nowMs;
    put(this.#tags, key, { ...tagged, tagMs, contentMs }, mostTags);
  }

  /** What the host showed no longer holds: from now on it gets the runtime's own requests. */
  drop(place: string, asker: TagIdentity): void {
    this.#tags.delete(keyOf(place, asker));
  }

  /** The verdict of a rehearsal by these identities, decided by the last of them; none where no request could be made. */
  judged(reference: string, by: readonly string[], pulls: boolean): void {
    const known = by.length === 0 ? [] : [...(this.#pulling.get(reference) ?? [])].filter((as) => !by.includes(as));
    const winner = pulls ? by.at(-1) : undefined;
    put(this.#pulling, reference, new Set(winner === undefined ? known : [...known, winner]), mostTags);
  }

  /** The last verdict that this identity decided was `pulls`. */
  isPulling({ reference, as }: TagIdentity): boolean {
    return this.#pulling.get(reference)?.has(as) === true;
  }

  /** This host refused a cheaper request and answered the runtime's own: for some hours it gets only the latter. */
  mistrust(authority: string, nowMs: number): void {
    put(this.#misleading, authority, nowMs + mistrustMs, mostHosts);
  }

  isMistrusted(authority: string, nowMs: number): boolean {
    return nowMs < (this.#misleading.get(authority) ?? 0);
  }
}

interface Evidence {
  readonly shown: Shown;
  readonly nowMs: number;
}

function keyOf(place: string, { reference, as }: TagIdentity): string {
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
