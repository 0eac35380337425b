/**
 * A host is silent for longer than containerd's image_pull_progress_timeout: containerd cancels the pull, whatever it requested.
 * containerd pkg/cri/server/image_pull.go pullProgressReporter (1.7; since 2.0 internal/cri/server/images), 1.7.0 to 2.3.4: it
 * watches every request of the in-process engine, tokens and HEADs included. The transfer service reports a download only once it
 * has bytes (core/transfer/local/progress.go), so a download without bytes is not watched: containerd 2.1.9 waits for such a host.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { waitOf } from '#report/throughput.ts';
import type { Act } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const pullStalls: ImageRule = {
  name: 'pull-stalls',
  meta: {
    title: 'A host is silent for longer than the runtime waits',
    why: 'containerd cancels a pull when no byte arrives for `image_pull_progress_timeout`. The kubelet then reports "context canceled", which names neither the host nor the reason.',
    needs:
      "containerd's configuration, and an answer that took longer than its timeout in a rehearsal. The transfer service (the default since containerd 2.1) does not cancel such a pull.",
    remedy:
      "Raise `image_pull_progress_timeout` in containerd's config.toml, or find out why the host takes so long to start sending.",
  },
  evaluate,
};

const asked: Readonly<Record<Act, string>> = {
  token: 'a token',
  resolve: 'the digest of the tag',
  manifest: 'a manifest',
  config: 'the configuration of the image',
  layer: 'a layer',
};

function evaluate({ view, rehearsal }: ImageFacts): readonly Prediction[] {
  const { config } = view.runtime;
  if (!config.ok || config.value.engine !== 'local') return [];
  const timeoutMs = config.value.progressTimeoutMs ?? 0;
  if (timeoutMs === 0) return [];
  const silent = rehearsal.attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange) => {
      const wait = waitOf(exchange);
      return wait === undefined ? [] : [{ ...wait, act: exchange.act }];
    })
    .filter(({ waitMs }) => waitMs > timeoutMs)
    .toSorted((a, b) => b.waitMs - a.waitMs)[0];
  if (silent === undefined) return [];
  const { host, waitMs, act } = silent;
  return [
    {
      about: host,
      fault: 'blob.stalled',
      // Next time a cache on the path may have it, and layers that arrive in parallel keep the pull alive.
      likelihood: 'possible',
      effect: 'fails',
      withinS: 0,
      because: `${host} was silent for ${Math.round(waitMs / 1000)} s before it sent ${asked[act]}, and containerd cancels a pull after ${timeoutMs / 1000} s without a byte (image_pull_progress_timeout); the kubelet shows that as "context canceled"`,
      remedy: `Raise image_pull_progress_timeout in containerd's config.toml, or find out why ${host} takes so long to start sending.`,
    },
  ];
}
