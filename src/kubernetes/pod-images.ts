/**
 * The images that a Pod's spec names, wherever it comes from (API server or manifest): init, ephemeral and ordinary
 * containers and image volumes, each with the pull policy that will count. It must not know of statuses, nodes or secrets'
 * content.
 */
import type { PullPolicy, Requester } from '#node/view.ts';
import { at, listAt, textAt } from '#kubernetes/api/json.ts';

export interface ImageUse {
  /** The user's own string. */
  readonly written: string;
  readonly policy: PullPolicy;
  readonly requester: Requester;
  /** The container's name in the Pod's statuses; empty for an image volume, which has no status. */
  readonly container: string;
}

/** Containers first as the kubelet starts them (init, then the others), then what is mounted. */
export function imagesOf(podSpec: unknown, requester: Omit<Requester, 'part'>): readonly ImageUse[] {
  const containers = (list: string, kind: string): ImageUse[] =>
    listAt(podSpec, list).flatMap((container) => {
      const name = textAt(container, 'name');
      const use = { written: textAt(container, 'image'), policy: textAt(container, 'imagePullPolicy') };
      return useOf(use, { ...requester, part: `${kind} ${name}`.trim() }, name);
    });
  const volumes = listAt(podSpec, 'volumes').flatMap((volume) => {
    if (at(volume, 'image') === undefined) return [];
    const use = { written: textAt(volume, 'image', 'reference'), policy: textAt(volume, 'image', 'pullPolicy') };
    return useOf(use, { ...requester, part: `image volume ${textAt(volume, 'name')}`.trim() }, '');
  });
  return [
    ...containers('initContainers', 'init container'),
    ...containers('containers', 'container'),
    ...containers('ephemeralContainers', 'ephemeral container'),
    ...volumes,
  ];
}

/** pod.spec.imagePullSecrets in order; empty names are skipped (kubelet_pods.go getPullSecretsForPod). */
export function secretNamesOf(podSpec: unknown): readonly string[] {
  return listAt(podSpec, 'imagePullSecrets')
    .map((reference) => textAt(reference, 'name'))
    .filter((name) => name !== '');
}

function useOf(use: { written: string; policy: string }, requester: Requester, container: string): ImageUse[] {
  // An image may be left out where something else fills it in later: nothing is asked for then.
  if (use.written === '') return [];
  return [{ written: use.written, policy: policyOf(use.policy, use.written), requester, container }];
}

/**
 * The API server's default (k8s pkg/apis/core/v1/defaults.go SetDefaults_Container, v1.36): Always where the tag is `latest`,
 * written or implied, also beside a digest; IfNotPresent otherwise and where the reference does not parse.
 */
function policyOf(given: string, written: string): PullPolicy {
  if (given === 'Always' || given === 'IfNotPresent' || given === 'Never') return given;
  const [name = '', digest] = written.split('@', 2);
  const tag = /:([\w][\w.-]{0,127})$/.exec(name)?.[1];
  if (tag !== undefined) return tag === 'latest' ? 'Always' : 'IfNotPresent';
  return digest === undefined && plausible(name) ? 'Always' : 'IfNotPresent';
}

/** No full grammar: only what a name without a tag must not hold, so that a string that cannot parse is not `latest`. */
function plausible(name: string): boolean {
  const path = name.slice(name.indexOf('/') + 1);
  return /^[a-z0-9]+([._/-]+[a-z0-9]+)*$/.test(path) && !/^[0-9a-f]{64}$/.test(name) && !name.includes('://');
}
