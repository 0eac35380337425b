/**
 * Whether a start of the Pod on this node would ask the registry, and so how soon a rehearsal matters: pure, from the pull
 * policy, what is on the node, and the kubelet's version and verification policy (k8s pkg/kubelet/images/image_manager.go
 * and pullmanager, v1.36). An image that need not be pulled now is still rehearsed, at a slower pace: the next node or the
 * next cleanup will ask.
 */
import type { Demand } from '#node/view.ts';

export interface Need {
  /** `perhaps`: it cannot be told from here. */
  readonly asks: 'yes' | 'no' | 'perhaps';
  readonly because: string;
  /** What is on the node may be kept from a Pod whose credentials have not proved access. */
  readonly needsProof?: true;
}

/** KubeletConfiguration imagePullCredentialsVerificationPolicy; its default is NeverVerifyPreloadedImages. */
export interface Verification {
  /** As in node.status.nodeInfo: `v1.36.2`. */
  readonly kubeletVersion: string;
  readonly policy?: string;
}

export function needOf(demand: Pick<Demand, 'policy' | 'present'>, verification: Verification): Need {
  const { policy, present } = demand;
  if (policy === 'Always') return { asks: 'yes', because: 'pull policy Always asks the registry at each start' };
  if (present === 'no' && policy === 'Never')
    return { asks: 'no', because: 'pull policy Never and not on the node: the kubelet fails without asking' };
  if (present === 'no') return { asks: 'yes', because: 'it is not on the node' };
  if (present === 'unknown') return { asks: 'perhaps', because: 'the kubelet lists its largest images only' };
  const proof = verifies(verification) ? { needsProof: true as const } : {};
  if (policy === 'Never')
    return { asks: 'no', because: 'it is on the node, and pull policy Never asks nobody', ...proof };
  if (!verifies(verification)) return { asks: 'no', because: 'it is on the node' };
  return {
    ...proof,
    asks: 'perhaps',
    because: 'it is on the node; the kubelet pulls it again for a Pod whose credentials have not proved access',
  };
}

/** Feature gate KubeletEnsureSecretPulledImages: on by default since 1.35. */
function verifies({ kubeletVersion, policy }: Verification): boolean {
  const [, major = '0', minor = '0'] = /^v?(\d{1,4})\.(\d{1,4})\./.exec(kubeletVersion) ?? [];
  const isOn = Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 35);
  return isOn && policy !== 'NeverVerify';
}
