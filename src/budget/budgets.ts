/**
 * How many HTTP requests a minute a whole fleet may send to a registry, and why so many. A registry counts addresses or accounts,
 * never nodes, and the kubelets' own pulls come first: each number is a small part of what is known to be borne.
 */
import { valueAt } from '#data/value-at.ts';
export interface Budget {
  /** A registry as images name it; `*.` for all names below one; `*` for all others; `private` for those in private networks. */
  readonly registry: string;
  readonly perMinute: number;
  readonly because: string;
  /** Requests for an image at the most, where that is known by what is never asked there. */
  readonly cost?: number;
}

/** Challenge, token, HEAD, index, manifest, configuration and some layers. */
export const usualCost = 12;

/**
 * What an image is taken to cost before one of that registry was rehearsed. Never less afterwards: what one agent learnt before
 * another would shift its moments against theirs.
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
      'an abuse limit of some thousand requests a minute and address counts HEADs and tokens too (docs.docker.com)',
  },
  {
    registry: 'public.ecr.aws',
    perMinute: 6,
    because: 'one anonymous pull a second and address, not adjustable (ECR Public service quotas)',
  },
  { registry: 'quay.io', perMinute: 120, because: 'a few requests a second, address and endpoint (quay conf/nginx)' },
  { registry: 'registry.k8s.io', perMinute: 300, because: 'about 5,000 a minute and address (k8s.io infra, archeio)' },
  { registry: 'ghcr.io', perMinute: 300, because: 'undocumented; its 429s name 44,000 a minute' },
  { registry: 'gcr.io', perMinute: 300, because: '60,000 a minute, region and project, or less for a user' },
  { registry: '*.gcr.io', perMinute: 300, because: 'as gcr.io' },
  { registry: '*.pkg.dev', perMinute: 300, because: 'as gcr.io' },
  { registry: 'mcr.microsoft.com', perMinute: 60, because: 'undocumented; 429 and 403 are met' },
  {
    registry: '*.amazonaws.com',
    perMinute: 600,
    because: 'BatchGetImage 2,000 a second, account and region, shared with every kubelet there',
  },
  { registry: '*.azurecr.io', perMinute: 100, because: '1,000 read operations a minute in the smallest plan' },
  { registry: 'registry.gitlab.com', perMinute: 60, because: 'a limit of the instance, an address' },
  { registry: 'private', perMinute: 6000, because: 'a registry of one’s own, or a mirror: 100 a second' },
  { registry: '*', perMinute: 60, because: 'nothing is known of it' },
];

/** The budget of a registry: what the operator says before what is built in, the narrower name before the wider. */
export function perMinuteOf(
  registry: string,
  { own, isPrivate }: { readonly own: Readonly<Record<string, number>>; readonly isPrivate: boolean },
): number {
  const host = registry.replace(/:\d+$/, '').toLowerCase();
  const lookUp = (name: string): number | undefined =>
    valueAt(own, name) ?? budgets.find((budget) => budget.registry === name)?.perMinute;
  const labels = host.split('.');
  const wider = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  for (const name of [registry, host, ...wider]) {
    const found = lookUp(name);
    if (found !== undefined) return found;
  }
  return lookUp(isPrivate ? 'private' : '*') ?? 1;
}
