import { expect, test } from 'vitest';
import type { PullSecret } from '#kubelet/keyring.ts';
import type { PullSecrets } from '#kubernetes/pull-secrets.ts';
import { bareDemand } from '#config/image-demand.ts';
import { SecretReader } from '#agent/secret-reader.ts';
import { openLog } from '#output/log.ts';

const secret: PullSecret = { namespace: 'shop', name: 'hub', state: { is: 'unseen', why: 'not_given' } };
const demand = bareDemand('reg.test/app:1', [secret]);

function reader(setting: 'auto' | 'on' | 'off') {
  const asked: string[] = [];
  const lines: string[] = [];
  const clock = { ms: 0 };
  const cluster = { refuses: true };
  const forbidding: PullSecrets = {
    withSecrets: (wanted) => {
      const secrets = wanted.secrets.map((one): PullSecret => {
        if (one.state.is !== 'unseen' || one.state.why !== 'not_given') return one;
        asked.push(one.name);
        return { ...one, state: cluster.refuses ? { is: 'unseen', why: 'forbidden' } : { is: 'missing' } };
      });
      return Promise.resolve({ ...wanted, secrets });
    },
    close: () => undefined,
  };
  const log = openLog({ level: 'info', node: 'n', to: { write: (line) => lines.push(line) } });
  return {
    asked,
    lines,
    clock,
    cluster,
    read: new SecretReader(forbidding, { setting, now: () => new Date(clock.ms), log }),
  };
}

test('a refusal is remembered for ten minutes, and said once', async () => {
  const { read, asked, lines, clock } = reader('auto');
  for (const minutes of [0, 1, 9]) {
    clock.ms = minutes * 60_000;
    expect((await read.read(demand)).secrets[0]?.state).toEqual({ is: 'unseen', why: 'forbidden' });
  }
  expect(asked).toEqual(['hub']);
  clock.ms = 11 * 60_000;
  await read.read(demand);
  expect(asked).toEqual(['hub', 'hub']);
  expect(lines).toHaveLength(1);
});

test('one that could be read before is asked for again sooner, once', async () => {
  const { read, asked, clock, cluster } = reader('auto');
  cluster.refuses = false;
  await read.read(demand);
  cluster.refuses = true;
  for (const seconds of [1, 2, 80]) {
    clock.ms = seconds * 1000;
    expect((await read.read(demand)).secrets[0]?.state).toEqual({ is: 'unseen', why: 'forbidden' });
  }
  expect(asked).toHaveLength(2);
  for (const seconds of [100, 300, 600]) {
    clock.ms = seconds * 1000;
    await read.read(demand);
  }
  expect(asked).toHaveLength(3);
});

test('where it is wished for, each rehearsal asks', async () => {
  const { read, asked, lines } = reader('on');
  await read.read(demand);
  await read.read(demand);
  expect(asked).toEqual(['hub', 'hub']);
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['error']);
});

test('where it is switched off, nobody asks', async () => {
  const { read, asked } = reader('off');
  expect(await read.read(demand)).toBe(demand);
  expect(asked).toEqual([]);
});
