/** The processors of the nodes that Pods may be placed on, as far as their placement restricts them. */
import { fits, type NodePlace } from './placement.ts';
import type { Placement } from './placement-spec.ts';

/** Those that Kubernetes is built for (k8s build/, v1.36), and those that it was built for. */
const architectures = ['386', 'amd64', 'arm', 'arm64', 'loong64', 'ppc64le', 'riscv64', 's390x'] as const;
/** The second is the older name, which kubelets still write. */
const labels: readonly string[] = ['kubernetes.io/arch', 'beta.kubernetes.io/arch'];

/** undefined: any. Nodes of any processor may meet the other conditions of a placement (a pool, a zone). */
export function architecturesOf(placement: Placement): readonly string[] | undefined {
  const reduced = onlyArchitectures(placement);
  const found = architectures.filter((architecture) => fits(reduced, nodeOf(architecture)).fits);
  return found.length === architectures.length ? undefined : found;
}

function onlyArchitectures({ nodeSelector, terms, ...placement }: Placement): Placement {
  return {
    ...placement,
    nodeName: '',
    os: '',
    nodeSelector: Object.fromEntries(Object.entries(nodeSelector).filter(([key]) => labels.includes(key))),
    // A term without conditions on the processor matches any, but a term without any condition matches no node.
    terms: terms
      ?.filter(({ isInvalid, expressions, fields }) => !isInvalid && expressions.length + fields.length > 0)
      .map((term) => ({
        ...term,
        expressions: [...term.expressions.filter(({ key }) => labels.includes(key)), isNode],
        fields: [],
      })),
  };
}

const isNode = { key: 'kubernetes.io/arch', operator: 'Exists', values: [] } as const;

function nodeOf(architecture: string): NodePlace {
  const own = Object.fromEntries(labels.map((label) => [label, architecture]));
  return { name: '', labels: own, taints: [], unschedulable: false };
}

/** The union; undefined (any) where one of the two is any. */
export function allArchitectures(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined {
  return one === undefined || other === undefined ? undefined : [...new Set([...one, ...other])].sort();
}
