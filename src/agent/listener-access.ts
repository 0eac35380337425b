/** What stands between the open listener and its readers, as far as the configuration asks for it: TLS, and the cluster's permission. */
import type { AgentDependencies } from './agent.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import type { Config } from '#config/config.ts';
import { pairChanges, readPair } from './listener-certificate.ts';
import type { ProcessContext } from '#main.ts';

type Guarded =
  | { readonly ok: true; readonly value: Pick<AgentDependencies, 'admit' | 'pair'> }
  | { readonly ok: false; readonly why: string };

export async function guardListener(
  config: Config,
  cluster: Cluster | undefined,
  { now, signal, onHangUp }: ProcessContext,
): Promise<Guarded> {
  const isGuarded = config.listenAuth === 'kubernetes';
  if (isGuarded && cluster === undefined) return { ok: false, why: noCluster };
  const keeper = isGuarded && cluster !== undefined ? readerAccess(cluster, { now }) : undefined;
  const admit: Pick<AgentDependencies, 'admit'> =
    keeper === undefined ? {} : { admit: (authorization, path) => keeper.admit(authorization, path) };
  const { listenTlsCert: cert, listenTlsKey: key } = config;
  if (cert === null || key === null) return { ok: true, value: admit };
  const first = await readPair({ cert, key });
  if (!first.ok) return first;
  const changes = pairChanges({ cert, key }, first, { signal, onNudge: onHangUp });
  return { ok: true, value: { ...admit, pair: { first: first.pems, changes } } };
}

const noCluster =
  'listenAuth: there is no cluster to ask. Run in a Pod with a ServiceAccount, name a kubeconfig, or leave listenAuth off';
