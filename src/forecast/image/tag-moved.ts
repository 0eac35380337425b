/** The tag points to other content than its running containers have: the next start runs something else. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagMoved: ImageRule = {
  name: 'tag-moved',
  meta: {
    title: 'A tag points to other content than the running containers have',
    why: 'The next start of the Pod, on this node or another, runs other content. No pull fails.',
    needs: 'The running containers of the image, so access to the Kubernetes API.',
    remedy: 'If the new content is intended, restart the rollout; if not, pin the digest.',
  },
  evaluate,
};

function evaluate({ demand, rehearsal, history }: ImageFacts): readonly Prediction[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || demand.image.value.digest !== undefined || ending?.is !== 'pulled') return [];
  const { digest } = ending.content;
  const other = (demand.running ?? []).filter((one) => one !== digest);
  const [runs] = other;
  if (runs === undefined || digest === '') return [];
  const known = valueAt(history.tags, demand.written);
  const since = known?.digest === digest ? `, since ${minuteText(known.sinceMs)} at the latest` : '';
  const mixed = demand.running?.includes(digest) === true ? ', and others already have the new content' : '';
  // When the image is on the node, a start here pulls nothing; the next node does.
  const isAsked = demand.policy === 'Always' || demand.present !== 'yes';
  return [
    {
      about: demand.image.value.runtime,
      fault: 'manifest.tag_moved',
      likelihood: isAsked ? 'certain' : 'possible',
      effect: 'none',
      because: `${demand.image.value.runtime} points to ${digest}${since}; running containers have ${other.slice(0, 3).join(', ')}${mixed}`,
      remedy: `If the new content is intended, restart the rollout of the workload; if not, pin ${demand.image.value.repository}@${runs}.`,
    },
  ];
}
