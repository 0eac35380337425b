/** What a running program has read, remembered by whoever looked while it was still so. */
import { describe, expect, test } from 'vitest';
import { AtStart, type Was } from '#node/at-start.ts';
import type { Running } from '#node/processes.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

const running: Running = { pid: 7, args: [], ticks: '100', startedMs: 1000 };
const pems = (text: string) => [{ path: '/bundle', pem: text }];

type Look = readonly [of: string, text: string, isOld: boolean, by?: Running];

/** The last of some looks. */
function last(...looks: readonly Look[]): Was<unknown> {
  const { roots } = new AtStart();
  const found = looks.map(([of, text, isOld, by = running]) => roots.compare(by, { of, value: pems(text), isOld }));
  return found.at(-1) ?? { is: 'unknown' };
}

describe('what a process has read', () => {
  const other = { is: 'other', value: pems('a') };
  const bare: Running = { pid: 7, args: [] };
  test.each<[string, readonly Look[], unknown]>([
    ['is what lies there where nothing is newer', [['x', 'a', true]], { is: 'same' }],
    ['is not known to one who came too late', [['x', 'a', false]], { is: 'unknown' }],
    [
      'stays not known to that one',
      [
        ['x', 'a', false],
        ['x', 'b', false],
      ],
      { is: 'unknown' },
    ],
    [
      'is remembered when the file changes',
      [
        ['x', 'a', true],
        ['x', 'b', false],
      ],
      other,
    ],
    [
      'is remembered when an older file takes its place',
      [
        ['x', 'a', true],
        ['x', 'b', true],
      ],
      other,
    ],
    [
      'is what lies there where the file was only touched',
      [
        ['x', 'a', true],
        ['x', 'a', false],
      ],
      { is: 'same' },
    ],
    [
      'is what lies there once the change is taken back',
      [
        ['x', 'a', true],
        ['x', 'b', false],
        ['x', 'a', false],
      ],
      { is: 'same' },
    ],
    [
      'is not what another process had read',
      [
        ['x', 'a', true],
        ['x', 'b', false, { ...running, ticks: '900' }],
      ],
      { is: 'unknown' },
    ],
    [
      'begins anew with a process of the same number',
      [
        ['x', 'a', true],
        ['x', 'b', true, { ...running, ticks: '900' }],
      ],
      { is: 'same' },
    ],
    [
      'outlives a clock that is set',
      [
        ['x', 'a', true],
        ['x', 'b', false, { ...running, startedMs: 5 }],
      ],
      other,
    ],
    [
      'is held for each way in which it was read',
      [
        ['x', 'a', true],
        ['y', 'b', true],
        ['x', 'b', false],
      ],
      other,
    ],
    [
      'cannot be held of a process whose start is not told',
      [
        ['x', 'a', true, bare],
        ['x', 'b', true, bare],
      ],
      { is: 'same' },
    ],
  ])('%s', (_, looks, expected) => {
    expect(last(...looks)).toEqual(expected);
  });

  test('is held in a few ways at most, and the first stay', () => {
    const many = Array.from({ length: 9 }, (_, i): Look => [String(i), 'a', true]);
    expect(last(...many, ['0', 'b', false])).toEqual(other);
    expect(last(...many, ['8', 'b', false])).toEqual({ is: 'unknown' });
  });
});

describe("the kubelet's settings", () => {
  const old = new Date('2026-01-01T00:00:00Z');
  const tree = (qps: number, modified?: Date): NodeTree => ({
    'proc/stat': `btime ${old.getTime() / 1000 + 60}\n`,
    'proc/8/comm': 'kubelet\n',
    'proc/8/cmdline': 'kubelet\0--config=/etc/kubelet.yaml\0',
    'proc/8/stat': `8 (kubelet) S ${'0 '.repeat(18)}100 0`,
    'etc/kubelet.yaml': { text: `registryPullQPS: ${qps}\n`, ...(modified === undefined ? {} : { modified }) },
  });

  test('are those that it started with, as far as somebody looked in time', async () => {
    await using root = await nodeRoot(tree(1, old));
    const atStart = new AtStart();
    const qps = async (memory: AtStart): Promise<unknown> => {
      const view = await readNode({ hostRoot: root.path, kubelet: { home: '' }, now: old, atStart: memory });
      return view.kubelet.config?.ok === true ? view.kubelet.config.value.registryPullQps : undefined;
    };
    expect(await qps(atStart)).toBe(1);
    await root.add(tree(9));
    expect(await qps(atStart)).toBe(1);
    expect(await qps(new AtStart())).toBe(9);
  });
});
