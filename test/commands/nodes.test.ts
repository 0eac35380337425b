import { describe, expect, test } from 'vitest';
import type { ProcessContext } from '#main.ts';
import { run } from '#commands/nodes.ts';
import { fleetAgent } from '../kit/fleet-agent.ts';
import { fleetWorld, type FleetWorld } from '../kit/fleet-world.ts';
import { entry, failing, ledgerOf, now, pulling } from '../kit/ledger.ts';

async function nodes(
  world: FleetWorld,
  ...arguments_: readonly string[]
): Promise<{ status: number; answered: string }> {
  let answered = '';
  const stream = { write: (text: string) => (answered += text) } as unknown as NodeJS.WriteStream;
  const around = {
    args: [...arguments_, '--kubeconfig', world.kubeconfig],
    env: {},
    stdout: stream,
    stderr: stream,
    signal: new AbortController().signal,
    clockMs: () => performance.now(),
  } as unknown as ProcessContext;
  return { status: await run(around), answered };
}

const ready = ledgerOf([entry(pulling({ image: 'registry.example.com/shop/web:1' }))], { node: 'node-1' });
const fault = { code: 'tls.expired', host: 'h', subject: '', notAfter: '', now: '' } as const;
const advice = { cause: '', remedy: '', owner: 'registry' } as const;
const broken = ledgerOf([entry(failing({ image: 'registry.example.com/shop/web:1', fault, stage: 'tls', advice }))], {
  scores: {
    tally: { counts: { hit: 3, miss: 1, false_alarm: 0, correct_rejection: 38 }, unscored: 0, misses: [] },
    recent: [],
  },
});

describe('drypull nodes', () => {
  test('shows the fleet at a glance, those first that need somebody', async () => {
    await using good = await fleetAgent({ ledger: () => ready, nowMs: () => now });
    await using bad = await fleetAgent({ ledger: () => broken, nowMs: () => now });
    await using world = await fleetWorld([
      { name: 'node-1', agent: good.ending },
      { name: 'node-2' },
      { name: 'node-3', agent: bad.ending },
    ]);
    const { status, answered } = await nodes(world);
    expect(answered.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'VERDICT | NODE | PULLS | AT RISK | FAILS | UNKNOWN | WORST | AGE | FORETOLD | BECAUSE',
      'not ready | node-3 | 0 | 0 | 1 | 0 | tls.expired | 1 min 50 s | 41 of 42 | 1 image cannot be pulled on this node',
      'unknown | node-2 | no agent of drypull runs there',
      'ready | node-1 | 1 | 0 | 0 | 0 | 1 min 50 s',
      '',
    ]);
    expect(status).toBe(1);
  });

  test('as JSON, and with the exit status of the worst', async () => {
    await using good = await fleetAgent({ ledger: () => ready, nowMs: () => now });
    await using world = await fleetWorld([{ name: 'node-1', agent: good.ending }]);
    const { status, answered } = await nodes(world, '-o', 'json');
    expect(JSON.parse(answered)).toMatchObject({
      version: 1,
      cluster: 'shop',
      nodes: [{ node: 'node-1', is: 'ready', counts: { pulls: 1, asked: 1 }, ageMs: 110_000 }],
    });
    expect(status).toBe(0);
  });

  test('without an agent anywhere it is said how to install one', async () => {
    await using world = await fleetWorld([{ name: 'node-1' }]);
    const { status, answered } = await nodes(world);
    expect(answered).toContain('no agent of drypull runs in this cluster');
    expect(status).toBe(2);
  });
});
