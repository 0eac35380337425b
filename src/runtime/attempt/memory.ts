/**
 * What outlives a pass: manifests and configurations by digest (they cannot change), blobs seen lately, credentials that were refused, and
 * registries found to count what they serve. Bounded; oldest first out.
 */
import type { Fault } from '#report/fault.ts';
import { KnownTags } from './known-tags.ts';
import { Limits } from './limits.ts';
import { Spending } from './spending.ts';

const manifestBytes = 8 << 20;
const blobEntries = 50_000;
const refusedEntries = 1_000;
/** How often the speed of a registry's blobs is looked at: a few times a day shows what a deadline would meet. */
const timingMs = 6 * 60 * 60 * 1000;
/** A blob that was there is taken to be there for this long. */
const blobMemoryMs = 60 * 60 * 1000;

export class Memory {
  readonly #manifests = new Map<string, { readonly body: Uint8Array; readonly mediaType: string }>();
  #bytes = 0;
  readonly #blobs = new Map<string, { readonly seenMs: number; readonly host: string; readonly verified: boolean }>();
  readonly #refused = new Map<string, Fault>();
  readonly #proven = new Set<string>();
  readonly #metered = new Set<string>();
  readonly #timed = new Map<string, number>();
  /** What tags led to. */
  readonly tags = new KnownTags();
  /** Who said "too many", until when. */
  readonly limits: Limits;
  /** What was asked of whom. */
  readonly spending = new Spending();

  /** `random`: so that a fleet that was turned away together does not come back together. */
  constructor(random?: () => number) {
    this.limits = new Limits(random);
  }

  /** `place` is host and repository: content is remembered where it was found, not everywhere. */
  manifest(place: string, digest: string): { readonly body: Uint8Array; readonly mediaType: string } | undefined {
    return this.#manifests.get(`${place}@${digest}`);
  }

  keepManifest(place: string, digest: string, found: { readonly body: Uint8Array; readonly mediaType: string }): void {
    const key = `${place}@${digest}`;
    if (this.#manifests.has(key) || found.body.length > manifestBytes / 8) return;
    this.#manifests.set(key, found);
    this.#bytes += found.body.length;
    for (const [old, { body }] of this.#manifests) {
      if (this.#bytes <= manifestBytes) return;
      this.#manifests.delete(old);
      this.#bytes -= body.length;
    }
  }

  /** The host that served a blob lately. `whole`: only if every byte of it was checked. */
  blob(place: string, digest: string, at: { readonly nowMs: number; readonly whole: boolean }): string | undefined {
    const found = this.#blobs.get(`${place}@${digest}`);
    if (found === undefined || at.nowMs - found.seenMs > blobMemoryMs) return undefined;
    return at.whole && !found.verified ? undefined : found.host;
  }

  keepBlob(
    place: string,
    digest: string,
    found: { readonly seenMs: number; readonly host: string; readonly verified: boolean },
  ): void {
    const key = `${place}@${digest}`;
    this.#blobs.delete(key);
    this.#blobs.set(key, found);
    dropOldest(this.#blobs, blobEntries);
  }

  /**
   * Why this exact login was refused at this host or realm before; it is not tried again. One that has worked there since is no
   * wrong password: what it was refused then was the repository at `path`.
   */
  refusal(login: string, place: string, path: string): Fault | undefined {
    const key = `${login}@${place}`;
    return this.#refused.get(this.#proven.has(key) ? `${key}/${path}` : key);
  }

  keepRefusal(at: { readonly login: string; readonly place: string; readonly path: string }, fault: Fault): void {
    const key = `${at.login}@${at.place}`;
    // A token service that refuses a login refuses it for every repository.
    if (at.path === '') this.#proven.delete(key);
    this.#refused.set(this.#proven.has(key) ? `${key}/${at.path}` : key, fault);
    dropOldest(this.#refused, refusedEntries);
  }

  forgetBlob(place: string, digest: string): void {
    this.#blobs.delete(`${place}@${digest}`);
  }

  isProven(login: string, place: string): boolean {
    return this.#proven.has(`${login}@${place}`);
  }

  keepProof(login: string, place: string): void {
    if (this.#proven.size < refusedEntries) this.#proven.add(`${login}@${place}`);
  }

  /** Whether the speed of these hosts is due for a sample, which the asker then takes. */
  takeTiming(hosts: string, nowMs: number): boolean {
    const lastMs = this.#timed.get(hosts);
    if (lastMs !== undefined && nowMs - lastMs < timingMs) return false;
    this.#timed.delete(hosts);
    this.#timed.set(hosts, nowMs);
    dropOldest(this.#timed, refusedEntries);
    return true;
  }

  isMetered(authority: string): boolean {
    return this.#metered.has(authority);
  }

  keepMetered(authority: string): void {
    if (this.#metered.size < refusedEntries) this.#metered.add(authority);
  }
}

function dropOldest(map: Map<string, unknown>, limit: number): void {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
}
