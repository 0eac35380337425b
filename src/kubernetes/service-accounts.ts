/**
 * The door to the pull secrets that ServiceAccounts give their Pods: a Pod that lists none gets its account's at admission
 * (plugin/pkg/admission/serviceaccount/admission.go Admit, v1.36), and one that is yet to come has not been admitted. Names
 * only; pull-secrets.ts reads what is behind them.
 */
import { type Outcome, bad, good } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { secretNamesOf } from './pod-images.ts';

export interface Accounts {
  /** In order. No such account gives none. Kept for a while, a refusal too. */
  secretNames(namespace: string, account: string): Promise<Outcome<readonly string[]>>;
}

const keptMs = 30 * 60_000;
const refusedMs = 10 * 60_000;
const mostKept = 10_000;

interface Kept {
  readonly found: Promise<Outcome<readonly string[]>>;
  untilMs: number;
}

export function accounts(cluster: Cluster, now: () => Date): Accounts {
  const kept = new Map<string, Kept>();
  return {
    secretNames: (namespace, account) => {
      const key = `${namespace}/${account}`;
      const known = kept.get(key);
      if (known !== undefined && known.untilMs > now().getTime()) return known.found;
      if (kept.size >= mostKept) kept.clear();
      const asking: Kept = { found: ask(cluster, namespace, account), untilMs: Number.POSITIVE_INFINITY };
      kept.set(key, asking);
      void asking.found.then((found) => {
        // Nobody to ask: the next one asks anew.
        const forMs = found.ok ? keptMs : found.fault.code === 'agent.not_allowed' ? refusedMs : 0;
        asking.untilMs = now().getTime() + forMs;
      });
      return asking.found;
    },
  };
}

async function ask(cluster: Cluster, namespace: string, account: string): Promise<Outcome<readonly string[]>> {
  const what = `read ServiceAccount ${namespace}/${account}`;
  if (![namespace, account].every(isName)) return bad({ code: 'agent.cannot_see', what, why: 'this is no name' });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}`;
  const answer = await cluster.ask({ method: 'GET', path, ...objectBounds });
  if (answer.is === 'answered') return good(secretNamesOf(answer.body));
  return answer.is === 'refused' && answer.status === 404 ? good([]) : faultOf(what, answer);
}

/** A DNS subdomain; `..` would be another path. */
function isName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}
