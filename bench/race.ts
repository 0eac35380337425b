/** Runs contestants side by side: one after the other in each round, the order turned around in every second one. */
import type { Grounds } from './fields.ts';
import { ratiosOf, spreadOf, type Race, type Runner } from './figures.ts';

export interface Contestant {
  readonly name: string;
  /** Not measured. */
  readonly prepare?: () => Promise<void>;
  readonly run: () => Promise<void>;
  /** Slow ones sit out after so many rounds. */
  readonly rounds?: number;
}

export interface Course {
  readonly name: string;
  readonly images: number;
  readonly rounds: number;
  readonly contestants: readonly [floor: Contestant, drypull: Contestant, ...others: Contestant[]];
  readonly grounds: Grounds;
  readonly heard: (line: string) => void;
}

interface Result {
  readonly times: number[];
  requests: number;
}

export async function race(course: Course): Promise<Race> {
  const { contestants, images, name } = course;
  const results = new Map<Contestant, Result>(contestants.map((one) => [one, { times: [], requests: 0 }]));
  for (let round = 0; round < course.rounds; round += 1) {
    course.heard(`${name}: round ${round + 1} of ${course.rounds}`);
    const running = contestants.filter(({ rounds = course.rounds }) => round < rounds);
    for (const one of round % 2 === 0 ? running : running.toReversed()) {
      await one.prepare?.();
      await course.grounds.requests();
      const startMs = performance.now();
      await one.run();
      const result = results.get(one);
      result?.times.push(performance.now() - startMs);
      if (result) result.requests = await course.grounds.requests();
    }
  }
  const timesOf = (one: Contestant): readonly number[] => results.get(one)?.times ?? [];
  const [floor, drypull] = contestants;
  const runners = contestants.map((one): Runner => {
    const times = timesOf(one);
    const against =
      one === drypull ? { toFloor: ratiosOf(times, timesOf(floor)) } : { toDrypull: ratiosOf(times, timesOf(drypull)) };
    const requestsPerImage = (results.get(one)?.requests ?? NaN) / images;
    return { name: one.name, ms: spreadOf(times), ...against, requestsPerImage };
  });
  return { name, images, runners };
}
