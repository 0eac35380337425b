import { describe, expect, test } from 'vitest';
import type { NodeAnswer, Fleet } from '../../src/cluster/ask-agents.ts';
import { dialects } from '../kit/fake-port-forward.ts';
import { fleetWorld, listener, type NodeSketch } from '../kit/fleet-world.ts';
import { pulling } from '../kit/ledger.ts';

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
    expect(answer?.said).toMatchObject({
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
    expect(answer?.said).toEqual({
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
    expect(answer?.said).toEqual({ is: 'away', why: 'the connection broke before the answer was whole' });
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
    expect(answers.map(({ agent: { node }, said }) => [node, said.is])).toEqual([
      ['node-1', 'late'],
      ['node-2', 'answered'],
    ]);
  });
});
