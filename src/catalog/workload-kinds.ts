/** The kinds of objects that create Pods, their paths in the API, and the place of the Pod template in them. */
import { at, fieldsOf, listAt, textAt } from '#kubernetes/api/json.ts';

export interface WorkloadKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** The path to the Pod template; every Pod template below it counts. */
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

/** Items of a list have no kind; those of a custom resource do. */
export function kindOf(object: unknown, { plural }: WorkloadKind): string {
  return textAt(object, 'kind') || (kindNames[plural] ?? plural);
}

export function pathOf({ group, version, plural }: WorkloadKind): string {
  return group === '' ? `/api/${version}/${plural}` : `/apis/${group}/${version}/${plural}`;
}

/** `deployments.apps`. */
export function nameOf({ group, plural }: WorkloadKind): string {
  return group === '' ? plural : `${plural}.${group}`;
}

/**
 * The object creates no Pods, or another object that is read stands for it: the owner of a ReplicaSet, such as its Deployment, or
 * the CronJob of a Job. A Job that has ended creates none.
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

/** The Pod specs below the template's path: one in the kinds of Kubernetes, any number in others (replicatedJobs of a JobSet). */
export function podSpecsOf(object: unknown, { template }: WorkloadKind): readonly unknown[] {
  const found: unknown[] = [];
  search(at(object, ...template), found, 0);
  return found;
}

/** A Pod spec has a list of containers, at least one of which names an image. */
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
