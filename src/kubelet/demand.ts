/** What the cluster asks of a node: an image, for whom, under which pull policy and with which pull secrets. */
import type { Image } from '#image/reference.ts';
import type { Outcome } from '#report/outcome.ts';
import type { PullPolicy } from './pull-policy.ts';
import type { PullSecret } from './pull-secret.ts';

/** One container or image volume of one workload. */
export interface Requester {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `container web`, `init container migrate`, `image volume models`; empty for a bare reference. */
  readonly part: string;
  /** A workload that may still send a Pod to this node; absent where its Pod is on the node. */
  readonly coming?: true;
}

export interface Demand {
  readonly image: Outcome<Image>;
  /** The user's string, also where it does not parse. */
  readonly written: string;
  /** A stable name where the same image is requested with different secrets or policies; otherwise `written`. */
  readonly id?: string;
  readonly policy: PullPolicy;
  readonly requestedBy: readonly Requester[];
  /** In the kubelet's order (pod.spec.imagePullSecrets). */
  readonly secrets: readonly PullSecret[];
  /** Whether the image is on this node; `unknown` where the node's list of images does not decide it. */
  readonly present: 'yes' | 'no' | 'unknown';
  /** The shortest time that one of the Pods has to start, in seconds; absent where none is known. */
  readonly deadlineS?: number;
  /** Processors of the nodes that the Pods may be placed on; absent: any. */
  readonly architectures?: readonly string[];
  /** Manifest digests that the containers run now, each once; absent where none is known. */
  readonly running?: readonly string[];
  /** Whether a start of the Pods on this node would query the registry; absent where it is not known. */
  readonly asks?: 'yes' | 'no' | 'perhaps';
  /** The image is on the node, and the kubelet may require proof that the Pods' credentials can pull it. */
  readonly needsProof?: true;
}
