/** What registries last said when they had enough of this node's requests, for limits that no count of pulls foretells. */
import { rootOf, type RateLimit } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';
import { numberIn, recordsIn, wordIn, type Readable } from './tolerant.ts';

export interface LimitHistory {
  readonly scope: RateLimit['scope'];
  readonly atMs: number;
  readonly retryAfterS?: number;
}
/** By registry, as images name it. */
export type LimitsHistory = Readonly<Record<string, LimitHistory>>;

const most = 32;
const scopes: readonly RateLimit['scope'][] = ['quota', 'burst', 'abuse', 'login', 'monthly', 'unknown'];

export function learnLimits(limits: LimitsHistory, report: PullReport): LimitsHistory {
  const { registry, at } = report;
  const reported = refusalIn(report);
  if (registry === undefined || reported === undefined) return limits;
  const { scope, retryAfterS } = reported;
  const found = { scope, atMs: Date.parse(at), ...(retryAfterS === undefined ? {} : { retryAfterS }) };
  const others = Object.entries(limits).filter(([name]) => name !== registry);
  return Object.fromEntries([...others.slice(1 - most), [registry, found]]);
}

/** A whole answer tells its scope; that of a HEAD has no body, and is the less said. */
function refusalIn({ attempts }: PullReport): RateLimit | undefined {
  const limits = attempts.flatMap(({ exchanges, ending }): readonly RateLimit[] => {
    const met = exchanges.flatMap(({ outcome }) =>
      outcome.ok && outcome.value.status === 429 ? [outcome.value.rateLimit ?? { scope: 'unknown' as const }] : [],
    );
    const fault = 'fault' in ending ? rootOf(ending.fault) : undefined;
    return fault?.code === 'api.rate_limited' ? [...met, fault.limit] : met;
  });
  return limits.findLast(({ scope }) => scope !== 'unknown') ?? limits.at(-1);
}

export function readLimits(value: unknown): LimitsHistory {
  return recordsIn(value, readLimit, most);
}

function readLimit(value: Readable): LimitHistory | undefined {
  const scope = wordIn(value, 'scope', scopes);
  const [atMs, retryAfterS] = [numberIn(value, 'atMs'), numberIn(value, 'retryAfterS')];
  if (scope === undefined || atMs === undefined) return undefined;
  return { scope, atMs, ...(retryAfterS === undefined ? {} : { retryAfterS }) };
}
