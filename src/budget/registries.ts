/** The registries whose limits are known, and what the agents of a fleet may use of them together. Pure. */

interface Budget {
  /** A registry as in image references; `*.` for all names below one; `*` for all others; `private` for those in private networks. */
  readonly registry: string;
  readonly perMinute: number;
  readonly because: string;
  /** The most requests for one image, where drypull never sends some kinds of requests. */
  readonly cost?: number;
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
