/** How long a Pod has to get its images: its own deadline, and that of the workload it stands in. */
import { at, numberAt } from '#kubernetes/api/json.ts';

/** k8s pkg/apis/apps/v1/defaults.go SetDefaults_Deployment. */
const usualProgressS = 600;

/** Seconds; undefined where there is none. `object`: what holds the Pod's spec. */
export function deadlineOf(kind: string, object: unknown, podSpec: unknown): number | undefined {
  const found = [numberAt(podSpec, 'activeDeadlineSeconds'), ofWorkload(kind, object)].filter(
    (one) => one !== undefined && one > 0,
  );
  return found.reduce(sooner, undefined);
}

function ofWorkload(kind: string, object: unknown): number | undefined {
  switch (kind) {
    case 'Deployment':
      return numberAt(object, 'spec', 'progressDeadlineSeconds') ?? usualProgressS;
    case 'Job':
      return numberAt(object, 'spec', 'activeDeadlineSeconds');
    case 'CronJob':
      return numberAt(at(object, 'spec', 'jobTemplate'), 'spec', 'activeDeadlineSeconds');
    default:
      return undefined;
  }
}

export function sooner(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
