/**
 * A host that is silent for longer than containerd's image_pull_progress_timeout: the pull is given up, whatever was asked for.
 * containerd pkg/cri/server/image_pull.go pullProgressReporter (1.7; since 2.0 internal/cri/server/images), 1.7.0 to 2.3.4: every
 * request of the in-process engine is watched, tokens and HEADs included. The transfer service reports a download once it has
 * bytes (core/transfer/local/progress.go), so that nobody watches what has none: containerd 2.1.9 waits for such a host.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { waitOf } from '#report/throughput.ts';
import type { Act } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const pullStalls: ImageRule = { name: 'pull-stalls', evaluate };

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
      // The next time a cache on the way may have it, and layers that come beside it keep the pull alive.
      likelihood: 'possible',
      effect: 'fails',
      withinS: 0,
      because: `${host} was silent for ${Math.round(waitMs / 1000)} s before it sent ${asked[act]}, and containerd gives a pull up after ${timeoutMs / 1000} s without a byte (image_pull_progress_timeout); the kubelet shows that as "context canceled"`,
      remedy: `Raise image_pull_progress_timeout in containerd's config.toml, or find out why ${host} is so slow to begin.`,
    },
  ];
}
