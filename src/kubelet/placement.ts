/**
 * On which nodes Pods may land: nodeName, nodeSelector, required node affinity, taints and tolerations, as the scheduler's
 * filters and the kubelet's admission read them. Resources, volumes, spreading and other Pods are not looked at: they say where
 * there is room now, not where a Pod may pull. Pure.
 *
 * Read in kubernetes v1.36: pkg/scheduler/framework/plugins (nodename, nodeaffinity, nodeunschedulable, tainttoleration),
 * component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go, apimachinery/pkg/labels/selector.go Requirement.Matches,
 * api/core/v1/toleration.go ToleratesTaint, pkg/kubelet/lifecycle/predicate.go, pkg/controller/daemon/util/daemonset_util.go.
 */
import { int64 } from '#go/integer.ts';
import { valueAt } from '#data/value-at.ts';
import { readPlacement } from './placement-spec.ts';

export interface Placement {
  /** Names the node and leaves the scheduler out; empty where the scheduler chooses. */
  readonly nodeName: string;
  /** `spec.os.name`: the kubelet of another system turns such a Pod away. Empty: any. */
  readonly os: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** Any one of these must match; undefined: nothing is required, and an empty list matches no node. */
  readonly terms: readonly Term[] | undefined;
  readonly tolerations: readonly Toleration[];
  /** What the API server would refuse, or what is not known here, in words. */
  readonly problems: readonly string[];
}

/** All requirements must hold. A term without any matches no node. */
export interface Term {
  readonly expressions: readonly Requirement[];
  /** The one field that can be asked for is metadata.name. */
  readonly fields: readonly Requirement[];
  /** Such a term matches nothing; others beside it may. */
  readonly isInvalid: boolean;
}

export type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

export interface Toleration {
  readonly key: string;
  /** Gt and Lt: feature gate TaintTolerationComparisonOperators (alpha since 1.35, off by default). */
  readonly operator: 'Equal' | 'Exists' | 'Gt' | 'Lt';
  readonly value: string;
  readonly effect: string;
}

export interface NodeTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** What of a node decides which Pods may land on it. */
export interface NodePlace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly NodeTaint[];
  readonly unschedulable: boolean;
}

export type Fit = { readonly fits: true } | { readonly fits: false; readonly because: string };

/** The controller of a DaemonSet gives its Pods tolerations; `kind` is the workload's. Whatever is given, nothing throws. */
export function placementOf(podSpec: unknown, kind = 'Pod'): Placement {
  return readPlacement(podSpec, kind === 'DaemonSet');
}

export function fits(placement: Placement, node: NodePlace): Fit {
  const because =
    placement.nodeName === '' ? whyNotScheduled(placement, node) : whyNotAdmitted(placement, node, placement.nodeName);
  return because === undefined ? { fits: true } : { fits: false, because };
}

function whyNotScheduled(placement: Placement, node: NodePlace): string | undefined {
  if (node.unschedulable && !isTolerated(cordon, placement.tolerations)) return 'it is cordoned (unschedulable)';
  const blocking = node.taints.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return untolerated(blocking, placement.tolerations) ?? whyNotMatched(placement, node);
}

/** Without the scheduler the kubelet alone decides, and of taints it looks at NoExecute only. */
function whyNotAdmitted(placement: Placement, node: NodePlace, nodeName: string): string | undefined {
  if (node.name !== nodeName) return `the Pods name the node ${nodeName}`;
  const evicting = node.taints.filter(({ effect }) => effect === 'NoExecute');
  return untolerated(evicting, [...placement.tolerations, ...admitted]) ?? whyNotMatched(placement, node);
}

function whyNotMatched({ os, nodeSelector, terms }: Placement, node: NodePlace): string | undefined {
  const system = labelOf(node, 'kubernetes.io/os');
  if (os !== '' && system !== undefined && system !== os) return `the Pods are for ${os}, and it runs ${system}`;
  for (const [key, value] of Object.entries(nodeSelector)) {
    const has = labelOf(node, key);
    if (has === undefined) return `it has no label ${key}, which must be ${quoted(value)}`;
    if (has !== value) return `its label ${key} is ${quoted(has)}, not ${quoted(value)}`;
  }
  if (terms === undefined || terms.some((term) => matches(term, node))) return undefined;
  return terms.length === 1
    ? `the required node affinity does not match (${terms.map(shown).join('')})`
    : `none of the ${terms.length} terms of the required node affinity matches`;
}

function matches({ expressions, fields, isInvalid }: Term, node: NodePlace): boolean {
  if (isInvalid || expressions.length + fields.length === 0) return false;
  return expressions.every((one) => holds(one, labelOf(node, one.key))) && fields.every((one) => holds(one, node.name));
}

/** `has`: the label's value, undefined where the node has no such label. */
function holds({ operator, values }: Requirement, has: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return has !== undefined && values.includes(has);
    case 'NotIn':
      return has === undefined || !values.includes(has);
    case 'Exists':
      return has !== undefined;
    case 'DoesNotExist':
      return has === undefined;
    case 'Gt':
      return compares(has, values[0], (one, other) => one > other);
    case 'Lt':
      return compares(has, values[0], (one, other) => one < other);
  }
}

/** pkg/apis/core/types.go TaintNodeUnschedulable: a cordoned node counts as having this taint, whether or not it is listed. */
const cordon: NodeTaint = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };

/** Given to each Pod for five minutes by the admission plugin DefaultTolerationSeconds, which is on by default. */
const admitted: readonly Toleration[] = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map(
  (key) => ({ key, operator: 'Exists', value: '', effect: 'NoExecute' }),
);

function untolerated(taints: readonly NodeTaint[], tolerations: readonly Toleration[]): string | undefined {
  const first = taints.find((taint) => !isTolerated(taint, tolerations));
  if (first === undefined) return undefined;
  const { key, value, effect } = first;
  return `its taint ${key}${value === '' ? '' : `=${value}`}:${effect} is not tolerated`;
}

function isTolerated(taint: NodeTaint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}

/** An empty effect means every effect, an empty key every key. */
function tolerates({ key, operator, value, effect }: Toleration, taint: NodeTaint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  switch (operator) {
    case 'Exists':
      return true;
    case 'Equal':
      return value === taint.value;
    case 'Gt':
      return compares(taint.value, value, (one, other) => one > other);
    case 'Lt':
      return compares(taint.value, value, (one, other) => one < other);
  }
}

function compares(
  one: string | undefined,
  other: string | undefined,
  decide: (one: bigint, other: bigint) => boolean,
): boolean {
  const [left, right] = [int64(one), int64(other)];
  return left !== undefined && right !== undefined && decide(left, right);
}

function labelOf({ labels }: NodePlace, key: string): string | undefined {
  return valueAt(labels, key);
}

function shown({ expressions, fields, isInvalid }: Term): string {
  if (isInvalid) return 'it is not valid';
  const parts = [...expressions, ...fields].map(({ key, operator, values }) =>
    values.length === 0 ? `${key} ${operator}` : `${key} ${operator} ${values.join('|')}`,
  );
  return parts.length === 0 ? 'it is empty' : parts.join(', ');
}

function quoted(text: string): string {
  return text === '' ? 'empty' : text;
}
