/**
 * The kubelet's own limits: pulls that wait behind a large one, and more pulls at once than it admits. Independent of whether a
 * registry can be reached.
 */
import { bytesText } from '#kubelet/disk.ts';
import type { NodeFacts } from '#forecast/facts.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import { rateAt } from '#forecast/history/rates.ts';
import type { PullReport } from '#report/report.ts';
import { contentOf } from '#forecast/disk/need.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const pullsQueue: NodeRule = {
  name: 'pulls-queue',
  meta: {
    title: 'Pulls wait for each other in the kubelet',
    why: 'With `serializeImagePulls` (the default) the kubelet pulls one image at a time, so small images wait behind a large one. With parallel pulls, more than `registryBurst` at once get "pull QPS exceeded" and are retried after a back-off.',
    needs:
      "The kubelet's configuration, and the layers that the node lacks; a sample of the host's speed for the time.",
    remedy:
      "Set `serializeImagePulls: false` and `maxParallelImagePulls`, or raise `registryPullQPS` and `registryBurst`, in the kubelet's configuration.",
  },
  evaluate,
};

/** A wait that is worth reporting. */
const longS = 60;
/** Without a measured speed: an image of this size takes long anywhere. */
const largeBytes = 1024 ** 3;

interface Waiting {
  readonly image: string;
  readonly bytes: number;
  /** Pods (or containers) that request it: each is a pull of its own for the kubelet. */
  readonly wanters: number;
  /** At the speed at which its host was seen to send; absent when that is not known. */
  readonly takesS?: number;
}

function evaluate({ view, entries, history, now }: NodeFacts): readonly Prediction[] {
  const { config } = view.kubelet;
  if (config?.ok !== true) return [];
  const waiting = entries.flatMap(({ report }): readonly Waiting[] => {
    const content = contentOf(report);
    if (content?.missingBytes === undefined || content.missingBytes === 0 || isRuntimesOwn(report)) return [];
    const rate = rateAt(history.rates, content.blobHosts.at(-1) ?? '', now.getTime());
    const takesS = rate === undefined ? undefined : Math.round(content.missingBytes / Math.max(1, rate.bytesPerS));
    // A speed that is only a lower bound gives the longest time: enough to conclude that the pull is short.
    const isPredicted = takesS !== undefined && (rate?.isLimited === true || takesS < longS);
    return [
      {
        image: report.image,
        bytes: content.missingBytes,
        wanters: Math.max(1, report.requestedBy.length),
        ...(isPredicted ? { takesS } : {}),
      },
    ];
  });
  return [...queued(waiting, config.value), ...refused(waiting, config.value)];
}

/** The sandbox image: the runtime pulls it while it creates a sandbox, outside the kubelet's queue (containerd RunPodSandbox). */
function isRuntimesOwn({ requestedBy }: PullReport): boolean {
  return requestedBy.length > 0 && requestedBy.every(({ kind }) => kind === 'Runtime');
}

function queued(waiting: readonly Waiting[], config: KubeletConfig): readonly Prediction[] {
  const { serializeImagePulls, maxParallelImagePulls } = config;
  const atOnce = serializeImagePulls ? 1 : maxParallelImagePulls;
  const [largest, ...others] = waiting.toSorted((a, b) => (b.takesS ?? 0) - (a.takesS ?? 0) || b.bytes - a.bytes);
  if (atOnce === undefined || largest === undefined || waiting.length <= atOnce) return [];
  const { takesS, bytes, image } = largest;
  if (takesS === undefined ? bytes < largeBytes : takesS < longS) return [];
  const time = takesS === undefined ? 'for as long as it takes' : `for about ${takesS} s`;
  const more = others.length === 1 ? '1 more pull' : `${others.length} more pulls`;
  const setting = serializeImagePulls
    ? 'serializeImagePulls: one pull at a time'
    : `maxParallelImagePulls: ${atOnce} at a time`;
  return [
    {
      about: 'the kubelet',
      fault: 'kubelet.pulls_queued',
      likelihood: takesS === undefined ? 'possible' : 'likely',
      effect: 'delays',
      withinS: 0,
      assuming: 'all of them are pulled now, the largest first',
      because: `${more} may wait ${time} behind ${image} (${bytesText(bytes)}): ${setting}`,
      remedy:
        "Set serializeImagePulls: false and maxParallelImagePulls in the kubelet's configuration, or pull the large image before it is needed.",
    },
  ];
}

/** A token bucket of `registryBurst` tokens, refilled at `registryPullQPS` a second; a pull takes one token and does not wait for one. */
function refused(waiting: readonly Waiting[], config: KubeletConfig): readonly Prediction[] {
  const { serializeImagePulls, maxParallelImagePulls, registryPullQps: qps, registryBurst: burst } = config;
  const pulls = waiting.reduce((sum, { wanters }) => sum + wanters, 0);
  const atOnce = Math.min(pulls, maxParallelImagePulls ?? pulls);
  if (serializeImagePulls || qps === 0 || atOnce <= burst) return [];
  return [
    {
      about: 'the kubelet',
      fault: 'kubelet.qps_exceeded',
      likelihood: 'possible',
      effect: 'delays',
      withinS: 0,
      assuming: 'all of them start at once',
      because: `${pulls} pulls may start at once, and the kubelet admits ${burst} and ${qps} a second after that: the rest get "pull QPS exceeded" and are retried after a back-off`,
      remedy: "Raise registryPullQPS and registryBurst in the kubelet's configuration, or set maxParallelImagePulls.",
    },
  ];
}
