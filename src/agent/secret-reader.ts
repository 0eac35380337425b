/**
 * Pull secrets as the configuration wishes them: not at all, or as far as the cluster lets us. A refusal is remembered for a
 * while, so that an agent without the right does not ask for each secret in each pass.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Demand } from '#node/view.ts';
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
 * Of one that could be read before: a kube-apiserver that comes back refuses everybody until its authorizer has read the roles
 * (see cluster/list-watch.ts). Longer than the cluster room keeps a refusal.
 */
const suddenMs = 90_000;
const mostKept = 10_000;

export class SecretReader {
  readonly #secrets: PullSecrets;
  readonly #dependencies: Dependencies;
  /** Until when, by namespace and name. */
  readonly #refused = new Map<string, number>();
  /** What was not refused the last time. */
  readonly #open = new Set<string>();
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
      else if (secret.state.is !== 'unseen') this.#keepOpen(keyOf(secret));
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

  #keepOpen(key: string): void {
    if (this.#open.size >= mostKept) this.#open.clear();
    this.#open.add(key);
  }

  #remember({ namespace, name }: PullSecret): void {
    const { setting, now, log } = this.#dependencies;
    if (!this.#wasLogged) {
      this.#wasLogged = true;
      const message = 'a pull secret may not be read: verdicts that depend on it are unknown';
      const facts = { namespace, pullSecret: name };
      if (setting === 'on') log.error(facts, message);
      else log.warn(facts, message);
    }
    const key = keyOf({ namespace, name });
    const nowMs = now().getTime();
    const wasOpen = this.#open.delete(key);
    if (setting === 'on' || (this.#refused.get(key) ?? 0) > nowMs) return;
    if (this.#refused.size >= mostKept) this.#refused.clear();
    this.#refused.set(key, nowMs + (wasOpen ? suddenMs : refusedMs));
  }
}

function isRefused({ state }: PullSecret): boolean {
  return state.is === 'unseen' && state.why === 'forbidden';
}

function keyOf({ namespace, name }: Pick<PullSecret, 'namespace' | 'name'>): string {
  return JSON.stringify([namespace, name]);
}
