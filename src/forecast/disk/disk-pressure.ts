/** The Node itself says DiskPressure, also where the agent sees no disk, and for some minutes after there is room again. */
import type { NodeFacts } from '#forecast/facts.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const diskPressure: NodeRule = { name: 'disk-pressure', evaluate };

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
      because: `the Node says DiskPressure${since}: the scheduler sends no Pods here (taint node.kubernetes.io/disk-pressure) and the kubelet refuses those that come ("The node had condition: [DiskPressure]. "), though pulls work`,
      remedy:
        'Free room on the node (`crictl rmi --prune`); the condition goes some minutes (evictionPressureTransitionPeriod) after there is room.',
    },
  ];
}
