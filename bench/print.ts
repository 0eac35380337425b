/** The figures as a table for people. */
import type { Figures, Race, Runner, Spread } from './figures.ts';
import { imagesOfPods, podsOnNode, type OnCluster } from './pods.ts';

export const goals = {
  ratio: 1.15,
  residentBytes: 80 * 1024 ** 2,
  onCluster: { residentBytes: 100 * 1024 ** 2, shareOfCore: 0.01 },
};

export function print(figures: Figures): string {
  const { roundTripMs, atOnce, perRegistry, races, firstVerdict: first, daemon, holding, guarded } = figures;
  const at = `round trip ${roundTripMs} ms, ${atOnce} images at a time, ${perRegistry} connections a registry`;
  const facts: readonly (readonly [string, string])[] = [
    [
      'behind a token service, one repository',
      `${guarded.first.toFixed(2)} requests an image, ${guarded.later.toFixed(2)} in a later pass`,
    ],
    [
      'start to first verdict (bundle)',
      `${ms(first.drypullMs)}${first.skopeoMs === undefined ? '' : `; skopeo inspect ${ms(first.skopeoMs)}`}; node alone ${ms(first.nodeMs)}`,
    ],
    ...holding.map(({ rehearsals, residentBytes, heapBytes }): readonly [string, string] => [
      `after ${rehearsals.toLocaleString('en')} rehearsals (sources)`,
      `${mib(heapBytes)} of heap, ${mib(residentBytes)} resident`,
    ]),
    [
      'agent, bundled, after 200 images',
      `${mib(daemon.residentBytes.first)} resident${goal(daemon.residentBytes.first / goals.residentBytes, 'goal 80 MiB')}`,
    ],
    [
      'agent, some passes later',
      `${mib(daemon.residentBytes.later)} resident, ${mib(daemon.privateBytes)} of it its own; peak ${mib(daemon.residentBytes.peak)}`,
    ],
    [
      'agent, processor time',
      `${daemon.cpuMsPerPass.toFixed(0)} ms a pass: ${(daemon.shareOfCore * 100).toFixed(2)} % of a core every 5 minutes`,
    ],
    ...clusterFacts(figures.onCluster),
    ['a scrape of /metrics', `${(daemon.scrapeBytes / 1024).toFixed(1)} KiB`],
    ['the bundle', `${(daemon.bundleBytes / 1024).toFixed(0)} KiB`],
  ];
  const width = Math.max(...facts.map(([what]) => what.length));
  const rest = facts.map(([what, value]) => `${what.padEnd(width)}  ${value}`);
  return [at, '', ...races.flatMap((race) => [...table(race), '']), ...rest, ''].join('\n');
}

function clusterFacts({
  residentBytes,
  privateBytes,
  podBytes,
  ...one
}: OnCluster): readonly (readonly [string, string])[] {
  const { residentBytes: most, shareOfCore } = goals.onCluster;
  const met = goal(Math.max(residentBytes.first, residentBytes.later) / most, 'goal 100 MiB');
  return [
    [
      `agent on a node of ${podsOnNode} Pods (${mib(podBytes)}), ${imagesOfPods} images`,
      `${mib(residentBytes.first)} resident after the first pass, ${mib(residentBytes.later)} after three more${met}`,
    ],
    ['  its peak', `${mib(residentBytes.peak)}; ${mib(privateBytes)} of what is resident its own`],
    [
      '  its processor time',
      `${one.cpuMsPerPass.toFixed(0)} ms a pass: ${(one.shareOfCore * 100).toFixed(2)} % of a core every 5 minutes${goal(one.shareOfCore / shareOfCore, 'goal 1 %')}`,
    ],
  ];
}

const columns = ['', 'median', 'min–max', 'against the floor', 'against drypull', 'requests/image'];

function table({ name, runners }: Race): readonly string[] {
  const rows = [columns, ...runners.map(row)];
  const widths = columns.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
  return [name, ...lines.map((line) => `  ${line}`)];
}

function row({ name, ms: time, toDrypull, toFloor, requestsPerImage }: Runner): string[] {
  return [
    name,
    ms(time.median),
    `${(time.least / 1000).toFixed(2)}–${(time.most / 1000).toFixed(2)} s`,
    toFloor === undefined ? '' : `${ratio(toFloor)}${goal(toFloor.median / goals.ratio, `goal ${goals.ratio}`)}`,
    toDrypull === undefined ? '' : ratio(toDrypull),
    requestsPerImage.toFixed(2),
  ];
}

function goal(share: number, text: string): string {
  return ` (${text}: ${share <= 1 ? 'met' : 'MISSED'})`;
}

function ratio({ median, least, most }: Spread): string {
  return least === most ? `${median.toFixed(2)}×` : `${median.toFixed(2)}× [${least.toFixed(2)}–${most.toFixed(2)}]`;
}

function ms(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(2)} s`;
}

function mib(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
