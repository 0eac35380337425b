import { describe, expect, test } from 'vitest';
import type { NodeAnswer, Fleet } from '#kubernetes/port-forward/ask-agents.ts';
import { dialects } from '../../kit/fake-port-forward.ts';
import { fleetWorld, listener, type NodeSketch } from '../../kit/fleet-world.ts';
import { pulling } from '../../kit/ledger.ts';

const signal = new AbortController().signal;
const bounds = { atOnce: 8, perNodeMs: 20_000, port: 9468, signal, clockMs: () => performance.now() };
const question = { method: 'POST', path: '/check', body: 'registry.example.com/shop/web:1\n' } as const;

async function askAll(fleet: Fleet, over: Partial<typeof bounds> = {}): Promise<readonly NodeAnswer[]> {
  const agents = await fleet.agents('drypull', signal);
  if (agents.is !== 'listed') throw new Error(agents.is);
  const asked = agents.items.map((agent) => ({ agent, question }));
  const answers: NodeAnswer[] = [];
  for await (const answer of fleet.ask(asked, { ...bounds, ...over })) answers.push(answer);
  return answers;
}

describe.each(dialects)('through a port-forward in %s', (dialect) => {
  test('an agent is asked at its loopback listener, and its answer comes back whole', async () => {
    // Larger than a frame, a message and a read of the socket.
    const long = 'x'.repeat(300_000);
    await using agent = await listener({
      check: ({ text }) => Promise.resolve([{ ...pulling({ image: text.trim() }), reference: long, ageMs: 0 }]),
    });
    await using world = await fleetWorld([{ name: 'node-1', agent: agent.ending }]);
    world.kube.dialects = [dialect];
    const [answer] = await askAll(world.fleet);
    expect(answer?.answered).toMatchObject({
      is: 'answered',
      status: 200,
      body: { version: 1, reports: [{ image: 'registry.example.com/shop/web:1', reference: long }] },
    });
    expect(world.kube.spoken).toEqual([dialect]);
  });

  test('what the kubelet says of a port where nobody listens is the reason', async () => {
    await using world = await fleetWorld([{ name: 'node-1', agent: { is: 'refused' } }]);
    world.kube.dialects = [dialect];
    const [answer] = await askAll(world.fleet);
    expect(answer?.answered).toEqual({
      is: 'away',
      why: 'error forwarding port 9468 to pod drypull: dial tcp4 127.0.0.1:9468: connect: connection refused',
    });
  });

  test('an agent that dies half-way through its answer is away', async () => {
    await using agent = await listener({ check: () => Promise.resolve([{ ...pulling({ image: 'a' }), ageMs: 0 }]) });
    const dying = { ...agent.ending, is: 'dies', afterBytes: 400 } as const;
    await using world = await fleetWorld([{ name: 'node-1', agent: dying }]);
    world.kube.dialects = [dialect];
    const [answer] = await askAll(world.fleet);
    expect(answer?.answered).toEqual({ is: 'away', why: 'the connection broke before the answer was whole' });
  });

  test('a node that hangs is late, and holds up nobody', async () => {
    await using agent = await listener({});
    const nodes: NodeSketch[] = [
      { name: 'node-1', agent: { is: 'silent' } },
      { name: 'node-2', agent: agent.ending },
    ];
    await using world = await fleetWorld(nodes);
    world.kube.dialects = [dialect];
    const answers = await askAll(world.fleet, { perNodeMs: 300, atOnce: 1 });
    expect(answers.map(({ agent: { node }, answered }) => [node, answered.is])).toEqual([
      ['node-1', 'late'],
      ['node-2', 'answered'],
    ]);
  });
});

test('a way that only takes the newer dialect is found, and not searched for again', async () => {
  await using agent = await listener({});
  await using world = await fleetWorld([1, 2, 3].map((n) => ({ name: `node-${n}`, agent: agent.ending })));
  world.kube.dialects = ['SPDY/3.1+portforward.k8s.io'];
  const answers = await askAll(world.fleet, { atOnce: 1 });
  expect(answers.map(({ answered }) => answered.is)).toEqual(['answered', 'answered', 'answered']);
  expect(world.kube.calls.filter(({ subresource }) => subresource === 'portforward')).toHaveLength(4);
});

test('a refusal of the API server itself is not tried in another dialect', async () => {
  await using world = await fleetWorld([{ name: 'node-1', agent: { is: 'silent' } }]);
  world.kube.grants = new Set([...world.kube.grants].filter((grant) => grant !== 'get core/pods/portforward'));
  const [answer] = await askAll(world.fleet);
  expect(answer?.answered).toMatchObject({ is: 'refused', status: 403, reason: 'Forbidden' });
  expect(world.kube.calls.filter(({ subresource }) => subresource === 'portforward')).toHaveLength(1);
});

test('a way that takes neither dialect is refused, in the words of the first', async () => {
  await using world = await fleetWorld([{ name: 'node-1', agent: { is: 'silent' } }]);
  world.kube.dialects = [];
  const [answer] = await askAll(world.fleet);
  expect(answer?.answered).toMatchObject({ is: 'refused', status: 403 });
});

test('an agent with its hands full is waited for, within the deadline', async () => {
  const gate = Promise.withResolvers<readonly never[]>();
  await using agent = await listener({ atOnce: 1, check: () => gate.promise });
  const nodes = [1, 2].map((n) => ({ name: `node-${n}`, agent: agent.ending }));
  await using world = await fleetWorld(nodes);
  // Both agents are the one listener: the first holds it, the second finds it taken.
  const answers = askAll(world.fleet, { perNodeMs: 800 });
  await world.kube.until(({ spoken }) => spoken.length >= 2);
  const [first, second] = await answers;
  expect([first?.answered.is, second?.answered.is]).toEqual(['late', 'late']);
  gate.resolve([]);
});

test('whoever is interrupted gets what has come so far', async () => {
  const stopping = new AbortController();
  await using world = await fleetWorld([1, 2].map((n) => ({ name: `node-${n}`, agent: { is: 'silent' } as const })));
  const asking = askAll(world.fleet, { signal: stopping.signal, atOnce: 1 });
  await world.kube.until(({ spoken }) => spoken.length === 1);
  stopping.abort();
  expect((await asking).map(({ answered }) => answered.is)).toEqual(['late']);
});

describe('the agents of a cluster', () => {
  test('are the running Pods of that name, not those of another part of drypull, nor those that leave', async () => {
    await using world = await fleetWorld([{ name: 'node-1', agent: { is: 'silent' } }]);
    const pod = (name: string, labels: object, more: object = {}): void => {
      world.kube.pods.set(name, {
        metadata: { name, namespace: 'drypull', labels: { 'app.kubernetes.io/name': 'drypull', ...labels }, ...more },
        spec: { nodeName: 'node-1' },
        status: { phase: name === 'over' ? 'Failed' : 'Running' },
      });
    };
    pod('catalog', { 'app.kubernetes.io/component': 'catalog' });
    pod('leaving', {}, { deletionTimestamp: '2026-03-04T12:00:00Z' });
    pod('over', {});
    const agents = await world.fleet.agents('drypull', signal);
    expect(agents).toMatchObject({ is: 'listed', items: [{ pod: 'drypull-node-1' }] });
  });

  test('and its Nodes are listed page by page', async () => {
    await using world = await fleetWorld(Array.from({ length: 501 }, (_, n) => ({ name: `node-${n}` })));
    const nodes = await world.fleet.nodes('', signal);
    expect(nodes.is === 'listed' ? nodes.items.length : nodes).toBe(501);
    expect(world.kube.calls).toHaveLength(3);
  });
});
