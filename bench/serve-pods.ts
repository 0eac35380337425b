/**
 * The process that is a cluster: an API server with one node full of Pods, and a registry that knows its users by their pull
 * secrets. It is told which other images the Pods name, says where it is, and ends with its parent.
 */
import { FakeKube } from '../test/kit/fake-kube.ts';
import { FakeRegistry, image } from '../test/kit/fake-registry.ts';
import { podsOnNode, secretImages, secretNamespace, type ClusterWord } from './pods.ts';
import { podOf } from './pod-object.ts';

const users = { puller: 'of-the-benchmark' };
const registry = await FakeRegistry.open({ auth: { scheme: 'basic', users } });
const kube = await new FakeKube().listen();
kube.pods.clear();

process.once('message', (written: readonly string[]) => {
  const guarded = Array.from({ length: secretImages }, (_, i) => {
    registry.put(`team/secret-${i}:v1`, image({ seed: `secret ${i}` }));
    const secret = `pull-${i}`;
    kube.setSecret(pullSecret(secret));
    return { written: `${registry.host}/team/secret-${i}:v1`, secret };
  });
  const wanted = [...written.map((one) => ({ written: one })), ...guarded];
  for (let n = 0; n < podsOnNode; n += 1) {
    const one = wanted[n % wanted.length];
    if (one !== undefined) kube.emitPod('ADDED', podOf(n, one));
  }
  kube.compact();
  const podBytes = Buffer.byteLength(JSON.stringify([...kube.pods.values()]));
  process.send?.({ server: kube.url, images: wanted.length, podBytes } satisfies ClusterWord);
});
process.once('disconnect', () => process.exit());

function pullSecret(name: string): Parameters<FakeKube['setSecret']>[0] {
  const auths = { [registry.host]: { username: 'puller', password: users.puller } };
  return {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name, namespace: secretNamespace },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  };
}
