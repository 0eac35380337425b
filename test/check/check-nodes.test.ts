import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';
import { fleetAgent, reportOn } from '../kit/fleet-agent.ts';
import { fleetWorld, type NodeSketch } from '../kit/fleet-world.ts';
import { failing } from '../kit/ledger.ts';
import { runCheckNodes } from '../kit/run-check-nodes.ts';

const advice = { cause: 'c', remedy: 'r', owner: 'node' } as const;
const untrusted: Fault = { code: 'tls.untrusted', host: 'mirror.internal', subject: 's', issuer: 'i', trustedFrom: [] };
const failingWith = (fault: Fault): PullReport => failing({ image: 'x', fault, stage: 'tls', advice });
const web = 'registry.example.com/shop/web:1';

interface Document {
  readonly nodes: readonly { readonly name: string; readonly is: string; readonly why?: string }[];
  readonly sample?: unknown;
  readonly spared: readonly { readonly node: string; readonly because: string }[];
  readonly reports: readonly (PullReport & { readonly ageMs: number })[];
}
const documentOf = (text: string): Document => JSON.parse(text) as Document;
const verdictsOf = ({ reports }: Document): readonly (readonly string[])[] =>
  reports.map(({ node, image, verdict }) => [node, image, 'fault' in verdict ? verdict.fault.code : verdict.is]);

