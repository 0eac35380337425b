/**
 * The kubelet's configuration in force, from the kubelet itself. The request goes to the kubelet directly: through the API server
 * it needs nodes/proxy, which is the right to run anything in any Pod of the node. The kubelet admits a user who may `get`
 * nodes/configz (k8s pkg/kubelet/server/auth.go, KubeletFineGrainedAuthz, on since 1.33); an older one refuses. A kubelet whose
 * certificate is not signed by the cluster's CA gets no request, because it would get the agent's token.
 */
import { type Seen, bad, good, seen } from '#report/outcome.ts';
import { faultOf, objectBounds } from './call.ts';
import type { Cluster } from './connect.ts';
import { at, fieldsOf } from './json.ts';

/** The KubeletConfiguration as JSON text, to be read like its file. `server`: `https://<InternalIP of the node>:10250`. */
export async function readConfigz(cluster: Cluster, server: string): Promise<Seen<string>> {
  const kubelet = cluster.elsewhere(server);
  const source = `${server}/configz`;
  try {
    const answer = await kubelet.ask({ method: 'GET', path: '/configz', ...objectBounds });
    if (answer.is !== 'answered') return seen(source, faultOf("the kubelet's configz", answer));
    const config = fieldsOf(at(answer.body, 'kubeletconfig'));
    if (config !== undefined) return seen(source, good(JSON.stringify(config)));
    return seen(
      source,
      bad({ code: 'agent.cannot_see', what: "the kubelet's configz", why: 'no kubeletconfig in it' }),
    );
  } finally {
    await kubelet.close();
  }
}
