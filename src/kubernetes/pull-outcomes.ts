/**
 * The results of the kubelet's pulls, from two states of one Pod, container by container. Only changes count, and only those that
 * show the result of a pull: a container that waits for another reason is no outcome.
 * Reasons: k8s pkg/kubelet/images/types.go and kuberuntime_image.go, v1.36.
 */
import type { PullOutcome } from '#report/score.ts';
import type { ImageUse } from './pod-images.ts';
import type { ContainerSeen, PodSeen } from './pods.ts';

const failures: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** The Pod when the agent first saw it. */
export interface FirstSeen {
  readonly at: Date;
  /** Images, as written, that were certainly not on the node at that time. */
  readonly absent: ReadonlySet<string>;
}

interface Observation {
  /** When the agent saw `after`. */
  readonly at: Date;
  readonly first: FirstSeen;
}

/** `before` is undefined for a new Pod. */
export function outcomesOf(before: PodSeen | undefined, after: PodSeen, seen: Observation): readonly PullOutcome[] {
  return after.uses.flatMap((use) => {
    const now = after.containers.find(({ name }) => name === use.container);
    if (use.container === '' || now === undefined) return [];
    const then = before?.containers.find(({ name }) => name === use.container);
    const result = resultOf({ use, then, now }, seen.first);
    if (result === undefined) return [];
    const { namespace, name: pod, part } = use.requester;
    const reported = result === 'failed' ? { reason: now.reason, message: now.message } : { reason: '', message: '' };
    // A Pod's first pull began no earlier than the agent saw the Pod; the start of a later pull is not reported.
    const isFirst = now.restarts === 0 && (then === undefined || !hasFailed(then));
    const begun = isFirst ? seen.first.at : seen.at;
    const terms = { policy: use.policy, secrets: after.secretNames };
    return [{ image: use.written, namespace, pod, part, ...terms, result, ...reported, begun, at: seen.at }];
  });
}

interface Change {
  readonly use: ImageUse;
  readonly then: ContainerSeen | undefined;
  readonly now: ContainerSeen;
}

function resultOf({ use, then, now }: Change, first: FirstSeen): PullOutcome['result'] | undefined {
  const hadFailed = then !== undefined && hasFailed(then);
  if (hasFailed(now)) return hadFailed && isSameTry(then, now) ? undefined : 'failed';
  const hasStarted = now.containerId !== '' && now.containerId !== (then?.containerId ?? '');
  if (!hasStarted || now.imageId === '') return undefined;
  // With Always each start queries the registry. Otherwise a start proves a pull only where the image was absent before.
  const wasAbsent = hadFailed || (now.restarts === 0 && first.absent.has(use.written));
  return use.policy === 'Always' || wasAbsent ? 'pulled' : undefined;
}

/** ErrImagePull after a back-off is a new try; the back-off after an error belongs to the same try. */
function isSameTry(then: ContainerSeen, now: ContainerSeen): boolean {
  return now.reason === 'ImagePullBackOff' || then.reason === now.reason;
}

function hasFailed(container: ContainerSeen): boolean {
  if (container.state !== 'waiting') return false;
  return failures.has(container.reason) || isRawError(container.reason);
}

/** A pull secret that does not decode: the kubelet writes the error's text in place of a CamelCase reason. */
function isRawError(reason: string): boolean {
  return reason.includes(' ');
}
