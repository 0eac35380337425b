/**
 * Reads pull secrets as the configuration allows: not at all, or as far as the cluster permits. A refusal is remembered for a
 * while, so that an agent without the permission does not request each secret in each pass.
 */
import { LRUCache } from 'lru-cache';
import type { PullSecret } from '#kubelet/pull-secret.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { PullSecrets } from '#kubernetes/pull-secrets.ts';
import type { Config } from '#config/config.ts';
import type { Log } from '#output/log.ts';

interface Dependencies {
  readonly setting: Config['pullSecrets'];
  readonly now: () => Date;
  readonly log: Log;
}

const refusedMs = 600_000;
/**
 * For a secret that could be read before: a kube-apiserver that restarts refuses every request until its authorizer has read the
 * roles (see kubernetes/api/pauses.ts). Longer than kubernetes/pull-secrets.ts keeps a refusal.
 */
const suddenMs = 90_000;
/** A node runs some hundred Pods; few of them have secrets of their own. */
const mostKept = 1000;

export class SecretReader {
  readonly #secrets: PullSecrets;
  readonly #dependencies: Dependencies;
  /** Until when, by namespace and name. */
  readonly #refused = new LRUCache<string, number>({ max: mostKept });
  /** Secrets whose last read was not refused. */
  readonly #readable = new LRUCache<string, true>({ max: mostKept });
  #wasLogged = false;

  constructor(secrets: PullSecrets, dependencies: Dependencies) {
    this.#secrets = secrets;
    this.#dependencies = dependencies;
  }

  async read(demand: Demand): Promise<Demand> {
    if (this.#dependencies.setting === 'off' || demand.secrets.length === 0) return demand;
    const known = { ...demand, secrets: demand.secrets.map((secret) => this.#remembered(secret)) };
    const read = await this.#secrets.withSecrets(known);
    for (const secret of read.secrets) {
      if (isRefused(secret)) this.#remember(secret);
      else if (secret.state.is !== 'unseen') this.#readable.set(keyOf(secret), true);
    }
    return read;
  }

  close(): void {
    this.#secrets.close();
  }

  #remembered(secret: PullSecret): PullSecret {
    const until = this.#refused.get(keyOf(secret)) ?? 0;
    if (until <= this.#dependencies.now().getTime()) return secret;
    return { ...secret, state: { is: 'unseen', why: 'forbidden' } };
  }

  #remember({ namespace, name }: PullSecret): void {
    const { setting, now, log } = this.#dependencies;
    if (!this.#wasLogged) {
      this.#wasLogged = true;
      const message = 'no permission to read a pull secret: verdicts that depend on it are unknown';
      const facts = { namespace, pullSecret: name };
      if (setting === 'on') log.error(facts, message);
      else log.warn(facts, message);
    }
    const key = keyOf({ namespace, name });
    const nowMs = now().getTime();
    const wasReadable = this.#readable.delete(key);
    if (setting === 'on' || (this.#refused.get(key) ?? 0) > nowMs) return;
    this.#refused.set(key, nowMs + (wasReadable ? suddenMs : refusedMs));
  }
}

function isRefused({ state }: PullSecret): boolean {
  return state.is === 'unseen' && state.why === 'forbidden';
}

function keyOf({ namespace, name }: Pick<PullSecret, 'namespace' | 'name'>): string {
  return JSON.stringify([namespace, name]);
}
