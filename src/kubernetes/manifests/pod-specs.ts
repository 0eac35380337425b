/**
 * Finds what becomes Pods in a Kubernetes object of any kind: by its shape (a mapping that holds a list of containers with
 * images), at any depth, so that Argo's Rollout, Knative's Service and kinds yet unwritten need no entry here.
 */
import { type Fields, isFields } from '#data/fields.ts';
import { deadlineOf } from '#kubernetes/deadline.ts';
import type { Piece, Remark } from './manifest-stream.ts';

/** One Pod specification and the object it stands in. */
export interface PodSpec {
  readonly at: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly spec: Fields;
  readonly deadlineS?: number;
}

/** An object out of the stream, Lists already opened. */
export interface Manifest {
  readonly at: string;
  readonly kind: string;
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly fields: Fields;
}

/** Deeper than any kind known; YAML's aliases can make circles. */
const maxDepth = 32;
const maxSteps = 200_000;
const containerLists = ['containers', 'initContainers', 'ephemeralContainers'] as const;

/** Kinds of Kubernetes itself that make Pods: one without containers is a mistake worth saying. */
const workloads = /^(Pod|PodTemplate|Deployment|StatefulSet|DaemonSet|ReplicaSet|ReplicationController|Job|CronJob)$/;
const ownGroups = /^(|apps|batch|extensions)$/;
/** Kinds that hold text or schemas which may look like Pods and become none. */
const inert = /^(ConfigMap|Secret|ServiceAccount|CustomResourceDefinition|Event|PodMetrics)$/;

/** The objects of a piece: itself, or the items of a List, however nested. */
export function* manifestsIn(piece: Piece, namespace: string, depth = 0): Generator<Manifest | Remark> {
  const { value: fields, at } = piece;
  const kind = textOf(fields['kind']);
  const items = fields['items'];
  if (Array.isArray(items) && (kind === '' || kind.endsWith('List'))) {
    if (depth >= 8) {
      yield { at, what: 'Lists within Lists within Lists: not opened any further' };
      return;
    }
    for (const [index, value] of items.entries()) {
      const place = `${at}, item ${index + 1}`;
      if (isFields(value)) yield* manifestsIn({ at: place, value: withKind(value, kind) }, namespace, depth + 1);
      else yield { at: place, what: 'this item is not a Kubernetes object' };
    }
    return;
  }
  if (kind === '') {
    yield { at, what: 'this document has no kind, so it is not a Kubernetes object; it is not read' };
    return;
  }
  const metadata = isFields(fields['metadata']) ? fields['metadata'] : {};
  const name = textOf(metadata['name']) || textOf(metadata['generateName']);
  const group = /^([^/]+)\//.exec(textOf(fields['apiVersion']))?.[1] ?? '';
  yield { at, kind, group, namespace: textOf(metadata['namespace']) || namespace, name, fields };
}

/** Items of a typed list (`PodList`, as the API serves it) do not repeat their kind. */
function withKind(item: Fields, listKind: string): Fields {
  if (item['kind'] !== undefined || !/^\w+List$/.test(listKind)) return item;
  return { ...item, kind: listKind.slice(0, -'List'.length) };
}

export function podSpecsIn(manifest: Manifest): {
  readonly specs: readonly PodSpec[];
  readonly problems: readonly Remark[];
} {
  const { at, kind, group, namespace, name, fields } = manifest;
  const own = ownGroups.test(group);
  if (own && inert.test(kind)) return { specs: [], problems: [] };
  if (inert.test(kind) && kind === 'CustomResourceDefinition') return { specs: [], problems: [] };
  const found: Fields[] = [];
  const walk = { steps: 0, found };
  for (const [key, value] of Object.entries(fields)) {
    if (key !== 'status' && key !== 'metadata') search(value, walk, 1);
  }
  const title = `${at}, ${kind} ${namespace}/${name}`;
  const problems: Remark[] = [];
  if (walk.steps >= maxSteps) problems.push({ at: title, what: 'too large to be searched to its end' });
  if (found.length === 0 && own && workloads.test(kind)) problems.push({ at: title, what: 'it has no containers' });
  const specs = found.map((spec): PodSpec => {
    const deadlineS = own ? deadlineOf(kind, fields, spec) : deadlineOf('Pod', spec, spec);
    return { at: title, kind, namespace, name, spec, ...(deadlineS === undefined ? {} : { deadlineS }) };
  });
  return { specs, problems };
}

function search(value: unknown, walk: { steps: number; readonly found: Fields[] }, depth: number): void {
  walk.steps += 1;
  if (depth > maxDepth || walk.steps >= maxSteps || typeof value !== 'object' || value === null) return;
  if (isFields(value) && isPodSpecShaped(value)) {
    walk.found.push(value);
    return;
  }
  for (const inner of Object.values(value)) search(inner, walk, depth + 1);
}

/** Patches of an operator's Pods (Prometheus' spec.containers) have names but no images: they are none. */
function isPodSpecShaped(value: Fields): boolean {
  return containerLists.some((key) => {
    const list = value[key];
    return Array.isArray(list) && list.some((entry) => isFields(entry) && 'image' in entry);
  });
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
