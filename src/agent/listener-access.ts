/** Who may read the open listener, and the certificate that it shows: as far as the configuration asks for them. */
import type { ProcessContext } from '#commands/context.ts';
import type { Config } from '#config/config.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { pairChanges, readPair } from './certificate-pair.ts';
import type { ListenerAccess } from './collaborators.ts';

const noCluster =
  'listenAuth: kubernetes needs a cluster, and none is configured. Run the agent in a Pod with a ServiceAccount, set kubeconfig, or set listenAuth: off';

export async function openAccess(
  config: Config,
  cluster: Cluster | undefined,
  { now, signal, onHangUp }: Pick<ProcessContext, 'now' | 'signal' | 'onHangUp'>,
): Promise<{ readonly ok: true; readonly value: ListenerAccess } | { readonly ok: false; readonly why: string }> {
  const needsToken = config.listenAuth === 'kubernetes';
  if (needsToken && cluster === undefined) return { ok: false, why: noCluster };
  const access = needsToken && cluster !== undefined ? readerAccess(cluster, { now }) : undefined;
  const admit: Pick<ListenerAccess, 'admit'> =
    access === undefined ? {} : { admit: (authorization, path) => access.admit(authorization, path) };
  const { listenTlsCert: cert, listenTlsKey: key } = config;
  if (cert === null || key === null) return { ok: true, value: admit };
  const first = await readPair({ cert, key });
  if (!first.ok) return first;
  const changes = pairChanges({ cert, key }, first, { signal, onNudge: onHangUp });
  return { ok: true, value: { ...admit, pair: { first: first.pems, changes } } };
}
