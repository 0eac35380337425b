/** Answers of credential providers, kept as long as they said, and runs under way, shared by everybody who asks meanwhile. */
import type { Outcome } from '#report/outcome.ts';
import type { Secret } from '#report/secret.ts';

export type ProviderAuth = Readonly<Record<string, { readonly username: string; readonly password: Secret }>>;
export type CacheScope = 'Image' | 'Registry' | 'Global';

/** An answer that still holds. */
export interface Found {
  readonly auth: ProviderAuth;
  readonly untilMs: number;
  /** Half its time is over, and nobody has looked lately whether the plugin would answer again. */
  readonly isDoubtful: boolean;
  /** Why it would not, as it was found last. */
  readonly failing?: string;
}

export interface Kept {
  readonly provider: string;
  readonly repository: string;
  readonly scope: CacheScope;
  readonly auth: ProviderAuth;
}

/** The kubelet's cache has no bound; a node pulls from far fewer repositories than this. */
const maxEntries = 10_000;

interface Entry {
  readonly auth: ProviderAuth;
  readonly untilMs: number;
  /** When the plugin is to be tried before its answer ends. */
  readonly tryMs: number;
  readonly failing?: string;
}

/** A plugin is tried ahead of its time no sooner than this after it answered, since some are limited per account. */
const soonestTryMs = 60 * 60_000;
/** One that failed is tried again after this, while its old answer lasts. */
const nextTryMs = 15 * 60_000;

/** Lives as long as its maker; holds secrets, and forgets them when they expire. */
export class ProviderCache {
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<Outcome<ProviderAuth>>>();

  /** By image, then by registry, then the global answer (getCachedCredentials). */
  find(provider: string, repository: string, now: number): Found | undefined {
    const key = this.#keyFor(provider, repository, now);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { auth, untilMs, tryMs, failing } = entry;
    return { auth, untilMs, isDoubtful: now >= tryMs, ...(failing === undefined ? {} : { failing }) };
  }

  /** The plugin was run while its answer still held; `why` is absent where it answered. The old answer stays, as it does for the kubelet. */
  noteTry(provider: string, repository: string, { now, why }: { now: number; why: string | undefined }): void {
    const key = this.#keyFor(provider, repository, now);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return;
    const { auth, untilMs } = entry;
    const next = why === undefined ? { tryMs: Infinity } : { tryMs: now + nextTryMs, failing: why };
    this.#entries.set(key, { auth, untilMs, ...next });
  }

  #keyFor(provider: string, repository: string, now: number): string | undefined {
    for (const scope of [repository, registryOf(repository), globalKey]) {
      const key = `${provider}\n${scope}`;
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      if (now <= entry.untilMs) return key;
      this.#entries.delete(key);
    }
    return undefined;
  }

  keep({ provider, repository, scope, auth }: Kept, { now, keepMs }: { now: number; keepMs: number }): void {
    if (this.#entries.size >= maxEntries) this.#purge(now);
    const tryMs = keepMs / 2 < soonestTryMs ? Infinity : now + keepMs / 2;
    this.#entries.set(`${provider}\n${keyOf(scope, repository)}`, { auth, untilMs: now + keepMs, tryMs });
  }

  /** Concurrent asks with the same key share one run (singleflight). */
  async once(key: string, run: () => Promise<Outcome<ProviderAuth>>): Promise<Outcome<ProviderAuth>> {
    const under = this.#running.get(key);
    if (under !== undefined) return under;
    const started = run().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  #purge(now: number): void {
    for (const [key, entry] of this.#entries) if (now > entry.untilMs) this.#entries.delete(key);
    if (this.#entries.size >= maxEntries) this.#entries.clear();
  }
}

/** No registry is called so, and the kubelet uses the same word. */
const globalKey = 'global';

function keyOf(scope: CacheScope, repository: string): string {
  switch (scope) {
    case 'Image':
      return repository;
    case 'Registry':
      return registryOf(repository);
    case 'Global':
      return globalKey;
  }
}

function registryOf(repository: string): string {
  return repository.split('/', 1)[0] ?? '';
}