describe('drypull check --nodes', () => {
  test('nodes with the same answer are one group, told apart by their pool', async () => {
    await using good = await fleetAgent();
    await using bad = await fleetAgent({ answer: (demand) => reportOn(demand, failingWith(untrusted)) });
    const nodes: NodeSketch[] = [1, 2, 3, 4, 5].map((number) => ({
      name: `node-${number}`,
      labels: { pool: number > 3 ? 'gpu' : 'web' },
      agent: number > 3 ? bad.ending : good.ending,
    }));
    await using world = await fleetWorld(nodes);
    const { status, stdout, stderr } = await runCheckNodes(['--nodes', web], world);
    expect(stdout).toContain(
      `${web}  3 nodes (pool=web): pulls · 2 nodes (pool=gpu): tls.untrusted at mirror.internal [1]`,
    );
    expect(stdout).toContain('[1] The certificate of mirror.internal is issued by i');
    expect(stderr).toBe('1 image on 5 nodes: 3 pull, 2 fail\n');
    expect(status).toBe(1);
  });

  test('a Pod is asked about where it may land, and nowhere else', async () => {
    await using agent = await fleetAgent();
    const gpu = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
    await using world = await fleetWorld([
      { name: 'node-1', labels: { disk: 'ssd' }, agent: agent.ending },
      { name: 'node-2', labels: { disk: 'hdd' }, agent: agent.ending },
      { name: 'node-3', labels: { disk: 'ssd' }, taints: [gpu], agent: agent.ending },
      { name: 'node-4', labels: { disk: 'ssd' }, unschedulable: true, agent: agent.ending },
    ]);
    const stream = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec: { template: { spec: { nodeSelector: { disk: ssd }, containers: [{ name: web, image: '${web}' }] } } }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: log, namespace: ops }
spec: { template: { spec: { containers: [{ name: log, image: 'registry.example.com/ops/log:2' }] } } }`;
    const { status, stdout } = await runCheckNodes(['--nodes', '-f', '-', '-o', 'json'], { ...world, stream });
    const document = documentOf(stdout);
    expect(verdictsOf(document)).toEqual([
      ['node-1', web, 'pulls'],
      ['node-1', 'registry.example.com/ops/log:2', 'pulls'],
      ['node-2', 'registry.example.com/ops/log:2', 'pulls'],
      ['node-4', 'registry.example.com/ops/log:2', 'pulls'],
    ]);
    expect(document.spared).toEqual([
      { node: 'node-3', because: 'its taint dedicated=gpu:NoSchedule is not tolerated' },
    ]);
    expect(document.reports[0]?.requestedBy).toEqual([
      { kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container web' },
    ]);
    expect(status).toBe(0);
  });

  test('--all-nodes asks the rest, too', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld([
      { name: 'node-1', unschedulable: true, agent: agent.ending },
      { name: 'node-2', agent: agent.ending },
    ]);
    const { stdout } = await runCheckNodes(['--all-nodes', web, '-o', 'json'], world);
    expect(verdictsOf(documentOf(stdout)).map(([node]) => node)).toEqual(['node-1', 'node-2']);
  });

  test('--nodes=SELECTOR asks the nodes with these labels', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld([
      { name: 'node-1', labels: { pool: 'web' }, agent: agent.ending },
      { name: 'node-2', labels: { pool: 'gpu' }, agent: agent.ending },
    ]);
    const { stdout } = await runCheckNodes(['--nodes=pool=gpu', web, '-o', 'json'], world);
    expect(verdictsOf(documentOf(stdout))).toEqual([['node-2', web, 'pulls']]);
  });

  test('nodes without an agent, with one that does not run, with one that is not reached: unknown, and exit status 2', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld([
      { name: 'node-1', agent: agent.ending },
      { name: 'node-2' },
      { name: 'node-3', agent: agent.ending, waiting: 'CrashLoopBackOff' },
      { name: 'node-4', agent: { is: 'refused' } },
      { name: 'node-5', agent: { is: 'silent' } },
    ]);
    const text = ['--nodes', web, '-o', 'json', '--node-timeout', '300ms'];
    const { status, stdout } = await runCheckNodes(text, world);
    expect(documentOf(stdout).nodes.map(({ name, is, why }) => [name, is, why])).toEqual([
      ['node-1', 'answered', undefined],
      ['node-2', 'unknown', 'no agent of drypull runs there'],
      ['node-3', 'unknown', 'its agent does not run (CrashLoopBackOff)'],
      [
        'node-4',
        'unknown',
        'error forwarding port 9468 to pod drypull: dial tcp4 127.0.0.1:9468: connect: connection refused',
      ],
      ['node-5', 'unknown', 'nothing came within 0.3 s'],
    ]);
    expect(verdictsOf(documentOf(stdout)).map(([, , code]) => code)).toEqual([
      'pulls',
      ...Array<string>(4).fill('agent.unreachable'),
    ]);
    expect(status).toBe(2);
  });

  test.each([
    ['list core/nodes', 'you may not list Nodes: whoever asks needs the ClusterRole drypull-asker'],
    ['list core/pods', "you may not list the agents' Pods: whoever asks needs the ClusterRole drypull-asker"],
  ])('without the right to %s nothing is asked, and it is said who may', async (grant, logged) => {
    await using world = await fleetWorld([{ name: 'node-1', agent: { is: 'silent' } }]);
    world.kube.grants = new Set([...world.kube.grants].filter((each) => each !== grant));
    const { status, stderr } = await runCheckNodes(['--nodes', web], world);
    expect(stderr).toContain(logged);
    expect(status).toBe(2);
  });

  test('without the right to forward a port every node is unknown, for one reason', async () => {
    await using world = await fleetWorld([
      { name: 'node-1', agent: { is: 'silent' } },
      { name: 'node-2', agent: { is: 'silent' } },
    ]);
    world.kube.grants = new Set([...world.kube.grants].filter((each) => each !== 'create core/pods/portforward'));
    const { status, stdout } = await runCheckNodes(['--nodes', web], world);
    expect(stdout).toContain('2 nodes: unknown, agent.unreachable [1]');
    expect(stdout).toContain(
      'the API server does not let you forward a port to it (get and create on pods/portforward)',
    );
    expect(world.kube.spoken).toEqual([]);
    expect(status).toBe(2);
  });

  test('JUnit has a case for each image on each node', async () => {
    await using good = await fleetAgent();
    await using bad = await fleetAgent({ answer: (demand) => reportOn(demand, failingWith(untrusted)) });
    await using world = await fleetWorld([
      { name: 'node-1', agent: good.ending },
      { name: 'node-2', agent: bad.ending },
    ]);
    const { stdout } = await runCheckNodes(['--nodes', web, '-o', 'junit'], world);
    expect(stdout).toContain('tests="2" failures="1" errors="0" skipped="0"');
    expect(stdout).toContain(`<testcase classname="node-2" name="${web}"`);
  });

  test('-v says it node by node', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld([
      { name: 'node-1', agent: agent.ending },
      { name: 'node-2', agent: agent.ending },
    ]);
    const { stdout } = await runCheckNodes(['--nodes', '-v', web], world);
    expect(stdout).toMatch(/^node-1\nVERDICT[^\n]*\npulls +registry\.example\.com\/shop\/web:1[\s\S]*\nnode-2\n/);
  });
});

describe('what the agents know', () => {
  test('is an answer while it is fresh, and says how old it is', async () => {
    let nowMs = Date.parse('2026-03-04T12:00:00Z');
    await using agent = await fleetAgent({ nowMs: () => nowMs });
    await using world = await fleetWorld([{ name: 'node-1', agent: agent.ending }]);
    const ask = async (...text: readonly string[]): Promise<number | undefined> =>
      documentOf((await runCheckNodes(['--nodes', web, '-o', 'json', ...text], world)).stdout).reports[0]?.ageMs;
    expect(await ask()).toBe(0);
    nowMs += 60_000;
    expect(await ask()).toBe(60_000);
    expect(agent.rehearsed).toHaveLength(1);
    expect(await ask('--fresh')).toBe(0);
    expect(agent.rehearsed).toHaveLength(2);
  });

  test('is asked again with --wait, as long as something does not pull', async () => {
    let pushed = false;
    const missing: Fault = { code: 'manifest.unknown_tag', image: web, host: 'registry.example.com', message: '' };
    await using slow = await fleetAgent({
      answer: (demand) => (pushed ? reportOn(demand) : reportOn(demand, failingWith(missing))),
    });
    await using good = await fleetAgent();
    await using world = await fleetWorld([
      { name: 'node-1', agent: good.ending },
      { name: 'node-2', agent: slow.ending },
    ]);
    const pauses: number[] = [];
    const pause = (ms: number): Promise<void> => {
      pauses.push(ms);
      pushed = pauses.length === 3;
      return Promise.resolve();
    };
    const { status, stdout, stderr } = await runCheckNodes(['--nodes', web, '--wait', '5m'], { ...world, pause });
    expect(stdout).toContain('2 nodes: pulls');
    expect(stderr).toContain('drypull: 1 of 2 nodes do not pull everything: asked again in 2 s\n');
    expect(pauses).toEqual([2000, 4000, 8000]);
    expect([good.rehearsed.length, slow.rehearsed.length]).toEqual([1, 4]);
    expect(status).toBe(0);
  });
});

describe('pull secrets', () => {
  const pod = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop }
spec: { imagePullSecrets: [{ name: hub }], containers: [{ name: web, image: '${web}' }] }`;
  const secret = `
---
apiVersion: v1
kind: Secret
metadata: { name: hub, namespace: shop }
type: kubernetes.io/dockerconfigjson
stringData: { .dockerconfigjson: '{"auths":{"registry.example.com":{"username":"u","password":"c4n4ry"}}}' }`;
  const unseen: Fault = {
    code: 'agent.cannot_see',
    what: 'the pull secret shop/hub',
    why: 'it is named and was not given',
  };

  test('of the stream go to the agents, and are shown nowhere', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld([{ name: 'node-1', agent: agent.ending }]);
    const ran = await runCheckNodes(['--nodes', '-f', '-', '-o', 'json'], { ...world, stream: pod + secret });
    const state = agent.rehearsed[0]?.secrets[0]?.state;
    expect(state?.is === 'given' ? state.data['.dockerconfigjson']?.reveal() : undefined).toContain('c4n4ry');
    expect(ran.stdout + ran.stderr).not.toContain('c4n4ry');
  });

  test('that are named only are said once, with what would show them', async () => {
    await using agent = await fleetAgent({
      answer: (demand) =>
        reportOn(demand, failing({ image: 'x', is: 'unknown', fault: unseen, stage: 'plan', advice })),
    });
    await using world = await fleetWorld([
      { name: 'node-1', agent: agent.ending },
      { name: 'node-2', agent: agent.ending },
    ]);
    const { status, stderr } = await runCheckNodes(['--nodes', '-f', '-'], { ...world, stream: pod });
    expect(stderr.match(/shop\/hub/g)).toHaveLength(1);
    expect(stderr).toContain(
      '(kubectl get secret -n shop hub -o yaml; echo ---; cat manifests.yaml) | drypull check --nodes -f -',
    );
    expect(stderr).toContain('checkSecrets: on');
    expect(status).toBe(2);
  });
});

