/** A node whose clock is wrong: signed URLs and tokens fail first, then certificates. */
import type { ImageFacts } from '#pull/facts.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const clockSkews: ImageRule = { name: 'clock-skews', foresee };

/** Signed requests and token services refuse a difference of five minutes (AWS Signature Version 4). */
const tolerableS = 240;

function foresee({ rehearsal }: ImageFacts): readonly Foreseen[] {
  const aheads = rehearsal.performances.flatMap(({ exchanges }) =>
    exchanges.flatMap(({ outcome }) =>
      outcome.ok && outcome.value.clockAheadS !== undefined ? [outcome.value.clockAheadS] : [],
    ),
  );
  const median = aheads.toSorted((a, b) => a - b)[Math.floor(aheads.length / 2)];
  if (median === undefined || Math.abs(median) < tolerableS) return [];
  return [
    {
      about: 'the clock',
      fault: 'tls.not_yet_valid',
      likelihood: 'possible',
      effect: 'fails',
      because: `the registries' clocks are ${Math.abs(median)} s ${median > 0 ? 'ahead of' : 'behind'} this node's`,
      remedy: "Check the node's time synchronisation (chronyd, systemd-timesyncd).",
    },
  ];
}
