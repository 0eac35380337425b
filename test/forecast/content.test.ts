/** Rules about content, by facts alone: when they speak, when they are silent, and when they say that they cannot tell. */
import { describe, expect, test } from 'vitest';
import { deprecatedRegistries } from '#forecast/registry/deprecated-registries.ts';
import { deprecationOf } from '#forecast/registry/deprecation.ts';
import { likelihoods, threatens, type Forecast } from '#forecast/forecast.ts';
import type { Fault } from '#report/fault.ts';
import type { Image } from '#image/reference.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { planPull } from '#runtime/containerd/plan.ts';
import type { Content, Exchange, Attempt, Rehearsal } from '#report/rehearsal.ts';
import type { NodeView } from '#node/view.ts';
import { forecastImage } from '#forecast/rules.ts';
import { exchange, good, healthy } from '../kit/exchanges.ts';
import { demandFor, nodeOf } from '../kit/stage.ts';
import type { Demand } from '#kubelet/demand.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const written = 'reg.test/team/app:v1';
const [a, b, c] = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string, string];
const day = 24 * 3_600_000;

interface Sketch {
  readonly written?: string;
  readonly demand?: Partial<Demand>;
  readonly view?: Partial<NodeView>;
  readonly content?: Partial<Content>;
  readonly fault?: Fault;
  readonly exchanges?: readonly Exchange[];
  readonly history?: Partial<NodeHistory>;
  readonly now?: Date;
}

function predicted(rule: string, sketch: Sketch): readonly Forecast[] {
  const demand = { ...demandFor(sketch.written ?? written), ...sketch.demand };
  const view = { ...nodeOf(), ...sketch.view };
  const plan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
  const attempt = withEnding(healthy('reg.test', 'team/app'), sketch);
  const rehearsal: Rehearsal = { attempts: [attempt], evidence: [], ms: 1 };
  const history = { ...emptyNodeHistory, ...sketch.history };
  const all = forecastImage({ now: sketch.now ?? now, view, demand, plan, rehearsal, history });
  return all.filter((forecast) => forecast.rule === rule);
}

function withEnding(attempt: Attempt, { content, fault, exchanges = attempt.exchanges }: Sketch): Attempt {
  if (fault !== undefined)
    return { ...attempt, exchanges, ending: { is: 'failed', fault, stage: 'manifest', shown: '' } };
  if (attempt.ending.is !== 'pulled') return attempt;
  const pulled = { ...attempt.ending.content, digest: a, ...content };
  return { ...attempt, exchanges, ending: { is: 'pulled', content: pulled } };
}

const gone: Fault = { code: 'manifest.unknown_tag', image: written, host: 'reg.test', message: '' };
const tags = { [written]: { digest: b, sinceMs: now.getTime() - day, seenMs: now.getTime() - 3_600_000 } };

describe('tag-moved', () => {
  const found = (sketch: Sketch) => predicted('tag-moved', sketch);

  test('a tag that leads elsewhere than what runs', () => {
    const [forecast, ...more] = found({ demand: { running: [b] } });
    expect(more).toEqual([]);
    expect(forecast).toMatchObject({
      fault: 'manifest.tag_moved',
      likelihood: 'certain',
      effect: 'none',
      about: written,
    });
    expect(forecast?.remedy).toContain(`pin reg.test/team/app@${b}`);
    expect(forecast === undefined ? true : threatens(forecast)).toBe(false);
  });

  test('an image that is on the node and need not be asked for moves under the next node', () => {
    expect(found({ demand: { running: [b], policy: 'IfNotPresent', present: 'yes' } })).toMatchObject([
      { likelihood: 'possible' },
    ]);
  });

  test('some containers have the new content already', () => {
    expect(found({ demand: { running: [b, a] } })[0]?.because).toContain('others already have the new content');
  });

  test('since when, where that was seen', () => {
    const seen = { [written]: { digest: a, sinceMs: now.getTime() - day, seenMs: now.getTime() } };
    expect(found({ demand: { running: [b] }, history: { tags: seen } })[0]?.because).toContain(
      'since 2026-03-03 12:00 UTC at the latest',
    );
  });

  test.each<readonly [string, Sketch]>([
    ['what runs is what the tag leads to', { demand: { running: [a] } }],
    ['nothing runs', {}],
    ['a digest is asked for', { written: `reg.test/team/app@${a}`, demand: { running: [b] } }],
    ['the pull fails', { demand: { running: [b] }, fault: gone }],
    ['the digest is not known', { demand: { running: [b] }, content: { digest: '' } }],
  ])('silent where %s', (_, sketch) => {
    expect(found(sketch)).toEqual([]);
  });
});

