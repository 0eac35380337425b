/** The other side of bench/nodes.ts: an API server and the agents of so many nodes, counted. */
import { FakeKube } from '../test/kit/fake-kube.ts';
import { grantText } from '../test/kit/fake-kube-call.ts';
import { fleetAgent, type FleetAgent } from '../test/kit/fleet-agent.ts';
import { agentObject, nodeObject } from '../test/kit/fleet-world.ts';
import { askerGrants } from '../test/kit/kube-grants.ts';

export interface Served {
  readonly url: string;
}

export interface Counted {
  readonly apiServer: Readonly<Record<string, number>>;
  readonly rehearsals: number;
  /** Of the simulation, since it was asked last. */
  readonly cpuS: number;
}

const count = Number(process.argv[2]);
const kube = await new FakeKube().listen();
kube.grants = askerGrants;
const agents: FleetAgent[] = [];
const sketches = Array.from({ length: count }, (_, index) => ({
  name: `node-${String(index).padStart(4, '0')}`,
  labels: { 'karpenter.sh/nodepool': index % 50 === 0 ? 'gpu' : 'web', 'topology.kubernetes.io/zone': `z${index % 3}` },
}));
kube.fleet = sketches.map(nodeObject);
for (const sketch of sketches) {
  const agent = await fleetAgent();
  agents.push(agent);
  kube.pods.set(`uid-${sketch.name}`, agentObject(sketch));
  kube.endings.set(`drypull/drypull-${sketch.name}`, agent.ending);
}
let used = process.cpuUsage();
process.on('message', () => {
  const rehearsals = agents.reduce((sum, { rehearsed }) => sum + rehearsed.splice(0).length, 0);
  const apiServer: Record<string, number> = {};
  for (const call of kube.calls.splice(0)) apiServer[grantText(call)] = (apiServer[grantText(call)] ?? 0) + 1;
  const { user, system } = process.cpuUsage(used);
  used = process.cpuUsage();
  process.send?.({ apiServer, rehearsals, cpuS: (user + system) / 1e6 } satisfies Counted);
});
process.send?.({ url: kube.url } satisfies Served);
