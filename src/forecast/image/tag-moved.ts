/** The tag leads to other content than its running containers have: the next start brings something else. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagMoved: ImageRule = { name: 'tag-moved', evaluate };

function evaluate({ demand, rehearsal, history }: ImageFacts): readonly Prediction[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || demand.image.value.digest !== undefined || ending?.is !== 'pulled') return [];
  const { digest } = ending.content;
  const other = (demand.running ?? []).filter((one) => one !== digest);
  const [runs] = other;
  if (runs === undefined || digest === '') return [];
  const known = valueAt(history.tags, demand.written);
  const since = known?.digest === digest ? `, since ${minuteText(known.sinceMs)} at the latest` : '';
  const mixed = demand.running?.includes(digest) === true ? ', and others already have the new one' : '';
  // Where the image is on the node, a start here pulls nothing; the next node does.
  const isAsked = demand.policy === 'Always' || demand.present !== 'yes';
  return [
    {
      about: demand.image.value.runtime,
      fault: 'manifest.tag_moved',
      likelihood: isAsked ? 'certain' : 'possible',
      effect: 'none',
      because: `${demand.image.value.runtime} leads to ${digest}${since}; running containers have ${other.slice(0, 3).join(', ')}${mixed}`,
      remedy: `Where the new content is meant, roll the workload out anew; where it is not, pin ${demand.image.value.repository}@${runs}.`,
    },
  ];
}
