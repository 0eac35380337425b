/** A host that is silent for longer than containerd's image_pull_progress_timeout before it sends a layer: the pull is given up. */
import type { ImageFacts } from '#pull/facts.ts';
import { waitOf } from '#pull/rate.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const pullStalls: ImageRule = { name: 'pull-stalls', foresee };

function foresee({ view, rehearsal }: ImageFacts): readonly Foreseen[] {
  const { config } = view.runtime;
  const timeoutMs = config.ok ? (config.value.progressTimeoutMs ?? 0) : 0;
  if (timeoutMs === 0) return [];
  const silent = rehearsal.performances
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange) => (exchange.act === 'layer' ? (waitOf(exchange) ?? []) : []))
    .filter(({ waitMs }) => waitMs > timeoutMs)
    .toSorted((a, b) => b.waitMs - a.waitMs)[0];
  if (silent === undefined) return [];
  const { host, waitMs } = silent;
  return [
    {
      about: host,
      fault: 'blob.stalled',
      // The next time a cache on the way may have it.
      likelihood: 'possible',
      effect: 'fails',
      withinS: 0,
      because: `${host} was silent for ${Math.round(waitMs / 1000)} s before it sent a layer, and containerd gives up after ${timeoutMs / 1000} s without a byte (image_pull_progress_timeout: "no progress in ${timeoutMs / 1000}s", which the kubelet shows as "context canceled")`,
      remedy: `Raise image_pull_progress_timeout in containerd's config.toml, or find out why ${host} is so slow to begin.`,
    },
  ];
}
