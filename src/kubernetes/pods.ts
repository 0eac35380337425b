/**
 * One Pod of the API server, reduced to what is asked of this node: who it is, which images it names and how its containers
 * stand. The rest of the object is forgotten at once, so that 500 Pods stay small.
 */
import { placementOf } from '#kubelet/placement.ts';
import { architecturesOf } from '#kubelet/placement-architectures.ts';
import { type ImageUse, imagesOf, secretNamesOf } from './pod-images.ts';
import { deadlineOf } from './deadline.ts';
import { at, listAt, numberAt, textAt } from '#kubernetes/api/json.ts';

export interface PodSeen {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** ISO 8601, by the API server's clock. */
  readonly created: string;
  /** A mirror of a file on the node. Admission gives it no secrets of a ServiceAccount. */
  readonly isStatic: boolean;
  /** Over, or told to end: the kubelet pulls nothing for it any more. */
  readonly isOver: boolean;
  readonly uses: readonly ImageUse[];
  readonly secretNames: readonly string[];
  readonly deadlineS?: number;
  /** Of the nodes that it could have landed on; absent: any. */
  readonly architectures?: readonly string[];
  readonly containers: readonly ContainerSeen[];
}

export interface ContainerSeen {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'terminated' | 'unknown';
  /** Of the waiting or terminated state. */
  readonly reason: string;
  readonly message: string;
  readonly imageId: string;
  /** Changes with each start. */
  readonly containerId: string;
  readonly restarts: number;
}

/** Undefined where it is no Pod: without a uid, a name or a namespace nothing can be told about it. */
export function readPod(pod: unknown): PodSeen | undefined {
  const [uid, namespace, name] = ['uid', 'namespace', 'name'].map((field) => textAt(pod, 'metadata', field));
  if (!uid || !namespace || !name) return undefined;
  const phase = textAt(pod, 'status', 'phase');
  const spec = at(pod, 'spec');
  const deadlineS = deadlineOf('Pod', pod, spec);
  const architectures = architecturesOf(placementOf(spec));
  return {
    uid,
    namespace,
    name,
    created: textAt(pod, 'metadata', 'creationTimestamp'),
    isStatic: textAt(pod, 'metadata', 'annotations', 'kubernetes.io/config.mirror') !== '',
    isOver: phase === 'Succeeded' || phase === 'Failed' || textAt(pod, 'metadata', 'deletionTimestamp') !== '',
    uses: imagesOf(spec, { kind: 'Pod', namespace, name }),
    secretNames: secretNamesOf(spec),
    ...(deadlineS === undefined ? {} : { deadlineS }),
    ...(architectures === undefined ? {} : { architectures }),
    containers: ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'].flatMap((list) =>
      listAt(pod, 'status', list).map(readContainer),
    ),
  };
}

const states = ['waiting', 'running', 'terminated'] as const;

function readContainer(status: unknown): ContainerSeen {
  const state = states.find((name) => at(status, 'state', name) !== undefined) ?? 'unknown';
  return {
    name: textAt(status, 'name'),
    state,
    reason: textAt(status, 'state', state, 'reason'),
    // The kubelet's texts are short; a registry's page inside one need not be kept whole.
    message: textAt(status, 'state', state, 'message').slice(0, 4096),
    imageId: textAt(status, 'imageID'),
    containerId: textAt(status, 'containerID') || textAt(status, 'state', 'terminated', 'containerID'),
    restarts: numberAt(status, 'restartCount') ?? 0,
  };
}
