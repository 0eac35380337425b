/**
 * The kubelet's own limits: pulls that wait behind a large one, and more pulls at once than it lets through. Never about whether
 * a registry can be reached.
 */
import { bytesText } from '#kubelet/disk.ts';
import type { NodeFacts } from '#forecast/facts.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import { rateAt } from '#forecast/history/rates.ts';
import type { PullReport } from '#report/report.ts';
import { contentOf } from '#forecast/disk/need.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const pullsQueue: NodeRule = { name: 'pulls-queue', evaluate };

/** A wait that is worth a word. */
const longS = 60;
/** Without a measured speed: an image of this size is a long one anywhere. */
const largeBytes = 1024 ** 3;

interface Waiting {
  readonly image: string;
  readonly bytes: number;
  /** Pods (or containers) that want it: each asks the kubelet for itself. */
  readonly wanters: number;
  /** At the speed that its host was seen to send; absent where that is not known. */
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
    // A speed that only is a lower bound tells the longest time: good enough to say that it is short.
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

/** The sandbox image: the runtime pulls it while it makes a sandbox, past the kubelet's queue (containerd RunPodSandbox). */
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
      because: `${others.length} more may wait ${time} behind ${image} (${bytesText(bytes)}): ${setting}`,
      remedy:
        "Set serializeImagePulls: false and maxParallelImagePulls in the kubelet's configuration, or pull the large image before it is needed.",
    },
  ];
}

/** A bucket of `registryBurst` tokens that fills with `registryPullQPS` a second; one pull takes one, and none waits for one. */
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
      assuming: 'all of them begin at once',
      because: `${pulls} pulls may begin at once, and the kubelet lets ${burst} through and ${qps} a second after that: the rest get "pull QPS exceeded" and come again after a back-off`,
      remedy: "Raise registryPullQPS and registryBurst in the kubelet's configuration, or set maxParallelImagePulls.",
    },
  ];
}
