/**
 * What may import what (src/README.md, "Rules"). `npm run lint` runs this; test/architecture.test.ts breaks each rule in a
 * copy and sees it caught.
 */

/** Modules that compute a result from their arguments alone: no clock, no file, no socket. */
const pure = [
  '^src/(go|data|image|kubelet|report|forecast|budget)/',
  '^src/runtime/[^/]+\\.ts$',
  '^src/runtime/(containerd|crio|docker)/[^/]+\\.ts$',
  '^src/node/view\\.ts$',
  '^src/(catalog/share|check/landing|check/sample-nodes|registry/http/(token-realm|warning-header|error-body|rate-limit))\\.ts$',
];

/** The interface of a runtime and the files that join a runtime's pure part to its files and to the network. */
const joins = '^src/runtime/(runtime|runtimes|[^/]+/runtime)\\.ts$';

const only = (name, comment, packages, folders) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: folders },
  to: { path: packages },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle has no order in which it can be read. Types count as well.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'main.ts does not reach this file: remove it.',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', reachable: false },
    },
    {
      name: 'pure-imports-pure',
      comment: 'A pure module imports pure modules only.',
      severity: 'error',
      from: { path: pure, pathNot: joins },
      // A type leaves nothing behind in the running program.
      to: { path: '^src/', pathNot: pure, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'pure-uses-no-builtins',
      comment: 'A pure module uses no Node module but node:buffer and node:crypto.',
      severity: 'error',
      from: { path: pure, pathNot: joins },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto)$' },
    },
    only(
      'files-and-processes-in-node',
      'Only node/ reads files and runs programs.',
      '^(node:)?(fs|fs/promises|child_process)$',
      '^src/node/',
    ),
    only(
      'sockets-in-registry',
      'Only registry/ opens sockets to registries; kubernetes/ and output/http have their own.',
      '^(node:)?(net|tls|dgram|dns|http|https|http2)$',
      '^src/(registry|kubernetes|output/http)/',
    ),
    only(
      'http-client-in-registry',
      'Only registry/ and kubernetes/ use an HTTP client.',
      'node_modules/undici/',
      '^src/(registry|kubernetes)/',
    ),
    only(
      'api-server-in-kubernetes',
      'Only kubernetes/ speaks to the API server.',
      'node_modules/(@kubernetes|ws)/',
      '^src/kubernetes/',
    ),
    only(
      'metrics-and-log-in-output',
      'Only output/ knows metrics and log lines.',
      'node_modules/(prom-client|pino)/',
      '^src/output/',
    ),
    {
      name: 'runtimes-apart',
      comment: 'One runtime never imports another. What they share is in runtime/, registry/, image/ or kubelet/.',
      severity: 'error',
      from: { path: '^src/runtime/(containerd|crio|docker)/' },
      to: { path: '^src/runtime/(containerd|crio|docker)/', pathNot: '^src/runtime/$1/' },
    },
    {
      name: 'output-decides-nothing',
      comment: 'output/ is given what it shows: it never starts a pull, reads a file or asks the cluster.',
      severity: 'error',
      from: { path: '^src/output/' },
      to: { path: '^src/(agent|check|catalog/(?!share)|rehearsal|registry|node/(?!view)|kubernetes)/' },
    },
    {
      name: 'registry-knows-no-kubernetes',
      comment: 'The wire protocol has never heard of Pods, commands or pages.',
      severity: 'error',
      from: { path: '^src/registry/' },
      to: { path: '^src/(agent|check|catalog|commands|config|forecast|kubernetes|output|rehearsal|runtime)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
