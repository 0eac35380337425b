/**
 * The images of a Pod's spec, from the API server or from a manifest: init, ephemeral and ordinary containers and image volumes,
 * each with its effective pull policy.
 */
import type { Requester } from '#kubelet/demand.ts';
import { isPullPolicy, pullPolicyOf, type PullPolicy } from '#kubelet/pull-policy.ts';
import { at, listAt, textAt } from '#kubernetes/api/json.ts';

export interface ImageUse {
  /** The user's own string. */
  readonly written: string;
  readonly policy: PullPolicy;
  readonly requester: Requester;
  /** The container's name in the Pod's statuses; empty for an image volume, which has no status. */
  readonly container: string;
}

/** Containers in the order in which the kubelet starts them (init, then the others), then image volumes. */
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
  // The image may be empty where a controller fills it in later: there is nothing to pull yet.
  if (use.written === '') return [];
  const policy = isPullPolicy(use.policy) ? use.policy : pullPolicyOf(use.written);
  return [{ written: use.written, policy, requester, container }];
}