describe('a large fleet', { timeout: 60_000 }, () => {
  const many = (count: number, ending: NonNullable<NodeSketch['agent']>): readonly NodeSketch[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `node-${String(index).padStart(4, '0')}`,
      labels: { pool: index < 5 ? 'gpu' : 'web', 'topology.kubernetes.io/zone': `zone-${index % 3}` },
      agent: ending,
    }));

  test('from 300 nodes on some of each kind are asked, and it is said', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld(many(300, agent.ending));
    const { stdout, stderr } = await runCheckNodes(['--nodes', web, '-o', 'json'], world);
    expect(documentOf(stdout).sample).toEqual({ asked: documentOf(stdout).nodes.length, of: 300, kinds: 6 });
    expect(stderr).toMatch(/^drypull: a sample of 15\d of 300 nodes is asked, from each of 6 kinds/);
  });

  test('500 nodes are asked, at most so many at a time, and each is answered for', async () => {
    await using agent = await fleetAgent();
    await using world = await fleetWorld(many(500, agent.ending));
    const { status, stdout } = await runCheckNodes(['--all-nodes', web, '-o', 'json', '--at-once', '20'], world);
    expect(documentOf(stdout).reports).toHaveLength(500);
    expect(documentOf(stdout).sample).toBeUndefined();
    // One that has ended may be seen to end after the next has begun.
    expect(world.kube.mostForwards).toBeLessThan(100);
    expect(status).toBe(0);
  });
});
