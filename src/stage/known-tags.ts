/**
 * What each tag was last resolved to, host by host, and how that was shown: what lets a rehearsal ask for less than the runtime
 * would. Bounded; oldest first out.
 */

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
  readonly #pulling = new Map<string, true>();
  /** Until when. */
  readonly #misleading = new Map<string, number>();

  /** `place` is host and path. */
  at(place: string, reference: string): KnownTag | undefined {
    return this.#tags.get(`${place} ${reference}`);
  }

  keep(at: { readonly place: string; readonly reference: string }, tagged: Tagged, how: Seen): void {
    const key = `${at.place} ${at.reference}`;
    const before = this.#tags.get(key);
    const tagMs = how.shown === 'content' ? (before?.tagMs ?? how.nowMs) : how.nowMs;
    const contentMs = how.shown === 'same_tag' ? (before?.contentMs ?? how.nowMs) : how.nowMs;
    put(this.#tags, key, { ...tagged, tagMs, contentMs }, mostTags);
  }

  /** What the host said no longer holds: from now on it is asked as the runtime asks. */
  drop(place: string, reference: string): void {
    this.#tags.delete(`${place} ${reference}`);
  }

  /** The last verdict on an image, whoever asked. */
  judged(reference: string, pulls: boolean): void {
    if (pulls) put(this.#pulling, reference, true, mostTags);
    else this.#pulling.delete(reference);
  }

  /** The last verdict on this image was `pulls`. */
  isPulling(reference: string): boolean {
    return this.#pulling.has(reference);
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

function put<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
