/**
 * The kubelet's configuration in force, from the kubelet itself. It is asked directly: through the API server the same
 * question needs nodes/proxy, which is the right to run anything in any Pod of the node. The kubelet lets pass who may `get`
 * nodes/configz (k8s pkg/kubelet/server/auth.go, KubeletFineGrainedAuthz, on since 1.33); an older one refuses, and a
 * kubelet whose certificate is not signed by the cluster's CA is not asked at all: it would see our token.
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
