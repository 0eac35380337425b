/**
 * Pull secrets, read as the kubelet reads them: one GET a Secret, in the Pod's own namespace, never a list. What was read is
 * kept for a minute, so that ten images of one Pod cost one request, and then dropped. It must not decode them: the format
 * and its traps are the courtyard's.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import { Secret } from '#report/secret.ts';
import type { Demand } from '#node/view.ts';
import { objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import type { ListWatchOptions } from '#kubernetes/api/list-watch.ts';
import { stringsAt, textAt } from '#kubernetes/api/json.ts';

export interface PullSecrets {
  /** The demand with its secrets read. Take it when a rehearsal is due, and drop it with the rehearsal. */
  withSecrets(demand: Demand): Promise<Demand>;
  /** Drops everything that is kept. */
  close(): void;
}

const keptMs = 60_000;
/** Of a Secret only these two entries are kept: it may hold anything else. */
const keys = ['.dockerconfigjson', '.dockercfg'] as const;

export function pullSecrets(cluster: Cluster, dependencies: ListWatchOptions): PullSecrets {
  const kept = new Map<string, Promise<PullSecret>>();
  const closing = new AbortController();

  const read = (namespace: string, name: string): Promise<PullSecret> => {
    const key = JSON.stringify([namespace, name]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    const reading = readSecret(cluster, namespace, name);
    kept.set(key, reading);
    const drop = (): void => {
      if (kept.get(key) === reading) kept.delete(key);
    };
    void reading.then(async ({ state }) => {
      // Nobody to ask: the next one asks anew.
      const isWorthKeeping = state.is !== 'unseen' || state.why === 'forbidden';
      if (isWorthKeeping) await dependencies.delay(keptMs, closing.signal);
      drop();
    });
    return reading;
  };

  return {
    withSecrets: async (demand) => ({
      ...demand,
      secrets: await Promise.all(
        demand.secrets.map(async (secret) => {
          const isOpen = secret.state.is === 'unseen' && secret.state.why === 'not_given';
          return isOpen ? await read(secret.namespace, secret.name) : secret;
        }),
      ),
    }),
    close: () => {
      closing.abort();
      kept.clear();
    },
  };
}

/** Never rejects: whatever comes back, or does not, is a state of the secret. */
async function readSecret(cluster: Cluster, namespace: string, name: string): Promise<PullSecret> {
  // client-go refuses to ask for such names, so that the kubelet goes on without them; `..` would be another path.
  if (![namespace, name].every(isName)) return { namespace, name, state: { is: 'missing' } };
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
  const answer = await cluster.ask({ method: 'GET', path, ...objectBounds });
  if (answer.is === 'away') return { namespace, name, state: { is: 'unseen', why: 'unreachable' } };
  if (answer.is === 'refused') return { namespace, name, state: refusedState(answer.status) };
  const data = stringsAt(answer.body, 'data');
  const given = keys.flatMap((key) => {
    const encoded = data[key];
    return encoded === undefined ? [] : [[key, new Secret(Buffer.from(encoded, 'base64').toString('utf8'))] as const];
  });
  const type = textAt(answer.body, 'type');
  return { namespace, name, state: { is: 'given', type, data: Object.fromEntries(given) } };
}

/** A DNS subdomain, as every Secret's name and every namespace is. */
function isName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
}

/** A missing namespace is a missing secret. 401 and 403 are ours to mend; anything else is the API server's bad day. */
function refusedState(status: number): PullSecret['state'] {
  if (status === 404) return { is: 'missing' };
  return { is: 'unseen', why: status === 401 || status === 403 ? 'forbidden' : 'unreachable' };
}
