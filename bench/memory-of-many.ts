/** A process that rehearses ten thousand pulls and tells its parent how much memory it holds on the way. Needs --expose-gc. */
import { layoutFrom } from './fields.ts';
import { Rehearsing } from './rehearsing.ts';

export interface Holding {
  readonly rehearsals: number;
  readonly residentBytes: number;
  /** After a collection: what is really held. */
  readonly heapBytes: number;
}

export const marks = [200, 2_000, 10_000] as const;

if (process.send) {
  const [root = '', layoutFile = ''] = process.argv.slice(2);
  const { targets } = (await layoutFrom(layoutFile)).fields.near;
  const rehearsing = new Rehearsing(root, targets);
  let done = 0;
  for (const mark of marks) {
    for (; done < mark; done += targets.length) await rehearsing.pass();
    await globalThis.gc?.({ type: 'major', execution: 'async' });
    const { rss, heapUsed } = process.memoryUsage();
    process.send({ rehearsals: done, residentBytes: rss, heapBytes: heapUsed } satisfies Holding);
  }
  process.disconnect();
}
