/**
 * What the kubelet then got: two sightings of one Pod compared, container by container. Only changes count, and only such as
 * say something about a pull: a container that waits for a reason of its own is no outcome.
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

/** How the Pod stood when it was new to us. */
export interface FirstSeen {
  readonly at: Date;
  /** Images, as written, that were certainly not on the node then. */
  readonly absent: ReadonlySet<string>;
}

interface Sighting {
  /** When `after` was seen. */
  readonly at: Date;
  readonly first: FirstSeen;
}

/** `before` is undefined for a Pod that was not there. */
export function outcomesOf(before: PodSeen | undefined, after: PodSeen, sighting: Sighting): readonly PullOutcome[] {
  return after.uses.flatMap((use) => {
    const now = after.containers.find(({ name }) => name === use.container);
    if (use.container === '' || now === undefined) return [];
    const then = before?.containers.find(({ name }) => name === use.container);
    const result = resultOf({ use, then, now }, sighting.first);
    if (result === undefined) return [];
    const { namespace, name: pod, part } = use.requester;
    const heard = result === 'failed' ? { reason: now.reason, message: now.message } : { reason: '', message: '' };
    // The first try of a Pod began no sooner than we saw it; when a later one did, nobody says.
    const isFirst = now.restarts === 0 && (then === undefined || !hasFailed(then));
    const begun = isFirst ? sighting.first.at : sighting.at;
    const negotiated = { policy: use.policy, secrets: after.secretNames };
    return [{ image: use.written, namespace, pod, part, ...negotiated, result, ...heard, begun, at: sighting.at }];
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
  // With Always each start asked the registry. Otherwise a start proves a pull only where the image was not there before.
  const wasAbsent = hadFailed || (now.restarts === 0 && first.absent.has(use.written));
  return use.policy === 'Always' || wasAbsent ? 'pulled' : undefined;
}

/** ErrImagePull after its own back-off is a new try; the back-off after an error is the same one. */
function isSameTry(then: ContainerSeen, now: ContainerSeen): boolean {
  return now.reason === 'ImagePullBackOff' || then.reason === now.reason;
}

function hasFailed(container: ContainerSeen): boolean {
  if (container.state !== 'waiting') return false;
  return failures.has(container.reason) || isRawError(container.reason);
}

/** A pull secret that cannot be decoded: the error's text stands where a CamelCase reason belongs. */
function isRawError(reason: string): boolean {
  return reason.includes(' ');
}
