/**
 * A tag was gone for a while and came back with the same content: publishers announce a removal this way (Bitnami's brown-outs of
 * 24 hours in August and September 2025).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { cameBack, type Absence } from '#forecast/history/absences.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagFlickers: ImageRule = {
  name: 'tag-flickers',
  meta: {
    title: 'A tag disappeared and came back',
    why: 'Publishers announce the removal of a tag by brown-outs: it is gone for a day and comes back. Bitnami did so in August and September 2025.',
    needs: 'History: an agent that ran while the tag was gone.',
    remedy: 'Ask the publisher; copy the image to a registry of your own, or use a tag that stays.',
  },
  evaluate,
};

const dayMs = 24 * 3_600_000;
/** An absence that did not repeat for this long was an accident. */
const onceMs = 7 * dayMs;
/** Announced brown-outs were at most a month apart. */
const longestMs = 30 * dayMs;

function evaluate({ demand, rehearsal, history, now }: ImageFacts): readonly Prediction[] {
  const before = valueAt(history.absences, demand.written);
  const ending = rehearsal.attempts.at(-1)?.ending;
  const known = before !== undefined && ending?.is === 'pulled' ? cameBack(before, ending.content.digest) : before;
  const last = known?.over.at(-1);
  if (!demand.image.ok || known === undefined || last === undefined) return [];
  const nowMs = now.getTime();
  const periodMs = periodOf(known.over);
  if (nowMs - last.toMs > Math.min(periodMs === undefined ? onceMs : 3 * periodMs, longestMs)) return [];
  const { runtime } = demand.image.value;
  const times = known.over.length;
  const next =
    periodMs === undefined
      ? {}
      : {
          withinS: Math.max(0, Math.round((last.fromMs + periodMs - nowMs) / 1000)),
          assuming: 'it disappears at the same interval as before',
        };
  return [
    {
      about: runtime,
      fault: last.fault,
      likelihood: times > 1 ? 'likely' : 'possible',
      effect: 'fails',
      ...next,
      because: `${runtime} was gone ${times === 1 ? 'once' : `${times} times`} and came back unchanged, last from ${minuteText(last.fromMs)} to ${minuteText(last.toMs)} (${last.fault})`,
      remedy: `Ask its publisher whether it will be removed; copy it to a registry of your own, or use a tag that stays.`,
    },
  ];
}

/** The median time from one start to the next; undefined for a single absence. */
function periodOf(over: readonly Absence[]): number | undefined {
  const apart = over.slice(1).map(({ fromMs }, index) => fromMs - (over[index]?.fromMs ?? fromMs));
  return apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)];
}
