/** What this process has really asked of whom, counted where it is sent. Lanes are capped by count. */

export type RequestKind = 'head' | 'get_manifest' | 'get_blob' | 'token' | 'ping';

export interface Sent {
  readonly budgetKey: string;
  readonly kind: RequestKind;
  /** It cost quota of a registry that counts what it serves. */
  readonly spends: boolean;
  /** It was answered "too many". */
  readonly limited: boolean;
}

export interface Spent {
  readonly budgetKey: string;
  readonly requests: Readonly<Record<RequestKind, number>>;
  readonly pulls: number;
  readonly rateLimits: number;
}

const most = 200;
const none = { head: 0, get_manifest: 0, get_blob: 0, token: 0, ping: 0 } as const;

export class Spending {
  readonly #budgetKeys = new Map<string, Spent>();

  note({ budgetKey, kind, spends, limited }: Sent): void {
    const name = this.#budgetKeys.has(budgetKey) || this.#budgetKeys.size < most ? budgetKey : 'other';
    const { requests, pulls, rateLimits } = this.#budgetKeys.get(name) ?? { requests: none, pulls: 0, rateLimits: 0 };
    this.#budgetKeys.set(name, {
      budgetKey: name,
      requests: { ...requests, [kind]: requests[kind] + 1 },
      pulls: pulls + (spends ? 1 : 0),
      rateLimits: rateLimits + (limited ? 1 : 0),
    });
  }

  read(): readonly Spent[] {
    return [...this.#budgetKeys.values()];
  }
}
