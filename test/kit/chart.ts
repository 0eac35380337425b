/** What `helm template` makes of charts/drypull, as objects, and which values turn on what a component of manifests/ turns on. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { type Json, at, object, text } from './fake-kube-json.ts';
import { installed } from './installed.ts';
import { listOf } from './rendered.ts';

export const chart = join(import.meta.dirname, '../../charts/drypull');

export type Values = Readonly<Record<string, unknown>>;

/** What makes the chart render manifests/base. */
export const baseValues: Values = {
  image: { repository: 'drypull' },
  namespace: { create: true },
  config: { schedule: '5m' },
};

/** By folder of manifests/components. */
const componentValues: Readonly<Record<string, Values>> = {
  catalog: { catalog: { enabled: true } },
  'catalog-nodes': { catalog: { enabled: true, nodes: true } },
  'credential-plugins': { credentialPlugins: true },
  'distribution-gke': { distribution: 'gke' },
  'distribution-k0s': { distribution: 'k0s' },
  'distribution-k3s': { distribution: 'k3s' },
  'distribution-microk8s': { distribution: 'microk8s' },
  'host-disk': { hostDisk: true },
  'host-opt': {
    extraVolumes: [{ name: 'host-opt', hostPath: { path: '/opt', type: 'Directory' } }],
    extraVolumeMounts: [{ name: 'host-opt', mountPath: '/host/opt', readOnly: true }],
  },
  'host-proc': { hostProc: true },
  'listener-auth': { listenerAuth: true },
  'listener-tls': { listenerTls: { enabled: true } },
  monitoring: { monitoring: { enabled: true } },
  'node-condition': { nodeCondition: true },
  'pull-secrets': { pullSecrets: { scope: 'cluster' } },
  'read-as-root': { runAsRoot: true },
  'shared-reservations': { sharedReservations: true },
};

export function valuesOf(component: string): Values {
  const values = componentValues[component];
  if (values === undefined)
    throw new Error(`${component}: add its values to test/kit/chart.ts, and what they render to charts/drypull`);
  return values;
}

/** Later ones win; maps are merged, as Helm merges its values. */
export function merged(...all: readonly Values[]): Values {
  return all.reduce((into, values) => {
    const both = Object.entries(values).map(([key, value]) => {
      const old = into[key];
      return [key, isMap(old) && isMap(value) ? merged(old, value) : value] as const;
    });
    return { ...into, ...Object.fromEntries(both) };
  }, {});
}

export interface HelmEnded {
  readonly status: number | null;
  readonly stdout: string;
  /** Without what Helm logs about the chart's symbolic links. */
  readonly stderr: string;
}

export function helm(args: readonly string[], input = ''): HelmEnded {
  const { status, stdout, stderr } = spawnSync(installed('helm') ?? 'helm', args, {
    input,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const lines = stderr.split('\n').filter((line) => !line.includes('found symbolic link'));
  return { status, stdout, stderr: lines.join('\n').trim() };
}

export function template(values: Values, ...args: readonly string[]): HelmEnded {
  const release = ['template', 'drypull', chart, '--namespace', 'drypull', '--values', '-'];
  return helm([...release, ...args], JSON.stringify(values));
}

/** The objects without those that only `helm test` applies. */
export function charted(values: Values, ...args: readonly string[]): readonly Json[] {
  const { status, stdout, stderr } = template(values, ...args);
  if (status !== 0) throw new Error(stderr);
  // Helm reads YAML 1.1, where 0440 is octal.
  return parseAllDocuments(stdout, { version: '1.1' })
    .map((document) => document.toJS() as unknown)
    .filter(isMap)
    .map(object)
    .filter((one) => text(one, 'metadata', 'annotations', 'helm.sh/hook') === '');
}

const helmLabels = [
  'helm.sh/chart',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/version',
  'app.kubernetes.io/managed-by',
];

/**
 * By kind, namespace and name, without what differs by intent: Helm's labels, the order of lists, the names of
 * volumes, the layout of drypull.yaml.
 */
export function comparable(objects: readonly Json[]): Readonly<Record<string, unknown>> {
  const entries = objects.map((one) => {
    const key = ['kind', 'metadata.namespace', 'metadata.name'].map((path) => text(one, ...path.split('.'))).join(' ');
    return [key, ordered(withNamedVolumes(withParsedConfig(withoutHelmLabels(one))))] as const;
  });
  if (new Set(entries.map(([key]) => key)).size !== entries.length) throw new Error('two objects have one name');
  return Object.fromEntries(entries);
}

function withoutHelmLabels(one: Json): Json {
  const metadata = object(one['metadata']);
  const labels = Object.entries(object(metadata['labels'] ?? {})).filter(([name]) => !helmLabels.includes(name));
  const rest = Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'labels'));
  return { ...one, metadata: labels.length === 0 ? rest : { ...rest, labels: Object.fromEntries(labels) } };
}

function withParsedConfig(one: Json): Json {
  const config = text(one, 'data', 'drypull.yaml');
  return config === '' ? one : { ...one, data: { 'drypull.yaml': parse(config) as unknown } };
}

/** Each volume is called by what it is, in the Pod and in its mounts. */
function withNamedVolumes(one: Json): Json {
  if (!['DaemonSet', 'Deployment'].includes(text(one, 'kind'))) return one;
  const pod = object(at(one, 'spec', 'template', 'spec'));
  const names = new Map(
    listOf(pod['volumes']).map((volume) => {
      const source = Object.entries(volume).filter(([key]) => key !== 'name');
      return [text(volume, 'name'), JSON.stringify(ordered(Object.fromEntries(source)))];
    }),
  );
  const named = (item: Json): Json => ({ ...item, name: names.get(text(item, 'name')) ?? text(item, 'name') });
  const containers = listOf(pod['containers']).map((container) => ({
    ...container,
    volumeMounts: listOf(container['volumeMounts']).map(named),
  }));
  const spec = { ...pod, containers, volumes: listOf(pod['volumes']).map(named) };
  const outer = object(one['spec']);
  return { ...one, spec: { ...outer, template: { ...object(outer['template']), spec } } };
}

/** Kubernetes merges the lists of a Pod by name or path, so their order means nothing. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(ordered);
    return items.every(isMap) ? items.toSorted((a, b) => compare(nameOf(a), nameOf(b))) : items;
  }
  if (isMap(value)) {
    const entries = Object.entries(value).toSorted(([a], [b]) => compare(a, b));
    return Object.fromEntries(entries.map(([key, one]) => [key, ordered(one)]));
  }
  // kustomize writes a folded block scalar with one more line break before a line that is indented further.
  return typeof value === 'string' ? value.replaceAll('\n\n', '\n') : value;
}

function nameOf({ mountPath, name }: Values): string {
  const key = mountPath ?? name;
  return typeof key === 'string' ? key : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
