/** Reads a Pod spec's placement. The spec is untrusted: invalid parts are left out and listed in `problems`. */
import type { Fields } from '#data/fields.ts';
import { int64 } from '#go/integer.ts';

export interface Placement {
  /** Bypasses the scheduler; empty where the scheduler chooses. */
  readonly nodeName: string;
  /** `spec.os.name`: a kubelet of another system rejects such a Pod. Empty: any. */
  readonly os: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  /** One of these must match. undefined: nothing is required. An empty list matches no node. */
  readonly terms: readonly Term[] | undefined;
  readonly tolerations: readonly Toleration[];
  /** What the API server would refuse, or what this version does not know. */
  readonly problems: readonly string[];
}

/** All requirements must be met. A term without requirements matches no node. */
export interface Term {
  readonly expressions: readonly Requirement[];
  /** The only supported field is metadata.name. */
  readonly fields: readonly Requirement[];
  /** An invalid term matches nothing; other terms may match. */
  readonly isInvalid: boolean;
}

type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

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

/** `kind` is the workload's: the DaemonSet controller adds tolerations to its Pods. Never throws, whatever the input. */
export function placementOf(podSpec: unknown, kind = 'Pod'): Placement {
  const spec = fieldsOf(podSpec);
  const problems: string[] = [];
  const warn = (problem: string): void => {
    if (!problems.includes(problem)) problems.push(problem);
  };
  const read = {
    nodeName: textOf(spec['nodeName']),
    os: textOf(fieldsOf(spec['os'])['name']),
    nodeSelector: readSelector(spec['nodeSelector'], warn),
    terms: readTerms(spec['affinity'], warn),
    tolerations: listOf(spec['tolerations']).flatMap((one) => readToleration(fieldsOf(one), warn)),
  };
  const tolerations =
    kind === 'DaemonSet' ? [...read.tolerations, ...daemonTolerations(spec['hostNetwork'] === true)] : read.tolerations;
  return { ...read, tolerations, problems };
}

type Warn = (problem: string) => void;

function readSelector(value: unknown, warn: Warn): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([key, wanted]) => {
      if (typeof wanted === 'string') return [[key, wanted]];
      warn(`nodeSelector ${key} is no text`);
      return [];
    }),
  );
}

function readTerms(affinity: unknown, warn: Warn): readonly Term[] | undefined {
  const required = fieldsOf(fieldsOf(affinity)['nodeAffinity'])['requiredDuringSchedulingIgnoredDuringExecution'];
  if (required === undefined || required === null) return undefined;
  const terms = listOf(fieldsOf(required)['nodeSelectorTerms']);
  if (terms.length === 0) warn('the required node affinity has no terms, so that no node matches');
  return terms.map((term) => {
    const expressions = listOf(fieldsOf(term)['matchExpressions']).map((one) => readExpression(fieldsOf(one)));
    const fields = listOf(fieldsOf(term)['matchFields']).map((one) => readField(fieldsOf(one)));
    const read = [...expressions, ...fields];
    for (const one of read) if (typeof one === 'string') warn(one);
    return {
      expressions: expressions.filter(isRequirement),
      fields: fields.filter(isRequirement),
      isInvalid: !read.every(isRequirement),
    };
  });
}

function isRequirement(read: Requirement | string): read is Requirement {
  return typeof read !== 'string';
}

const operators: readonly Operator[] = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

/** labels.NewRequirement: the number of values that each operator takes. */
function readExpression(fields: Fields): Requirement | string {
  const key = textOf(fields['key']);
  const written = textOf(fields['operator']);
  const operator = operators.find((known) => known === written);
  const values = listOf(fields['values']).filter((value) => typeof value === 'string');
  const where = `node affinity on ${key === '' ? '(no key)' : key}`;
  if (key === '') return `${where}: a requirement without a key`;
  if (operator === undefined) return `${where}: unknown operator ${written === '' ? '(none)' : written}`;
  if (values.length !== listOf(fields['values']).length) return `${where}: a value is no text`;
  const wrong = whyValuesAreWrong(operator, values);
  return wrong === undefined ? { key, operator, values } : `${where}: ${operator} ${wrong}`;
}

function whyValuesAreWrong(operator: Operator, values: readonly string[]): string | undefined {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length > 0 ? undefined : 'needs values';
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0 ? undefined : 'takes no values';
    case 'Gt':
    case 'Lt':
      return values.length === 1 && int64(values[0]) !== undefined ? undefined : 'needs exactly one integer';
  }
}

/** nodeSelectorRequirementsAsFieldSelector takes In and NotIn with one value; the API server, metadata.name only. */
function readField(fields: Fields): Requirement | string {
  const read = readExpression(fields);
  if (typeof read === 'string') return read;
  if (read.key !== 'metadata.name') return `node affinity: no field ${read.key} can be asked for, only metadata.name`;
  if (read.operator !== 'In' && read.operator !== 'NotIn')
    return `node affinity on metadata.name: operator ${read.operator} is not for fields`;
  return read.values.length === 1 ? read : 'node affinity on metadata.name: exactly one value is allowed';
}

function readToleration(fields: Fields, warn: Warn): readonly Toleration[] {
  const key = textOf(fields['key']);
  const written = textOf(fields['operator']) || 'Equal';
  const value = textOf(fields['value']);
  const effect = textOf(fields['effect']);
  const name = `toleration of ${key === '' ? 'every key' : key}`;
  if (key === '' && written !== 'Exists') {
    warn(`${name}: without a key the operator must be Exists`);
    return [];
  }
  switch (written) {
    case 'Gt':
    case 'Lt':
      warn(
        `${name}: operator ${written} needs the feature gate TaintTolerationComparisonOperators, which is off by default`,
      );
      return [{ key, operator: written, value, effect }];
    case 'Equal':
    case 'Exists':
      return [{ key, operator: written, value, effect }];
    default:
      warn(`${name}: unknown operator ${written}`);
      return [];
  }
}

/** AddOrUpdateDaemonPodTolerations. */
function daemonTolerations(hostNetwork: boolean): readonly Toleration[] {
  const given = [
    ['not-ready', 'NoExecute'],
    ['unreachable', 'NoExecute'],
    ['disk-pressure', 'NoSchedule'],
    ['memory-pressure', 'NoSchedule'],
    ['pid-pressure', 'NoSchedule'],
    ['unschedulable', 'NoSchedule'],
    ...(hostNetwork ? [['network-unavailable', 'NoSchedule']] : []),
  ];
  return given.map(([name = '', effect = '']) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    value: '',
    effect,
  }));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
