/** The tag is gone, and containers still run what it led to: they live until they are started anew. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { isGone } from '#forecast/history/absences.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagVanished: ImageRule = { name: 'tag-vanished', evaluate };

function evaluate({ demand, rehearsal, history }: ImageFacts): readonly Prediction[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || ending?.is !== 'failed' || !isGone(ending.fault)) return [];
  const known = valueAt(history.tags, demand.written);
  const [runs] = demand.running ?? [];
  const was = runs ?? known?.digest;
  // A name that never led anywhere is a wrong one, which the verdict tells.
  if (was === undefined) return [];
  const { runtime, repository } = demand.image.value;
  const when = known === undefined ? '' : ` until ${minuteText(known.seenMs)}`;
  const who = runs === undefined ? '' : '; its running containers go on until they are started anew';
  // What is on the node starts here all the same, until the kubelet cleans up.
  const isAsked = demand.policy === 'Always' || demand.present === 'no';
  return [
    {
      about: runtime,
      fault: ending.fault.code,
      likelihood: isAsked ? 'certain' : 'likely',
      effect: 'fails',
      ...(isAsked ? { withinS: 0, assuming: 'a container of it is started' } : {}),
      because: `${runtime} led to ${was}${when} and is gone (${ending.fault.code})${who}`,
      remedy: `Push ${runtime} again, or use a tag that exists; ${repository}@${was} may still be there.`,
    },
  ];
}
