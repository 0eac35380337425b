/** The process that is a cluster full of workloads: says where it is and what it holds, then when its catalog was written. */
import { FakeKube, token } from '../test/kit/fake-kube.ts';
import { text, type Json } from '../test/kit/fake-kube-json.ts';
import { catalogGrants } from '../test/kit/kube-grants.ts';
import { agentPod } from '../test/kit/workloads.ts';
import { workloadOf } from './workload-object.ts';

export interface Filled {
  readonly server: string;
  readonly token: string;
  /** Of all workloads as JSON. */
  readonly bytes: number;
}

/** The catalog as it stands: ConfigMaps with their sizes as stored. */
export interface Stored {
  readonly writes: number;
  readonly sizes: readonly number[];
}

const workloads = Number(process.argv[2]);
const nodes = Number(process.argv[3]);
const kube = await new FakeKube().listen();
kube.pods.clear();
kube.grants = catalogGrants;
let bytes = 0;
for (let n = 0; n < workloads; n += 1) {
  const workload = workloadOf(n);
  bytes += Buffer.byteLength(JSON.stringify(workload));
  kube.shelf.put(n % 4 === 0 ? 'apps/statefulsets' : 'apps/deployments', workload);
}
for (let n = 0; n < nodes; n += 1) kube.emitPod('ADDED', agentPod(`node-${n}`, `zone-${n % 3}`));
kube.compact();
process.on('message', (word) => {
  if (word === 'change') kube.shelf.put('apps/deployments', { ...workloadOf(1), ...another() });
  const sizes = kube.shelf.all('core/configmaps').map((one) => sizeOf(one));
  process.send?.({ writes: kube.written.length, sizes } satisfies Stored);
});
process.once('disconnect', () => process.exit());
process.send?.({ server: kube.url, token, bytes } satisfies Filled);

function another(): Json {
  return { spec: { template: { spec: { containers: [{ name: 'app', image: 'registry.example.test/another:1' }] } } } };
}

function sizeOf(configMap: Json): number {
  const chunk = text(configMap, 'binaryData', 'lines.gz');
  return chunk === '' ? JSON.stringify(configMap['data']).length : Buffer.byteLength(chunk, 'base64');
}
