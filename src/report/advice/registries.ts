/** What is particular about the well-known registries: whose name they go by, how one logs in, what a denial means, which hosts a firewall must let through. */
import { hostIn } from './phrases.ts';

export interface Registry {
  readonly name: string;
  /** The key that a pull secret needs, where it is not the registry's own host. */
  readonly serverKey?: string;
  /** Which credentials work; a sentence. */
  readonly login: string;
  /** What a denial usually means; a sentence. */
  readonly denial: string;
  /** Everything that a pull reaches. */
  readonly hosts: readonly string[];
}

const known: readonly (readonly [test: RegExp, registry: Registry])[] = [
  [
    /^(?:[\w-]+\.)*docker\.io$|^production\.\w+\.docker\.com$/,
    {
      name: 'Docker Hub',
      serverKey: 'https://index.docker.io/v1/',
      login:
        'Docker Hub wants the user name and an access token (Account settings, Personal access tokens) with the right to read.',
      denial:
        'On Docker Hub a private repository and one that does not exist look the same: check the name, and that the account of the access token may read it.',
      hosts: [
        'registry-1.docker.io',
        'auth.docker.io',
        'production.cloudflare.docker.com',
        'production.cloudfront.docker.com',
        'docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com',
      ],
    },
  ],
  [
    /^ghcr\.io$|^pkg-containers\.githubusercontent\.com$/,
    {
      name: 'ghcr.io',
      login:
        'ghcr.io wants a GitHub user name and a classic personal access token with read:packages; fine-grained tokens do not work.',
      denial:
        "On ghcr.io check the name, the package's visibility (Package settings), and that the token is a classic one with read:packages and authorised for the organisation's single sign-on.",
      hosts: ['ghcr.io', 'pkg-containers.githubusercontent.com'],
    },
  ],
  [
    /^quay\.io$|^cdn\d*\.quay\.io$/,
    {
      name: 'quay.io',
      login: 'quay.io wants a robot account (ORGANISATION+ROBOT) and its token.',
      denial:
        'On quay.io a private repository and one that does not exist look the same: check the name, and that the robot account has Read on it.',
      hosts: ['quay.io', 'cdn.quay.io', 'cdn01.quay.io to cdn06.quay.io', 'quayio-production-s3.s3.amazonaws.com'],
    },
  ],
  [
    /^public\.ecr\.aws$/,
    {
      name: 'Amazon ECR Public',
      login:
        'ECR Public needs no login; an expired one breaks public pulls, so remove the old credentials or renew them (they last 12 hours).',
      denial: 'ECR Public denies expired logins even for public images: remove the old credentials or renew them.',
      hosts: ['public.ecr.aws', 'd2glxqk2uabbnd.cloudfront.net', 'd5l0dvt14r5h8.cloudfront.net'],
    },
  ],
  [
    /\.dkr[.-]ecr(?:-fips)?\.[\w.-]+$/,
    {
      name: 'Amazon ECR',
      login:
        "ECR's passwords last 12 hours, so a pull secret goes stale: let the kubelet's ecr-credential-provider fetch them (flags --image-credential-provider-config and --image-credential-provider-bin-dir) with the node's role.",
      denial:
        "For ECR give the node's role (or the role of the ServiceAccount, IRSA) AmazonEC2ContainerRegistryPullOnly, allow it in the repository's policy if the account is another, and renew passwords older than 12 hours.",
      hosts: [
        'ACCOUNT.dkr.ecr.REGION.amazonaws.com',
        'api.ecr.REGION.amazonaws.com',
        'prod-REGION-starport-layer-bucket.s3.REGION.amazonaws.com',
      ],
    },
  ],
  [
    /^(?:[\w-]+\.)?gcr\.io$|-docker\.pkg\.dev$/,
    {
      name: 'Google Artifact Registry',
      login:
        "Artifact Registry takes the node's service account through the kubelet's gcp-credential-provider, or a pull secret with the user _json_key and a service account key.",
      denial:
        "For Artifact Registry and gcr.io give the node's service account (workload identity does not serve image pulls) the role roles/artifactregistry.reader on the repository; the same answer comes for a repository that does not exist.",
      hosts: ['LOCATION-docker.pkg.dev', 'gcr.io', 'oauth2.googleapis.com', 'storage.googleapis.com'],
    },
  ],
  [
    /\.azurecr\.(?:io|cn|us)$/,
    {
      name: 'Azure Container Registry',
      login:
        "ACR takes the kubelet's managed identity through acr-credential-provider, or a pull secret of a service principal or a repository-scoped token.",
      denial:
        "For ACR give the kubelet's managed identity the role AcrPull (`az aks update --attach-acr NAME`), and check the registry's network rules: its firewall denies with the same status.",
      hosts: ['NAME.azurecr.io', 'NAME.REGION.data.azurecr.io', '*.blob.core.windows.net'],
    },
  ],
  [
    /^mcr\.microsoft\.com$/,
    {
      name: 'mcr.microsoft.com',
      login: 'mcr.microsoft.com needs no login.',
      denial: 'mcr.microsoft.com is public; a single 403 from it often passes: try again later.',
      hosts: ['mcr.microsoft.com', '*.data.mcr.microsoft.com'],
    },
  ],
  [
    /^registry\.k8s\.io$/,
    {
      name: 'registry.k8s.io',
      login: 'registry.k8s.io needs no login.',
      denial:
        'registry.k8s.io is public; a 403 from behind it means that the address range of this node is blocked: pull through a mirror.',
      hosts: [
        'registry.k8s.io',
        '*-docker.pkg.dev',
        'prod-registry-k8s-io-REGION.s3.dualstack.REGION.amazonaws.com',
        'd1be1w964nk82h.cloudfront.net',
      ],
    },
  ],
  [
    /^registry\.gitlab\.com$/,
    {
      name: 'the GitLab registry',
      login: 'GitLab wants a deploy token (or a project or group access token) with read_registry; such tokens expire.',
      denial:
        'On GitLab check that the deploy token has read_registry, belongs to this project or group, and has not expired; CI job tokens end with their job.',
      hosts: ['registry.gitlab.com', 'gitlab.com', 'cdn.registry.gitlab-static.net', 'storage.googleapis.com'],
    },
  ],
  [
    /^nvcr\.io$/,
    {
      name: 'nvcr.io',
      login: 'nvcr.io wants the user name $oauthtoken, literally, and an NGC API key.',
      denial:
        'On nvcr.io check that the API key belongs to an organisation with access to this image, and that its licence was accepted.',
      hosts: ['nvcr.io', 'authn.nvidia.com', '*.ngc.nvidia.com'],
    },
  ],
];

export function registryAt(host: string | undefined): Registry | undefined {
  if (host === undefined) return undefined;
  const name = hostIn(host).replace(/:\d+$/, '').toLowerCase();
  return known.find(([test]) => test.test(name))?.[1];
}

/** Which hosts a firewall must let through, as a sentence. */
export function allow(host: string | undefined): string {
  const registry = registryAt(host);
  if (registry === undefined) return '';
  return ` For ${registry.name} a firewall must let through ${registry.hosts.join(', ')}.`;
}
