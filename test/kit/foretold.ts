/** A node with much coming: forecasts of every effect and likelihood, of images and of the node, and hosts that come and go. For tests and for looking at the page. */
import type { Forecast } from '#forecast/forecast.ts';
import type { Ledger } from '#report/ledger.ts';
import type { RouteHistory, RouteSpan } from '#forecast/history/routes.ts';
import { entry, ledgerOf, node7, now, pulling, risking } from './ledger.ts';

const at = (agoMs: number): string => new Date(now - agoMs).toISOString();
const minute = 60_000;
const hour = 60 * minute;

export const quota: Forecast = {
  rule: 'quota-runs-out',
  about: 'docker.io, 203.0.113.7',
  fault: 'api.rate_limited',
  likelihood: 'likely',
  effect: 'fails',
  withinS: 2_400,
  assuming: "the last hour's consumption goes on",
  because: 'docker.io has 23 of 100 pulls in 6 h left for 203.0.113.7, and 34 went in the last hour',
  remedy: 'Log in to docker.io with a pull secret of an account with a larger quota, or pull through a mirror.',
};
export const certificate: Forecast = {
  rule: 'certificate-expires',
  about: 'registry.example.com',
  fault: 'tls.expired',
  likelihood: 'certain',
  effect: 'fails',
  withinS: 3 * 86_400,
  because: 'the certificate of registry.example.com ends on 2026-03-07 12:00 UTC',
  remedy: 'Have the owner of registry.example.com renew its certificate.',
  since: at(30 * hour),
};
export const flaky: Forecast = {
  rule: 'blob-host-flaky',
  about: 'cdn.quay.io',
  fault: 'blob.redirect_failed',
  likelihood: 'likely',
  effect: 'fails',
  withinS: 0,
  assuming: 'it goes on as in the last requests',
  because:
    '4 of the last 11 requests for layers to cdn.quay.io failed (tcp.reset): a pull of 7 of them fails with 96 %',
  remedy: 'Ask whoever runs cdn.quay.io, or the way to it; until then a mirror that holds the layers saves the pulls.',
};
export const held: Forecast = {
  rule: 'route-down',
  about: 'mirror-eu-central-2.registry-cache.platform.corp.example:5000',
  fault: 'api.unavailable',
  likelihood: 'possible',
  effect: 'fails',
  because:
    'mirror mirror-eu-central-2.registry-cache.platform.corp.example:5000 fails (api.unavailable); only one host is left',
  remedy:
    'Mend mirror-eu-central-2.registry-cache.platform.corp.example:5000 or take it out of /etc/containerd/certs.d/docker.io/hosts.toml.',
  since: at(3 * hour),
  seen: at(11 * minute),
};
export const queue: Forecast = {
  rule: 'pulls-queue',
  about: 'the kubelet',
  fault: 'api.timed_out',
  likelihood: 'possible',
  effect: 'delays',
  withinS: 90,
  because: 'serializeImagePulls is on, and vllm:0.9 with 9.8 GB is first in the queue',
  remedy: 'Set serializeImagePulls to false in the kubelet configuration.',
};
export const moved: Forecast = {
  rule: 'tag-moved',
  about: 'registry.example.com/shop/web:latest',
  fault: 'manifest.tag_moved',
  likelihood: 'certain',
  effect: 'none',
  because:
    'registry.example.com/shop/web:latest leads to sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, since 2026-03-04 09:10 UTC at the latest; running containers have sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1',
  remedy:
    'Where the new content is meant, roll the workload out anew; where it is not, pin registry.example.com/shop/web@sha256:4bcff63911fcb4448bd4fdacec207030997caf25e9bea4045fa6c8c44de311d1.',
};
export const untold: Forecast = {
  rule: 'disk-fills',
  about: '/var/lib/containerd',
  fault: 'agent.cannot_see',
  likelihood: 'unknown',
  effect: 'fails',
  because: 'the free space of /var/lib/containerd was not seen: the directory is not mounted into the Pod',
  remedy: 'Mount /var/lib/containerd read-only into the drypull Pod.',
};

function history(...states: readonly [is: RouteSpan['is'], fromAgoMs: number][]): RouteHistory {
  const fault = (is: RouteSpan['is']) => (is === 'works' ? {} : { fault: 'tcp.reset' as const });
  const spans = states.map(([is, fromAgoMs], index): RouteSpan => {
    const untilMs = states[index + 1]?.[1] ?? 2 * minute;
    return { fromMs: now - fromAgoMs, toMs: now - untilMs - minute, is, ...fault(is) };
  });
  const is = states.at(-1)?.[0] ?? 'works';
  const counts = { works: is === 'fails' ? 0 : 4, fails: is === 'works' ? 0 : 2 };
  return { spans, minute: { fromMs: now - 2 * minute, toMs: now - 110_000, ...counts, ...fault(is) } };
}

export const foretoldNode: Ledger = ledgerOf(
  [
    ...node7.entries,
    entry(risking({ image: 'registry.example.com/shop/cart:2' }, [certificate, moved]), 30 * hour),
    entry(risking({ image: 'registry.example.com/shop/checkout:5.1' }, [certificate]), 30 * hour),
    entry(
      risking({ image: 'quay.io/jetstack/cert-manager-controller:v1.18.2', registry: 'quay.io' }, [flaky]),
      20 * minute,
    ),
    entry(risking({ image: 'nginx:1.29-alpine', registry: 'docker.io' }, [quota, held]), hour),
    entry({ ...pulling({ image: 'redis:8', registry: 'docker.io' }), forecasts: [queue, untold] }),
  ],
  {
    forecasts: [untold],
    forecastMs: now - 100_000,
    routes: {
      'registry.example.com': history(['works', 30 * hour]),
      'harbor.corp.example': history(['works', 20 * hour], ['fails', 47 * minute]),
      'cdn.quay.io': history(['works', 20 * hour], ['falters', 25 * minute]),
      'mirror-eu-central-2.registry-cache.platform.corp.example:5000': history(
        ['works', 20 * hour],
        ['fails', 9 * hour],
        ['works', 8 * hour],
        ['fails', 3 * hour],
        ['works', 11 * minute],
      ),
      'registry-1.docker.io': history(['works', 30 * hour]),
      'auth.docker.io': history(['works', 30 * hour]),
    },
  },
);
