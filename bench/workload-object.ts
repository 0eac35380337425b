/** One workload as an API server of a busy cluster tells it: ten KiB, most of which concerns nobody who pulls images. */
import type { Json } from '../test/kit/fake-kube-json.ts';
import { podOf } from './pod-object.ts';

const teams = 200;
const distinctImages = 12_000;

/** Twenty thousand of them in two hundred namespaces; every tenth goes to one of ten pools only. */
export function workloadOf(n: number): Json {
  const image = `registry-${n % 7}.example.test/team-${n % teams}/service-${n % distinctImages}:v${n % 90}.${n % 7}`;
  const { metadata, spec } = podOf(n, { written: image }) as { metadata: Json; spec: Json };
  const own = without(metadata, ['ownerReferences', 'generateName']);
  const pod = without(spec, ['nodeName']);
  const name = `service-${n}`;
  const selector = n % 10 === 0 ? { nodeSelector: { 'example.test/pool': `pool-${(n / 10) % 10}` } } : {};
  return {
    metadata: { ...own, name, namespace: `team-${n % teams}`, uid: `uid-of-workload-${n}` },
    spec: {
      replicas: n % 5,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: own['labels'], annotations: own['annotations'] },
        spec: { ...pod, ...selector, imagePullSecrets: [{ name: `pull-${n % 3}` }] },
      },
    },
    status: { replicas: n % 5, readyReplicas: n % 5, conditions: [{ type: 'Available', status: 'True' }] },
  };
}

function without(fields: Json, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(key)));
}
