/** Answers of credential providers, kept as long as they said, and runs under way, shared by everybody who asks meanwhile. */
import type { Outcome } from '#pull/outcome.ts';
import type { Secret } from '#pull/secret.ts';

export type ProviderAuth = Readonly<Record<string, { readonly username: string; readonly password: Secret }>>;
export type CacheScope = 'Image' | 'Registry' | 'Global';

export interface Kept {
  readonly provider: string;
  readonly repository: string;
  readonly scope: CacheScope;
  readonly auth: ProviderAuth;
}

/** The kubelet's cache has no bound; a node pulls from far fewer repositories than this. */
const maxEntries = 10_000;

/** Lives as long as its maker; holds secrets, and forgets them when they expire. */
export class ProviderCache {
  readonly #entries = new Map<string, { readonly auth: ProviderAuth; readonly untilMs: number }>();
  readonly #running = new Map<string, Promise<Outcome<ProviderAuth>>>();

  /** By image, then by registry, then the global answer (getCachedCredentials). */
  find(provider: string, repository: string, now: number): ProviderAuth | undefined {
    for (const key of [repository, registryOf(repository), globalKey]) {
      const entry = this.#entries.get(`${provider}\n${key}`);
      if (entry === undefined) continue;
      if (now <= entry.untilMs) return entry.auth;
      this.#entries.delete(`${provider}\n${key}`);
    }
    return undefined;
  }

  keep({ provider, repository, scope, auth }: Kept, { now, keepMs }: { now: number; keepMs: number }): void {
    if (this.#entries.size >= maxEntries) this.#purge(now);
    this.#entries.set(`${provider}\n${keyOf(scope, repository)}`, { auth, untilMs: now + keepMs });
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
