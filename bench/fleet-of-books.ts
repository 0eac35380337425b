/** Smaller fleets whose agents have their real books: what re-tries, knocks and back-off add when registries and mirrors fail and mend. */
import { simulateBooks, type BooksTold, type BookStory, type Episode } from '../test/kit/fleet-of-books.ts';
import { minuteMs, mirrored, ordinary } from '../test/kit/fleet.ts';

const hourMs = 60 * minuteMs;
const mirror = 'mirror.corp.internal';

function everywhere(is: Episode['is'], fromMs: number): readonly Episode[] {
  return ordinary.map(({ budgetKey: host }) => ({ host, is, fromMs, toMs: fromMs + hourMs / 2 }));
}

const registriesFail = ['shut', 'broken', 'limiting', 'gone'] as const;
const stories: readonly (readonly [title: string, story: Omit<BookStory, 'nodes'>])[] = [
  [
    'all registries are shut, answer 503, 429 and 404, half an hour each',
    {
      registries: ordinary,
      forMs: 5 * hourMs,
      episodes: registriesFail.flatMap((is, i) => everywhere(is, (i + 0.5) * hourMs)),
    },
  ],
  [
    'the mirror in front of all of them answers 404, then 503, then does not open',
    {
      registries: mirrored,
      forMs: 4 * hourMs,
      episodes: [
        { host: mirror, is: 'gone', fromMs: hourMs, toMs: 1.5 * hourMs },
        { host: mirror, is: 'broken', fromMs: 2 * hourMs, toMs: 2.5 * hourMs },
        { host: mirror, is: 'shut', fromMs: 3 * hourMs, toMs: 3.25 * hourMs },
      ],
    },
  ],
];

/** True where every budget was held. */
export async function fleetOfBooks(write: (text: string) => void): Promise<boolean> {
  let held = true;
  for (const nodes of [1, 100, 500]) {
    for (const [title, story] of stories) {
      const shown = await simulateBooks({ ...story, nodes });
      held &&= shown.peaks.every(({ perMinute, budget }) => perMinute <= budget);
      write(print(`${nodes} with their books: ${title}`, shown));
    }
  }
  return held;
}

function print(title: string, { peaks, requests, probes, early, verdicts }: BooksTold): string {
  const rows = peaks.map(({ budgetKey, perMinute, budget }) => {
    const verdict = perMinute <= budget ? 'held' : 'ABOVE';
    return `  ${budgetKey.padEnd(24)} ${String(perMinute).padStart(6)} of ${String(budget).padStart(5)} requests a minute at the peak   ${verdict}`;
  });
  const ends = Object.entries(verdicts).map(([name, count]) => `${count} ${name}`);
  const rest = [
    `${requests.toLocaleString('en')} requests, ${probes.toLocaleString('en')} knocks, ${early.toLocaleString('en')} rehearsals out of turn`,
    `at the end: ${ends.join(', ')}`,
  ];
  return [title, ...rows, ...rest.map((line) => `  ${line}`), ''].join('\n') + '\n';
}
