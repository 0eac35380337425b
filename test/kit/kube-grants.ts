/**
 * Every call that some component of manifests/ grants. The fake API server refuses anything else in every test, and
 * test/manifests.test.ts compares this list with the rendered roles: a new call without its rule cannot pass unseen.
 */
export const baseGrants = [
  'list core/pods',
  'watch core/pods',
  'list core/nodes',
  'watch core/nodes',
  'get core/nodes/configz',
] as const;

/** What the base grants in the agents' own namespace. */
export const baseOwnGrants = ['get apps/daemonsets in drypull'] as const;

/** What the component shared-reservations grants to the agents there. */
export const turnsGrants = ['get', 'create', 'update'].map((verb) => `${verb} coordination.k8s.io/leases in drypull`);

export const componentGrants = {
  'pull-secrets': ['get core/secrets'],
  'node-condition': ['get core/nodes', 'patch core/nodes/status', 'create events.k8s.io/events'],
  'listener-auth': ['create authentication.k8s.io/tokenreviews', 'create authorization.k8s.io/subjectaccessreviews'],
  catalog: ['get core/serviceaccounts'],
  'catalog-nodes': [],
  'shared-reservations': [],
  'listener-tls': [],
  'host-proc': [],
  'host-disk': [],
  'credential-plugins': [],
  'distribution-gke': [],
  'distribution-k0s': [],
  'distribution-k3s': [],
  'distribution-microk8s': [],
  'host-opt': [],
  'read-as-root': [],
  monitoring: [],
} as const;

/** What the component catalog grants to the agents in their own namespace. */
export const ownNamespaceGrants = ['list core/configmaps in drypull', 'watch core/configmaps in drypull'] as const;

/** What the component grants to the catalog itself, which is another ServiceAccount. */
export const catalogGrants: ReadonlySet<string> = new Set([
  ...['deployments', 'statefulsets', 'daemonsets', 'replicasets'].flatMap((kind) => listed(`apps/${kind}`)),
  ...['jobs', 'cronjobs'].flatMap((kind) => listed(`batch/${kind}`)),
  ...listed('core/pods', ' in drypull'),
  ...['list', 'create', 'update', 'delete'].map((verb) => `${verb} core/configmaps in drypull`),
]);

/** What the component catalog-nodes adds to it. */
export const catalogNodesGrants: readonly string[] = listed('core/nodes');

function listed(kind: string, where = ''): readonly string[] {
  return ['list', 'watch'].map((verb) => `${verb} ${kind}${where}`);
}

export const everyGrant: ReadonlySet<string> = new Set<string>([
  ...baseGrants,
  ...baseOwnGrants,
  ...Object.values(componentGrants).flat(),
  ...ownNamespaceGrants,
  ...turnsGrants,
]);

/** What `check --nodes` and `drypull nodes` call: with the rights of whoever calls them, never with the DaemonSet's. */
export const askerGrants: ReadonlySet<string> = new Set([
  'list core/nodes',
  'list core/pods',
  'get core/pods/portforward',
  'create core/pods/portforward',
]);
