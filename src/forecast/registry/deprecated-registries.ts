/**
 * Registries and namespaces that were frozen, moved or closed, with the day, who said so, and what to use instead. Facts of
 * their publishers; a new one is one row.
 */

export interface DeprecatedRegistry {
  /** Registry, or registry and the first parts of the path, as in a normalised reference. */
  readonly place: string;
  /** ISO 8601, a day or a month. */
  readonly since: string;
  /**
   * `frozen`: serves what it has, and gets nothing new. `unsupported`: nobody promises that it answers. `moved`: what is there is
   * taken away. `closed`: turned off. `succeeded`: turned off, and the name goes on for whoever moved; what pulls has moved.
   */
  readonly fate: 'frozen' | 'unsupported' | 'moved' | 'closed' | 'succeeded';
  readonly what: string;
  readonly instead: string;
  readonly source: string;
  /** A tag that stays. */
  readonly spares?: string;
}

const gcrShutdown = 'https://cloud.google.com/artifact-registry/docs/transition/prepare-gcr-shutdown';
const bitnami = 'https://github.com/bitnami/containers/issues/83267';

function gcr(place: string): DeprecatedRegistry {
  return {
    place,
    since: '2025-03-18',
    fate: 'succeeded',
    what: 'Container Registry was shut down, and Artifact Registry has only what was copied there',
    instead: 'the Artifact Registry repository (*.pkg.dev) that the image was copied to',
    source: gcrShutdown,
  };
}

export const deprecatedRegistries: readonly DeprecatedRegistry[] = [
  {
    place: 'k8s.gcr.io',
    since: '2023-04-03',
    fate: 'frozen',
    what: 'it gets no new images, redirects to registry.k8s.io and is to be phased out',
    instead: 'registry.k8s.io with the same path',
    source: 'https://kubernetes.io/blog/2023/03/10/image-registry-redirect/',
  },
  {
    place: 'gcr.io/kubebuilder',
    since: '2025-03-18',
    fate: 'closed',
    what: 'the project behind it is discontinued',
    instead: 'quay.io/brancz/kube-rbac-proxy, or a Kubebuilder scaffold without it',
    source: 'https://github.com/kubernetes/k8s.io/issues/2647',
  },
  gcr('gcr.io'),
  gcr('us.gcr.io'),
  gcr('eu.gcr.io'),
  gcr('asia.gcr.io'),
  {
    place: 'docker.io/bitnami',
    since: '2025-09-29',
    fate: 'moved',
    what: 'its versioned tags go to docker.io/bitnamilegacy, after brown-outs of 24 hours from 2025-08-28 on',
    instead: 'docker.io/bitnamilegacy for the time being (it gets no updates), then another publisher',
    source: bitnami,
    spares: 'latest',
  },
  {
    place: 'docker.io/bitnamilegacy',
    since: '2025-08-28',
    fate: 'frozen',
    what: 'it keeps the images that Bitnami no longer builds, without updates',
    instead: 'an image that is maintained',
    source: bitnami,
  },
  {
    place: 'docker.pkg.github.com',
    since: '2025-02-24',
    fate: 'closed',
    what: "GitHub's first Docker registry was turned off in favour of ghcr.io",
    instead: 'ghcr.io',
    source: 'https://github.blog/changelog/2025-01-23-legacy-docker-registry-closing-down/',
  },
  {
    place: 'mcr.azureedge.net',
    since: '2025-01-15',
    fate: 'unsupported',
    what: 'the CDN behind azureedge.net ended, and its names may stop to answer',
    instead: 'mcr.microsoft.com with the same path',
    source: 'https://github.com/MicrosoftEdge/EdgeWebDriver/issues/180',
  },
  {
    place: 'quay.io/coreos/kube-state-metrics',
    since: '2021-04-13',
    fate: 'frozen',
    what: 'it gets no new images',
    instead: 'registry.k8s.io/kube-state-metrics/kube-state-metrics',
    source: 'https://github.com/kubernetes/website/pull/39511',
  },
  {
    place: 'docker.io/library/openjdk',
    since: '2022-07',
    fate: 'frozen',
    what: 'it is deprecated and gets no updates',
    instead: 'docker.io/library/eclipse-temurin, or the build of another vendor',
    source: 'https://developers.redhat.com/articles/2022/09/16/updating-docker-hubs-openjdk-image',
  },
];
