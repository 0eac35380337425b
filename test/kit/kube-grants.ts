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

export const componentGrants = {
  'pull-secrets': ['get core/secrets'],
  'node-condition': ['get core/nodes', 'patch core/nodes/status', 'create events.k8s.io/events'],
  'listener-auth': ['create authentication.k8s.io/tokenreviews', 'create authorization.k8s.io/subjectaccessreviews'],
  'listener-tls': [],
  'host-proc': [],
  'host-disk': [],
  'credential-plugins': [],
  monitoring: [],
} as const;

export const everyGrant: ReadonlySet<string> = new Set<string>([
  ...baseGrants,
  ...Object.values(componentGrants).flat(),
]);
