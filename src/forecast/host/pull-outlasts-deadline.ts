/**
 * Layers that come so slowly that the Pod is late, by the speed of a small sample. The pull itself goes on for as long as bytes
 * come, so this is a delay; that the runtime gives up is another forecast (pull-stalls).
 */
import { bytesText } from '#kubelet/disk.ts';
import type { ImageFacts } from '#forecast/facts.ts';
import { rateAt } from '#forecast/history/rates.ts';
import { rateOf } from '#report/throughput.ts';
import { contentOf } from '#forecast/disk/need.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const pullOutlastsDeadline: ImageRule = { name: 'pull-outlasts-deadline', evaluate };

/** A Deployment's progressDeadlineSeconds where nobody says otherwise (k8s pkg/apis/apps/v1/defaults.go). */
const usualDeadlineS = 600;
/** max_concurrent_downloads: what one connection gets, three may get three times. */
const atOnce = 3;

function evaluate({ demand, rehearsal, history, now }: ImageFacts): readonly Prediction[] {
  const content = contentOf(rehearsal);
  const bytes = content?.missingBytes ?? (demand.present === 'no' ? content?.bytes : undefined) ?? 0;
  const host = content?.blobHosts.at(-1);
  if (content === undefined || host === undefined || bytes === 0) return [];
  const own = rehearsal.attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange) => rateOf(exchange) ?? [])
    .findLast((rate) => rate.host === host);
  const rate = own ?? rateAt(history.rates, host, now.getTime());
  if (rate?.isLimited !== true || rate.bytesPerS <= 0) return [];
  const slowestS = Math.round(bytes / rate.bytesPerS);
  const fastestS = Math.round(slowestS / Math.min(atOnce, Math.max(1, content.missingLayers ?? content.layers)));
  const deadlineS = demand.deadlineS ?? usualDeadlineS;
  if (slowestS <= deadlineS) return [];
  const isCertain = fastestS > deadlineS && demand.deadlineS !== undefined && content.missingBytes !== undefined;
  const whose =
    demand.deadlineS === undefined
      ? `a Deployment's usual deadline of ${deadlineS} s`
      : `its deadline of ${deadlineS} s`;
  const takes = fastestS === slowestS ? `${slowestS} s` : `${fastestS} to ${slowestS} s`;
  return [
    {
      about: host,
      fault: 'blob.slow',
      likelihood: isCertain ? 'likely' : 'possible',
      effect: 'delays',
      withinS: 0,
      assuming: `${host} goes on as it sent a sample: ${bytesText(rate.bytesPerS)} a second on one connection`,
      because: `${bytesText(bytes)} are missing, which take ${takes}, longer than ${whose}`,
      remedy: `Pull through a mirror near the node, make the image smaller, or look at what limits the way to ${host}.`,
    },
  ];
}
