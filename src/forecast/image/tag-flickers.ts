/**
 * A tag that was gone for a while and came back with the same content: so publishers announce that they will remove it
 * (Bitnami's brown-outs of 24 hours in August and September 2025).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { cameBack, type Absence } from '#forecast/history/absences.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagFlickers: ImageRule = { name: 'tag-flickers', evaluate };

const dayMs = 24 * 3_600_000;
/** One that was not repeated for so long was an accident. */
const onceMs = 7 * dayMs;
/** A month is the longest that announced brown-outs came apart. */
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
          assuming: 'it goes away as far apart as before',
        };
  return [
    {
      about: runtime,
      fault: last.fault,
      likelihood: times > 1 ? 'likely' : 'possible',
      effect: 'fails',
      ...next,
      because: `${runtime} was gone ${times === 1 ? 'once' : `${times} times`} and came back the same, last from ${minuteText(last.fromMs)} to ${minuteText(last.toMs)} (${last.fault})`,
      remedy: `Ask its publisher whether it is to be removed; copy it to a registry of your own, or use a tag that stays.`,
    },
  ];
}

/** The median time from one beginning to the next; undefined of a single one. */
function periodOf(over: readonly Absence[]): number | undefined {
  const apart = over.slice(1).map(({ fromMs }, index) => fromMs - (over[index]?.fromMs ?? fromMs));
  return apart.toSorted((a, b) => a - b)[Math.floor(apart.length / 2)];
}
