/** The tag is gone, and containers still run its content: they work until they are restarted. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { isGone } from '#forecast/history/absences.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const tagVanished: ImageRule = {
  name: 'tag-vanished',
  meta: {
    title: 'A tag is gone, and containers still run its content',
    why: 'Running containers do not notice that their tag was deleted. The next start on a node without the image fails.',
    needs: 'The running containers of the image, or history in which the tag existed.',
    remedy: 'Push the tag again, use one that exists, or pin the digest while the registry still has it.',
  },
  evaluate,
};

function evaluate({ demand, rehearsal, history }: ImageFacts): readonly Prediction[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || ending?.is !== 'failed' || !isGone(ending.fault)) return [];
  const known = valueAt(history.tags, demand.written);
  const [runs] = demand.running ?? [];
  const was = runs ?? known?.digest;
  // A name that never existed is simply wrong, and the verdict says so.
  if (was === undefined) return [];
  const { runtime, repository } = demand.image.value;
  const when = known === undefined ? '' : ` until ${minuteText(known.seenMs)}`;
  const who = runs === undefined ? '' : '; its running containers work until they are restarted';
  // An image that is on the node still starts here, until the kubelet collects it.
  const isAsked = demand.policy === 'Always' || demand.present === 'no';
  return [
    {
      about: runtime,
      fault: ending.fault.code,
      likelihood: isAsked ? 'certain' : 'likely',
      effect: 'fails',
      ...(isAsked ? { withinS: 0, assuming: 'a container that uses it starts' } : {}),
      because: `${runtime} pointed to ${was}${when} and is gone (${ending.fault.code})${who}`,
      remedy: `Push ${runtime} again, or use a tag that exists; ${repository}@${was} may still be there.`,
    },
  ];
}