describe('tag-vanished', () => {
  const found = (sketch: Sketch) => predicted('tag-vanished', sketch);

  test.each<readonly [string, Sketch, Partial<Forecast>]>([
    [
      'what runs cannot be started again',
      { fault: gone, demand: { running: [b] } },
      { likelihood: 'certain', withinS: 0 },
    ],
    ['what was there an hour ago', { fault: gone, history: { tags } }, { likelihood: 'certain', withinS: 0 }],
    [
      'what is on the node starts here still',
      { fault: gone, demand: { running: [b], policy: 'IfNotPresent', present: 'yes' } },
      { likelihood: 'likely' },
    ],
  ])('%s', (_, sketch, forecast) => {
    expect(found(sketch)).toMatchObject([{ ...forecast, effect: 'fails', fault: 'manifest.unknown_tag' }]);
  });

  test.each<readonly [string, Sketch]>([
    ['nobody ever saw it', { fault: gone }],
    ['it pulls', { demand: { running: [a] }, history: { tags } }],
    ['the registry is down', { fault: { code: 'tcp.refused', address: '10.0.0.1', port: 443 }, history: { tags } }],
  ])('silent where %s', (_, sketch) => {
    expect(found(sketch)).toEqual([]);
  });
});

describe('tag-flickers', () => {
  const absence = (daysAgo: number) => ({
    fromMs: now.getTime() - daysAgo * day,
    toMs: now.getTime() - (daysAgo - 1) * day,
    fault: 'manifest.unknown_tag' as const,
  });
  const found = (...ago: readonly number[]) =>
    predicted('tag-flickers', { history: { absences: { [written]: { over: ago.map(absence) } } } });

  test('one absence is a warning without a time', () => {
    expect(found(3)).toMatchObject([{ likelihood: 'possible', effect: 'fails' }]);
    expect(found(3)[0]).not.toHaveProperty('withinS');
  });

  test('several tell when the next one would begin', () => {
    expect(found(12, 7, 2)).toMatchObject([
      { likelihood: 'likely', withinS: 3 * 86_400, assuming: 'it disappears at the same interval as before' },
    ]);
    expect(found(13, 7)).toMatchObject([{ withinS: 0 }]);
  });

  test.each([
    ['a single one is over for a week', [9]],
    ['it stayed three times as long as before', [12, 11, 10]],
    ['they are over for a month', [60, 40]],
    ['there was none', []],
  ] as const)('silent where %s', (_, ago) => {
    expect(found(...ago)).toEqual([]);
  });

  test('the one that goes on is the verdict’s', () => {
    const open = { fromMs: 0, toMs: 1, fault: 'manifest.unknown_tag' as const, digest: b };
    expect(
      predicted('tag-flickers', { fault: gone, history: { absences: { [written]: { over: [], open } } } }),
    ).toEqual([]);
  });
});

describe('platform-lacking', () => {
  const both = { clusterPlatforms: ['linux/amd64', 'linux/arm64'] };
  const found = (sketch: Sketch) => predicted('platform-lacking', sketch);

  test('no build for what other nodes are', () => {
    expect(found({ view: both, content: { offered: ['linux/amd64'] } })).toMatchObject([
      { fault: 'manifest.no_platform', likelihood: 'possible', effect: 'none', about: written },
    ]);
  });

  test.each<readonly [string, Sketch]>([
    ['all have one', { view: both, content: { offered: ['linux/amd64', 'linux/arm64'] } }],
    ['variants go without saying', { view: both, content: { offered: ['linux/amd64', 'linux/arm64/v8'] } }],
    ['nobody said what other nodes are', { content: { offered: ['linux/amd64'] } }],
    [
      'other nodes are as this one',
      { view: { clusterPlatforms: ['linux/amd64'] }, content: { offered: ['linux/amd64'] } },
    ],
    ['there is no index', { view: both }],
    [
      'its Pods land on no such node',
      { view: both, content: { offered: ['linux/amd64'] }, demand: { architectures: ['amd64'] } },
    ],
    [
      'the list is no list of platforms',
      { view: { clusterPlatforms: ['', 'x/y/z/w', '\u0000'] }, content: { offered: ['linux/amd64'] } },
    ],
  ])('silent where %s', (_, sketch) => {
    expect(found(sketch)).toEqual([]);
  });

  test('where the index was not read for the quota’s sake, it cannot be told', () => {
    const shallow = { depth: 'resolved', mediaType: 'application/vnd.oci.image.index.v1+json' } as const;
    expect(found({ view: both, content: shallow })).toMatchObject([{ likelihood: 'unknown' }]);
    expect(found({ content: shallow })).toEqual([]);
    expect(
      found({ view: both, content: { ...shallow, mediaType: 'application/vnd.oci.image.manifest.v1+json' } }),
    ).toEqual([]);
  });
});

