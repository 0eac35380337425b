/**
 * `npm run bench -- fleet`: a fleet behind one address on virtual time, with the pace code that the agent runs. Prints what each
 * registry would see at the worst, and fails where that is above its budget.
 */
import { minuteMs, mirrored, ordinary, simulate, type Story, type Told } from '../test/kit/fleet.ts';

const hourMs = 60 * minuteMs;
const sizes = [1, 20, 100, 1_000, 5_000, 50_000];

/** True where every budget was held. */
export function fleet(write: (text: string) => void): boolean {
  let held = true;
  for (const nodes of sizes) {
    const began = performance.now();
    const shown = simulate({
      nodes,
      registries: ordinary,
      forMs: (nodes > 10_000 ? 5 : 8) * hourMs,
      rollOutMs: 2 * hourMs,
      outage: [3 * hourMs, 3.5 * hourMs],
      newImagesMs: 4 * hourMs,
    });
    held &&= holds(shown);
    write(print(nodes, shown, (performance.now() - began) / 1000));
  }
  return [together(write), mirrorFails(write), held].every(Boolean);
}

/** The same with turns that are booked together, by agents whose clocks are wrong by up to ten minutes. */
function together(write: (text: string) => void): boolean {
  let held = true;
  for (const nodes of [20, 100, 1_000, 5_000, 50_000]) {
    const hours = nodes > 10_000 ? 1 : 8;
    const story: Story = {
      nodes,
      registries: ordinary,
      forMs: hours * hourMs,
      rollOutMs: hourMs / 4,
      newImagesMs: hourMs / 2,
    };
    const began = performance.now();
    const apart = simulate(story);
    const shown = simulate({ ...story, together: true, skewMs: 10 * minuteMs });
    held &&= holds(shown);
    write('Turns booked together.\n');
    write(print(nodes, shown, (performance.now() - began) / 1000));
    for (const budgetKey of ['docker.io', 'quay.io', 'public.ecr.aws']) {
      const [without, withTurns] = [apart, shown].map(
        ({ seenAt }) => `${((seenAt[budgetKey] ?? 0) * 100).toFixed(1)} %`,
      );
      write(`  ${budgetKey.padEnd(24)} ${withTurns} of its images rehearsed in ${hours} hours, ${without} without\n`);
    }
    const { perSecond, worstPerSecond } = shown.turnCalls;
    write(
      `  ${perSecond.toFixed(2)} API server calls a second for turns, ${worstPerSecond.toFixed(2)} in the worst minute\n\n`,
    );
  }
  return held;
}

/** Everything behind one mirror, which answers 500 for an hour: how many could not be told at its end, and two hours later. */
function mirrorFails(write: (text: string) => void): boolean {
  const nodes = 5_000;
  const story: Story = { nodes, registries: mirrored, forMs: 3 * hourMs, mirrorsFail: [2 * hourMs, 3 * hourMs] };
  const began = performance.now();
  const during = simulate(story);
  const shown = simulate({ ...story, forMs: 5 * hourMs });
  write('A mirror in front of all registries fails for an hour.\n');
  write(print(nodes, shown, (performance.now() - began) / 1000));
  const [then, later] = [during, shown].map(({ open }) => `${(open * 100).toFixed(1)} %`);
  write(`  ${then} of the verdicts open when it serves again, ${later} two hours later\n\n`);
  return holds(shown);
}

function holds({ peaks }: Told): boolean {
  return peaks.every(({ perMinute, budget }) => perMinute <= budget);
}

function print(nodes: number, shown: Told, tookS: number): string {
  const rows = shown.peaks.map(({ budgetKey, perMinute, budget }) => {
    const verdict = perMinute <= budget ? 'held' : 'ABOVE';
    return `  ${budgetKey.padEnd(24)} ${String(perMinute).padStart(6)} of ${String(budget).padStart(5)} requests a minute at the peak   ${verdict}`;
  });
  const rest = [
    `${shown.requests.toLocaleString('en')} requests in all`,
    `${shown.handshakesPerSecond} connections in the worst second`,
    `${shown.apiCallsPerSecond.toFixed(2)} API server calls a second for the size of the fleet`,
    `${(shown.seen * 100).toFixed(1)} % of the images rehearsed over HTTP, all others by their doors`,
  ];
  const title = `${nodes.toLocaleString('en')} ${nodes === 1 ? 'node' : 'nodes'} (${tookS.toFixed(1)} s)`;
  return [title, ...rows, ...rest.map((line) => `  ${line}`), ''].join('\n') + '\n';
}
