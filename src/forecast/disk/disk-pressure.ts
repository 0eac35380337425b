/** The Node itself has DiskPressure: also visible when the agent sees no disk, and for some minutes after space is free again. */
import type { NodeFacts } from '#forecast/facts.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const diskPressure: NodeRule = {
  name: 'disk-pressure',
  meta: {
    title: 'The Node has DiskPressure',
    why: 'The scheduler places no Pods on a node with DiskPressure and the kubelet refuses those that arrive, although pulls would work.',
    needs: 'The Node object, so access to the Kubernetes API.',
    remedy:
      'Free space on the node. The condition clears `evictionPressureTransitionPeriod` (5 minutes by default) after space is free.',
  },
  evaluate,
};

function evaluate({ view }: NodeFacts): readonly Prediction[] {
  const { diskPressure: reported } = view.kubelet;
  if (reported?.is !== true) return [];
  const since = reported.since === '' ? '' : ` since ${reported.since}`;
  return [
    {
      about: 'the Node',
      fault: 'disk.pressure',
      likelihood: 'certain',
      effect: 'fails',
      withinS: 0,
      because: `the Node has DiskPressure${since}: the scheduler places no Pods here (taint node.kubernetes.io/disk-pressure) and the kubelet refuses Pods that arrive ("The node had condition: [DiskPressure]. "), though pulls work`,
      remedy:
        'Free space on the node (`crictl rmi --prune`); the condition clears some minutes (evictionPressureTransitionPeriod) after space is free.',
    },
  ];
}