describe('registry-deprecated', () => {
  const found = (image: string, sketch: Sketch = {}) => predicted('registry-deprecated', { ...sketch, written: image });

  test.each<readonly [string, Partial<Forecast>]>([
    ['k8s.gcr.io/pause:3.9', { effect: 'none', likelihood: 'possible' }],
    ['docker.io/bitnamilegacy/redis:7', { effect: 'none', likelihood: 'possible' }],
    ['openjdk:17', { effect: 'none', likelihood: 'possible' }],
    ['bitnami/redis:7', { effect: 'fails', likelihood: 'likely', fault: 'manifest.unknown_tag' }],
    ['gcr.io/kubebuilder/kube-rbac-proxy:v0.13.1', { effect: 'fails', likelihood: 'likely' }],
    ['docker.pkg.github.com/a/b/c:1', { effect: 'fails', likelihood: 'likely' }],
    ['mcr.azureedge.net/dotnet/sdk:8.0', { effect: 'fails', likelihood: 'possible' }],
  ])('%s', (image, forecast) => {
    expect(found(image)).toMatchObject([forecast]);
  });

  test.each([
    'gcr.io/distroless/static:nonroot',
    'bitnami/redis',
    'registry.k8s.io/pause:3.10',
    'bitnamiother/redis:7',
    'reg.test/docker.io/bitnami/redis:7',
    'nginx:1.29',
  ])('%s pulls, and nothing is said', (image) => {
    expect(found(image)).toEqual([]);
  });

  test('before the day it says how long is left', () => {
    const may = new Date('2025-09-19T00:00:00Z');
    expect(found('bitnami/redis:7', { now: may })).toMatchObject([{ withinS: 10 * 86_400 }]);
    expect(found('gcr.io/distroless/static:nonroot', { now: new Date('2025-03-08T00:00:00Z') })).toMatchObject([
      { withinS: 10 * 86_400, likelihood: 'possible' },
    ]);
  });

  test('what fails as a closed registry does is explained; what fails otherwise is not', () => {
    expect(found('gcr.io/old-project/app:1', { fault: gone })).toMatchObject([{ likelihood: 'certain', withinS: 0 }]);
    expect(
      found('gcr.io/old-project/app:1', {
        fault: { code: 'api.rate_limited', host: 'gcr.io', status: 429, limit: { scope: 'burst' }, message: '' },
      }),
    ).toEqual([]);
  });

  test('a registry that is not there is explained by its end, a namespace of one that lives is not', () => {
    const fault = { code: 'dns.not_found', host: 'h', server: '10.0.0.2:53', asked: [] } as const;
    expect(found('docker.pkg.github.com/a/b/c:1', { fault })).toMatchObject([{ likelihood: 'certain' }]);
    expect(found('bitnami/redis:7', { fault })).toEqual([]);
    expect(found('gcr.io/old-project/app:1', { fault })).toEqual([]);
  });

  test.each(deprecatedRegistries.map((row) => [row.place, row] as const))(
    'the row of %s has a day, a source and a way out',
    (_, row) => {
      expect(Date.parse(row.since)).not.toBeNaN();
      expect(row.source).toMatch(/^https:\/\/[^\s]+$/);
      expect(Math.min(row.what.length, row.instead.length)).toBeGreaterThan(5);
      expect(deprecationOf(`${row.place}/x`)).toBe(row);
    },
  );

  test('the most exact row counts', () => {
    expect(deprecationOf('gcr.io/kubebuilder/kube-rbac-proxy')?.fate).toBe('closed');
    expect(deprecationOf('gcr.io/kubebuilders/x')?.fate).toBe('succeeded');
  });
});

describe('registry-announces', () => {
  const logged = (...announcements: readonly string[]): Exchange =>
    exchange('resolve', 'https://reg.test/v2/', { outcome: good({ status: 200, bytes: 0, announcements }) });

  test('each host once, with all that it says, and no verdict changes', () => {
    const found = predicted('registry-announces', { exchanges: [logged('a'), logged('a', 'b')] });
    expect(found).toMatchObject([{ about: 'reg.test', effect: 'none', because: 'reg.test announces: “a”, “b”' }]);
  });

  test('silent where nothing is announced', () => {
    expect(predicted('registry-announces', {})).toEqual([]);
  });
});

test('every likelihood is one of the four, and every word is said', () => {
  const all = [
    ...predicted('tag-moved', { demand: { running: [b, c] } }),
    ...predicted('tag-vanished', { fault: gone, history: { tags } }),
  ];
  expect(all).toHaveLength(2);
  for (const { likelihood, because, remedy } of all) {
    expect(likelihoods).toContain(likelihood);
    expect(Math.min(because.length, remedy.length)).toBeGreaterThan(10);
  }
});
