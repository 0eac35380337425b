/** Which processors the nodes may have on which Pods may land, as far as their placement says. Pure. */
import { fits, type NodePlace, type Placement } from './placement.ts';

/** Those that Kubernetes has been built for (k8s build/, v1.36), and those that it was. */
const architectures = ['386', 'amd64', 'arm', 'arm64', 'loong64', 'ppc64le', 'riscv64', 's390x'] as const;
/** The second is the first's older name, which kubelets still write. */
const labels: readonly string[] = ['kubernetes.io/arch', 'beta.kubernetes.io/arch'];

/** Undefined: any. What else a placement asks for (a pool, a zone) nodes of any processor may have. */
export function architecturesOf(placement: Placement): readonly string[] | undefined {
  const asked = onlyArchitectures(placement);
  const found = architectures.filter((architecture) => fits(asked, nodeOf(architecture)).fits);
  return found.length === architectures.length ? undefined : found;
}

function onlyArchitectures({ nodeSelector, terms, ...placement }: Placement): Placement {
  return {
    ...placement,
    nodeName: '',
    os: '',
    nodeSelector: Object.fromEntries(Object.entries(nodeSelector).filter(([key]) => labels.includes(key))),
    // A term that asks for nothing here matches any processor, where one without any requirement matches no node.
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

/** Whoever may land anywhere makes it anywhere for all. */
export function allArchitectures(
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined {
  return one === undefined || other === undefined ? undefined : [...new Set([...one, ...other])].sort();
}
