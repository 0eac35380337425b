/**
 * How many HTTP requests a minute a whole fleet may send to a registry, and the reason. A registry counts addresses or accounts, not
 * nodes, and the kubelets' own pulls have priority: each number is a small part of the registry's known limit. Pure.
 */
import { valueAt } from '#data/value-at.ts';

export interface Budget {
  /** A registry as in image references; `*.` for all names below one; `*` for all others; `private` for those in private networks. */
  readonly registry: string;
  readonly perMinute: number;
  readonly because: string;
  /** The most requests for one image, where drypull never sends some kinds of requests. */
  readonly cost?: number;
}

/** Challenge, token, HEAD, index, manifest, image config and some layers. */
const usualCost = 12;

/**
 * The assumed cost of an image before the first rehearsal at that registry. The cost is never less afterwards: agents that learned it
 * at different times would have different slots, and no longer be spread evenly.
 */
export function costBefore(registry: string): number {
  return budgets.find((budget) => budget.registry === registry)?.cost ?? usualCost;
}

export const budgets: readonly Budget[] = [
  {
    registry: 'docker.io',
    perMinute: 60,
    cost: 4,
    because:
      'an abuse limit of some thousand requests a minute and address, which counts HEADs and tokens too (docs.docker.com)',
  },
  {
    registry: 'public.ecr.aws',
    perMinute: 6,
    because: 'one anonymous pull a second and address, not adjustable (ECR Public service quotas)',
  },
  { registry: 'quay.io', perMinute: 120, because: 'a few requests a second, address and endpoint (quay conf/nginx)' },
  { registry: 'registry.k8s.io', perMinute: 300, because: 'about 5,000 a minute and address (k8s.io infra, archeio)' },
  { registry: 'ghcr.io', perMinute: 300, because: 'undocumented; its 429 answers name 44,000 a minute' },
  { registry: 'gcr.io', perMinute: 300, because: '60,000 a minute, region and project, or less for a user' },
  { registry: '*.gcr.io', perMinute: 300, because: 'as gcr.io' },
  { registry: '*.pkg.dev', perMinute: 300, because: 'as gcr.io' },
  { registry: 'mcr.microsoft.com', perMinute: 60, because: 'undocumented; answers 429 and 403' },
  {
    registry: '*.amazonaws.com',
    perMinute: 600,
    because: 'BatchGetImage 2,000 a second, account and region, shared with every kubelet there',
  },
  { registry: '*.azurecr.io', perMinute: 100, because: '1,000 read operations a minute in the smallest plan' },
  { registry: 'registry.gitlab.com', perMinute: 60, because: 'a limit of the instance for each address' },
  { registry: 'private', perMinute: 6000, because: 'an own registry or mirror: 100 a second' },
  { registry: '*', perMinute: 60, because: 'no limit is known' },
];

/** The budget of a registry: the configuration before the built-in number, the narrower name before the wider. */
export function perMinuteOf(
  registry: string,
  { own, isPrivate }: { readonly own: Readonly<Record<string, number>>; readonly isPrivate: boolean },
): number {
  const host = registry.replace(/:\d+$/, '').toLowerCase();
  const find = (name: string): number | undefined =>
    valueAt(own, name) ?? budgets.find((budget) => budget.registry === name)?.perMinute;
  const labels = host.split('.');
  const wider = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  for (const name of [registry, host, ...wider]) {
    const found = find(name);
    if (found !== undefined) return found;
  }
  return find(isPrivate ? 'private' : '*') ?? 1;
}
