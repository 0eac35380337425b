/** The part of the configuration about the catalog of workloads that have no Pod on this node yet. */
import type { WorkloadKind } from '#catalog/workload-kinds.ts';
import { field } from './field.ts';
import {
  type Address,
  type Reading,
  address,
  addressText,
  flaw,
  list,
  oneOf,
  onOff,
  orNull,
  read,
  text,
} from './values.ts';

const same = (value: unknown): unknown => value;
const kindPattern =
  /^([a-z0-9.-]{1,253})\/(v[a-z0-9]{1,30})\/([a-z0-9-]{1,63})(?::([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*))?$/;
const kindAllowed =
  'GROUP/VERSION/PLURAL, and after a colon the path to the Pod template if that is not spec: argoproj.io/v1alpha1/rollouts:spec.template';

export const catalogFields = {
  catalog: field<'auto' | 'off'>({
    env: 'DRYPULL_CATALOG',
    fallback: 'off',
    read: oneOf(['auto', 'off']),
    write: same,
    help: 'Whether the agent also rehearses images that Pods of the catalog (`drypull catalog`) may bring to its node. auto: where the agent may read the catalog.',
  }),
  catalogNamespace: field<string | null>({
    env: 'DRYPULL_CATALOG_NAMESPACE',
    fallback: null,
    read: orNull(text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a namespace')),
    write: same,
    help: "The namespace of the catalog's ConfigMaps and of drypull's own Pods. Default: the Pod's own namespace, else drypull.",
  }),
  catalogKinds: field<readonly WorkloadKind[]>({
    env: 'DRYPULL_CATALOG_KINDS',
    fallback: [],
    read: list(workloadKind, `a list of ${kindAllowed}`),
    write: (kinds) => kinds.map(kindText),
    help: `Further kinds with a Pod template, for the catalog: ${kindAllowed}. The catalog's ClusterRole needs \`list\` and \`watch\` for them.`,
  }),
  catalogNodes: field<boolean>({
    env: 'DRYPULL_CATALOG_NODES',
    fallback: 'off',
    read: onOff,
    write: (value) => (value ? 'on' : 'off'),
    help: 'Whether the catalog also lists the Nodes: an image that only some nodes can get is then shared out among those.',
  }),
  catalogListen: field<Address>({
    env: 'DRYPULL_CATALOG_LISTEN',
    fallback: ':9467',
    read: address,
    write: addressText,
    help: 'The address of the metrics and the health of `drypull catalog`.',
  }),
} as const;

function workloadKind(raw: unknown): Reading<WorkloadKind> {
  const [, group, version, plural, path = 'spec'] = (typeof raw === 'string' ? kindPattern.exec(raw) : null) ?? [];
  if (group === undefined || version === undefined || plural === undefined) return flaw(raw, kindAllowed);
  return read({ group: group === 'core' ? '' : group, version, plural, template: path.split('.') });
}

function kindText({ group, version, plural, template }: WorkloadKind): string {
  return `${group === '' ? 'core' : group}/${version}/${plural}:${template.join('.')}`;
}
