import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import { groupReports } from '#report/group-reports.ts';
import type { PullReport } from '#report/report.ts';
import type { SampledNode } from '#check/sample-nodes.ts';
import { failing, pulling } from '../kit/ledger.ts';

const untrusted: Fault = { code: 'tls.untrusted', host: 'mirror.internal', subject: '', issuer: '', trustedFrom: [] };
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.7', port: 443 };
const advice = { cause: '', remedy: '', owner: 'node' } as const;
const on = (node: string, fault?: Fault, image = 'web:1'): PullReport => ({
  ...(fault === undefined ? pulling({ image }) : failing({ image, fault, stage: 'tls', advice })),
  node,
});
const nodes = (...sketches: readonly [string, Partial<SampledNode>][]): ReadonlyMap<string, SampledNode> =>
  new Map(
    sketches.map(([name, over]) => [
      name,
      { name, labels: {}, architecture: 'amd64', runtime: 'containerd://2', ...over },
    ]),
  );
const shown = (reports: readonly PullReport[], fleet: ReadonlyMap<string, SampledNode>): unknown =>
  groupReports(reports, fleet).map(({ images, groups }) => [
    images,
    groups.map(({ is, fault, nodes: names, apart }) => [is, fault, names, apart]),
  ]);
const gpu = { labels: { pool: 'gpu' } };
const web = { labels: { pool: 'web' } };

describe('groupReports', () => {
  test.each<[string, readonly PullReport[], ReadonlyMap<string, SampledNode>, unknown]>([
    [
      'equal answers are one group; what pulls comes first',
      [on('b', refused), on('a'), on('c')],
      nodes(['a', {}], ['b', {}], ['c', {}]),
      [
        [
          ['web:1'],
          [
            ['pulls', '', ['a', 'c'], ''],
            ['fails', 'tcp.refused at 10.0.0.7', ['b'], ''],
          ],
        ],
      ],
    ],
    [
      'a pool tells the groups apart, where it is all of the group and nobody else',
      [on('a'), on('b', untrusted), on('c', untrusted)],
      nodes(['a', web], ['b', gpu], ['c', gpu]),
      [
        [
          ['web:1'],
          [
            ['pulls', '', ['a'], 'pool=web'],
            ['fails', 'tls.untrusted at mirror.internal', ['b', 'c'], 'pool=gpu'],
          ],
        ],
      ],
    ],
    [
      'a pool that is on both sides tells nothing',
      [on('a'), on('b', untrusted)],
      nodes(['a', gpu], ['b', gpu]),
      [
        [
          ['web:1'],
          [
            ['pulls', '', ['a'], ''],
            ['fails', 'tls.untrusted at mirror.internal', ['b'], ''],
          ],
        ],
      ],
    ],
    [
      'the architecture does where the pool does not',
      [on('a'), on('b', untrusted)],
      nodes(['a', web], ['b', { ...web, architecture: 'arm64' }]),
      [
        [
          ['web:1'],
          [
            ['pulls', '', ['a'], 'arch=amd64'],
            ['fails', 'tls.untrusted at mirror.internal', ['b'], 'arch=arm64'],
          ],
        ],
      ],
    ],
    [
      'images of which the same holds are one line',
      [on('a'), on('a', undefined, 'cart:2'), on('a', refused, 'mail:3')],
      nodes(['a', {}]),
      [
        [['web:1', 'cart:2'], [['pulls', '', ['a'], '']]],
        [['mail:3'], [['fails', 'tcp.refused at 10.0.0.7', ['a'], '']]],
      ],
    ],
    ['no reports', [], nodes(), []],
  ])('%s', (_what, reports, fleet, expected) => {
    expect(shown(reports, fleet)).toEqual(expected);
  });

  test('the same image asked for in two ways is two lines', () => {
    const always = { ...on('a', refused), policy: 'Always' } as const;
    expect(groupReports([on('a'), always], nodes(['a', {}]))).toHaveLength(2);
  });
});
