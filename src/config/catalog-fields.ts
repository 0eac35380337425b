/** The rows of the configuration about what is about to land: the catalog, and the agents that read it. */
import type { WorkloadKind } from '#catalog/watch-workloads.ts';
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
  'GROUP/VERSION/PLURAL, and after a colon the path to the Pod template where it is not spec: argoproj.io/v1alpha1/rollouts:spec.template';

export const catalogFields = {
  catalog: field<'auto' | 'off'>({
    env: 'DRYPULL_CATALOG',
    fallback: 'off',
    read: oneOf(['auto', 'off']),
    write: same,
    help: 'Whether the agent also rehearses what `drypull catalog` says is about to land on its node. auto: where the catalog may be read.',
  }),
  catalogNamespace: field<string | null>({
    env: 'DRYPULL_CATALOG_NAMESPACE',
    fallback: null,
    read: orNull(text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'a namespace')),
    write: same,
    help: "Where the catalog's ConfigMaps and drypull's own Pods are. Where not given: the Pod's own namespace, else drypull.",
  }),
  catalogKinds: field<readonly WorkloadKind[]>({
    env: 'DRYPULL_CATALOG_KINDS',
    fallback: [],
    read: list(workloadKind, `a list of ${kindAllowed}`),
    write: (kinds) => kinds.map(kindText),
    help: `Further kinds with a Pod template, for the catalog: ${kindAllowed}. Its ClusterRole needs \`list\` and \`watch\` on them.`,
  }),
  catalogNodes: field<boolean>({
    env: 'DRYPULL_CATALOG_NODES',
    fallback: 'off',
    read: onOff,
    write: (value) => (value ? 'on' : 'off'),
    help: 'Whether the catalog lists the Nodes, too: what only some nodes could get is then shared out among those.',
  }),
  catalogListen: field<Address>({
    env: 'DRYPULL_CATALOG_LISTEN',
    fallback: ':9467',
    read: address,
    write: addressText,
    help: 'Where `drypull catalog` shows its metrics and its own health.',
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
