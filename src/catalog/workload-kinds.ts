/** Which kinds of objects make Pods, where they are listed, and where in them the Pod is described. */
import { at, fieldsOf, listAt, textAt } from '#kubernetes/api/json.ts';

export interface WorkloadKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** The keys that lead to what holds the Pod template; every Pod template below counts. */
  readonly template: readonly string[];
}

export const ownKinds: readonly WorkloadKind[] = [
  { group: 'apps', version: 'v1', plural: 'deployments', template: ['spec', 'template'] },
  { group: 'apps', version: 'v1', plural: 'statefulsets', template: ['spec', 'template'] },
  { group: 'apps', version: 'v1', plural: 'daemonsets', template: ['spec', 'template'] },
  { group: 'apps', version: 'v1', plural: 'replicasets', template: ['spec', 'template'] },
  { group: 'batch', version: 'v1', plural: 'jobs', template: ['spec', 'template'] },
  { group: 'batch', version: 'v1', plural: 'cronjobs', template: ['spec', 'jobTemplate', 'spec', 'template'] },
];

const kindNames: Readonly<Record<string, string>> = {
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  replicasets: 'ReplicaSet',
  jobs: 'Job',
  cronjobs: 'CronJob',
};

/** Items of a list do not repeat their kind; those of a custom resource do. */
export function kindOf(object: unknown, { plural }: WorkloadKind): string {
  return textAt(object, 'kind') || (kindNames[plural] ?? plural);
}

export function pathOf({ group, version, plural }: WorkloadKind): string {
  return group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;
}

/** For people, faults and metrics: `deployments.apps`. */
export function nameOf({ group, plural }: WorkloadKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/**
 * No Pods will come of it, or they come of another object that is seen: of a ReplicaSet its Deployment (or whatever else owns
 * it), of a Job its CronJob; and a Job that has ended is over.
 */
export function isLeftOut(object: unknown, { group, plural }: WorkloadKind): boolean {
  if (textAt(object, 'metadata', 'deletionTimestamp') !== '') return true;
  const owner = listAt(object, 'metadata', 'ownerReferences').find((one) => at(one, 'controller') === true);
  if (group === 'apps' && plural === 'replicasets') return owner !== undefined;
  if (group !== 'batch' || plural !== 'jobs') return false;
  if (owner !== undefined && textAt(owner, 'kind') === 'CronJob') return true;
  const ended = listAt(object, 'status', 'conditions').filter((one) => textAt(one, 'status') === 'True');
  return ended.some((one) => ['Complete', 'Failed'].includes(textAt(one, 'type')));
}

const mostDepth = 16;
const mostTemplates = 64;

/** The Pods' specs below the template's place: one in the kinds of Kubernetes, any number in others (JobSet's replicatedJobs). */
export function podSpecsOf(object: unknown, { template }: WorkloadKind): readonly unknown[] {
  const found: unknown[] = [];
  search(at(object, ...template), found, 0);
  return found;
}

/** By its shape: containers, of which one at least names an image. */
function search(value: unknown, found: unknown[], depth: number): void {
  if (depth > mostDepth || found.length >= mostTemplates) return;
  const hasImages = ['containers', 'initContainers'].some((list) =>
    listAt(value, list).some((container) => textAt(container, 'image') !== ''),
  );
  if (hasImages) {
    found.push(value);
    return;
  }
  const inner = Array.isArray(value) ? value : Object.values(fieldsOf(value) ?? {});
  for (const each of inner) search(each, found, depth + 1);
}
