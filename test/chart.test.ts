/** charts/drypull renders what manifests/ renders, refuses wrong values, and documents each value. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { describedSchema, documentedReadme, readmePath, schemaPath, valuesPath } from '../scripts/chart-docs.ts';
import { type Values, baseValues, chart, charted, comparable, helm, merged, template, valuesOf } from './kit/chart.ts';
import { at, text } from './kit/fake-kube-json.ts';
import { needs } from './kit/installed.ts';
import { listOf, ofKind, renderedWith } from './kit/rendered.ts';

const hasHelm = needs(['helm', 'kubectl']);
const here = new URL('..', import.meta.url);
/** `listener-tls` patches the PodMonitor, so it comes after `monitoring`. */
const components = readdirSync(new URL('manifests/components', here)).toSorted((a, b) =>
  a === 'listener-tls' ? 1 : b === 'listener-tls' ? -1 : a < b ? -1 : 1,
);
const read = (path: string): string => readFileSync(path, 'utf8');

describe.runIf(hasHelm)('the chart renders what kustomize renders', () => {
  test('of the base', () => {
    expect(comparable(charted(baseValues))).toEqual(comparable(renderedWith([])));
  });

  test.each(components)('of the base with the component %s', (component) => {
    const values = merged(baseValues, valuesOf(component));
    expect(comparable(charted(values))).toEqual(comparable(renderedWith([component])));
  });

  test('of the base with all components that go together', () => {
    const all = components.filter((name) => !name.startsWith('distribution-'));
    const values = merged(baseValues, ...all.map(valuesOf));
    expect(comparable(charted(values))).toEqual(comparable(renderedWith(all)));
  });
});

describe.runIf(hasHelm)('helm', () => {
  test('lint --strict finds nothing', () => {
    const { status, stdout } = helm(['lint', '--strict', chart]);
    expect([status, stdout]).toEqual([0, expect.not.stringMatching(/WARNING|ERROR/)]);
  });

  const matrix: readonly (readonly [what: string, values: Values])[] = [
    ['the defaults', {}],
    ['everything', merged(...components.filter((name) => !name.startsWith('distribution-')).map(valuesOf))],
    ['an image by digest', { image: { digest: `sha256:${'a'.repeat(64)}` } }],
    ['configuration as text', { config: 'schedule: 10m\nimages: [registry.k8s.io/pause:3.10]\n' }],
    ['Secrets of namespaces', { pullSecrets: { scope: 'namespaces', namespaces: { shop: ['hub'], bank: [] } } }],
    [
      'other directories',
      { hostDisk: true, host: { kubeletRoot: '/data/kubelet', containerdRoot: '/data/containerd' } },
    ],
    ['a network policy', { catalog: { enabled: true }, networkPolicy: { enabled: true } }],
    [
      'what a Pod can have',
      {
        extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
        extraVolumes: [{ name: 'plugins', hostPath: { path: '/home/kubernetes/bin' } }],
        extraVolumeMounts: [{ name: 'plugins', mountPath: '/host/home/kubernetes/bin', readOnly: true }],
        tolerations: [],
        affinity: { nodeAffinity: {} },
        podLabels: { team: 'platform' },
        podAnnotations: { note: 'x' },
        commonLabels: { team: 'platform' },
        imagePullSecrets: [{ name: 'own' }],
        serviceAccount: { annotations: { note: 'x' } },
        updateStrategy: { type: 'OnDelete' },
      },
    ],
  ];

  test.each(matrix)('lint --strict finds nothing with %s', (_what, values) => {
    const { status, stdout } = helm(['lint', '--strict', chart, '--values', '-'], JSON.stringify(values));
    expect([status, stdout]).toEqual([0, expect.not.stringMatching(/WARNING|ERROR/)]);
  });

  test.each(matrix)('renders %s', (_what, values) => {
    const objects = charted(values);
    for (const one of objects) {
      expect(text(one, 'metadata', 'name')).toMatch(/^drypull/);
      expect(text(one, 'metadata', 'labels', 'app.kubernetes.io/managed-by')).toBe('Helm');
    }
    expect(ofKind(objects, 'DaemonSet')).toHaveLength(1);
  });
});

describe.runIf(hasHelm)('values', () => {
  const podOf = (values: Values): unknown => at(ofKind(charted(values), 'DaemonSet')[0], 'spec', 'template', 'spec');
  const containerOf = (values: Values): unknown => listOf(at(podOf(values), 'containers'))[0];

  test('an image by digest has no tag', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    expect(containerOf({ image: { digest, tag: '1' } })).toMatchObject({ image: `ghcr.io/drypull/drypull@${digest}` });
  });

  test('more directories of the node are mounted read-only below /host', () => {
    const directories = ['/var/lib/rancher/k3s/agent/etc', '/var/snap/microk8s'];
    const pod = podOf({ runAsRoot: true, host: { directories } });
    expect(at(pod, 'securityContext')).toMatchObject({ runAsNonRoot: false, runAsUser: 0, runAsGroup: 0 });
    const mounts = listOf(at(listOf(at(pod, 'containers'))[0], 'volumeMounts')).slice(-2);
    expect(mounts).toEqual([
      { name: 'host-var-lib-rancher-k3s-agent-etc', mountPath: `/host${directories[0] ?? ''}`, readOnly: true },
      { name: 'host-var-snap-microk8s', mountPath: `/host${directories[1] ?? ''}`, readOnly: true },
    ]);
    expect(listOf(at(pod, 'volumes')).slice(-2)).toEqual([
      { name: 'host-var-lib-rancher-k3s-agent-etc', hostPath: { path: directories[0] } },
      { name: 'host-var-snap-microk8s', hostPath: { path: directories[1] } },
    ]);
  });

  test('Secrets of namespaces are a Role in each, and no ClusterRole', () => {
    const objects = charted({ pullSecrets: { scope: 'namespaces', namespaces: { shop: ['hub'], bank: [] } } });
    const roles = ofKind(objects, 'Role').filter((one) => text(one, 'metadata', 'name') === 'drypull-pull-secrets');
    expect(roles.map((one) => [text(one, 'metadata', 'namespace'), one['rules']])).toEqual([
      ['bank', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]],
      ['shop', [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['hub'], verbs: ['get'] }]],
    ]);
    const bindings = ofKind(objects, 'RoleBinding').filter(
      (one) => text(one, 'roleRef', 'name') === 'drypull-pull-secrets',
    );
    expect(bindings.map((one) => text(one, 'metadata', 'namespace'))).toEqual(['bank', 'shop']);
    for (const one of bindings)
      expect(one['subjects']).toEqual([{ kind: 'ServiceAccount', name: 'drypull', namespace: 'drypull' }]);
    expect(JSON.stringify(ofKind(objects, 'ClusterRole'))).not.toContain('secrets');
  });

  test('another namespace holds every object and every subject', () => {
    const objects = charted(merged(...components.map(valuesOf), { namespace: { name: 'images' } }));
    expect(JSON.stringify(objects)).not.toContain('"namespace":"drypull"');
    expect(JSON.stringify(objects)).toContain('"namespace":"images"');
  });

  test.each([
    ['auto', [], 0],
    ['auto', ['--api-versions', 'monitoring.coreos.com/v1'], 1],
    [true, [], 1],
    [false, ['--api-versions', 'monitoring.coreos.com/v1'], 0],
  ] as const)('monitoring.enabled %s with %j renders %i PodMonitor', (enabled, args, count) => {
    expect(ofKind(charted({ monitoring: { enabled } }, ...args), 'PodMonitor')).toHaveLength(count);
  });

  test('the catalog can be reached by those that are named, and reaches the API server', () => {
    const from = [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }];
    const values = { catalog: { enabled: true }, networkPolicy: { enabled: true, ingressFrom: from } };
    expect(ofKind(charted(values), 'NetworkPolicy')[0]?.['spec']).toMatchObject({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'drypull-catalog' } },
      ingress: [{ ports: [{ port: 'http' }], from }],
      egress: [{ ports: [{ port: 443 }, { port: 6443 }] }, { ports: [{ port: 53 }, { port: 53 }] }],
    });
  });
});

describe.runIf(hasHelm)('a wrong value is refused, with its path and what is allowed', () => {
  test.each<[what: string, values: Values, message: RegExp]>([
    ['a misspelt value', { hostDsk: true }, /additional properties 'hostDsk' not allowed/],
    ['a misspelt part', { image: { name: 'x' } }, /at '\/image': additional properties 'name' not allowed/],
    ['a number as tag', { image: { tag: 1.5 } }, /at '\/image\/tag': got number, want string/],
    ['a tag with a slash', { image: { tag: 'a/b' } }, /at '\/image\/tag': 'a\/b' does not match pattern/],
    [
      'a short digest',
      { image: { digest: 'sha256:abc' } },
      /at '\/image\/digest': 'sha256:abc' does not match pattern/,
    ],
    [
      'a pull policy',
      { image: { pullPolicy: 'always' } },
      /at '\/image\/pullPolicy': value must be one of '', 'Always'/,
    ],
    ['a text as boolean', { hostProc: 'yes' }, /at '\/hostProc': got string, want boolean/],
    ['an unquoted off', { pullSecrets: { scope: false } }, /at '\/pullSecrets\/scope': value must be one of 'none'/],
    ['an unknown scope', { pullSecrets: { scope: 'all' } }, /value must be one of 'none', 'cluster', 'namespaces'/],
    [
      'namespaces without one',
      { pullSecrets: { scope: 'namespaces' } },
      /at '\/pullSecrets\/namespaces': minProperties/,
    ],
    ['a name as namespaces', { pullSecrets: { namespaces: { shop: 'hub' } } }, /\/shop': got string, want array/],
    [
      'a configuration list',
      { config: ['schedule'] },
      /at '\/config': got array, want (object or string|string or object)/,
    ],
    [
      'a relative directory',
      { host: { kubeletRoot: 'var/lib' } },
      /at '\/host\/kubeletRoot': 'var\/lib' does not match/,
    ],
    ['a misspelt quantity', { resources: { limits: { memory: '2Q' } } }, /'2Q' does not match pattern/],
    ['an unknown resource key', { resources: { limit: {} } }, /at '\/resources': additional properties 'limit'/],
    ['an unknown operator', { tolerations: [{ operator: 'Exist' }] }, /\/0\/operator': value must be one of 'Exists'/],
    ['monitoring of the unknown', { monitoring: { enabled: 'maybe' } }, /value must be one of true, false, 'auto'/],
    [
      'an interval without unit',
      { monitoring: { interval: '60' } },
      /at '\/monitoring\/interval': '60' does not match/,
    ],
    ['a port out of range', { networkPolicy: { apiServerPorts: [70000] } }, /maximum: got 70,?000, want 65,?535/],
    [
      'a verb that writes',
      { catalog: { extraRules: [{ apiGroups: [''], resources: ['x'], verbs: ['get'] }] } },
      /'list'/,
    ],
    [
      'two agents on one node',
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
      /maxSurge/,
    ],
    [
      'a level that forbids the agent',
      { namespace: { podSecurity: { enforce: 'baseline' } } },
      /one of '', 'privileged'/,
    ],
    ['a mount without a path', { extraVolumeMounts: [{ name: 'x' }] }, /missing property 'mountPath'/],
    ['a label that is a number', { commonLabels: { tier: 1 } }, /at '\/commonLabels\/tier': got number, want string/],
  ])('%s', (_what, values, message) => {
    const { status, stdout, stderr } = template(values);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.split('\n').length).toBeLessThan(8);
  });
});

describe('the documentation of the chart', () => {
  test('schema and README describe every value as values.yaml does (npm run chart writes them)', () => {
    const [values, schema, readme] = [read(valuesPath), read(schemaPath), read(readmePath)];
    expect(schema).toBe(describedSchema(schema, values));
    expect(readme).toBe(documentedReadme(readme, schema, values));
  });

  test('the schema allows no value that values.yaml does not have', () => {
    const described = (schema: Values, path: string): readonly string[] =>
      Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Values>>).flatMap(([name, one]) => [
        ...(one['description'] === undefined ? [`${path}${name}`] : []),
        ...described(one, `${path}${name}.`),
      ]);
    const missing = described(JSON.parse(read(schemaPath)) as Values, '');
    expect(missing.filter((path) => !path.startsWith('updateStrategy.'))).toEqual([]);
  });

  test.runIf(hasHelm)('NOTES.txt says how to verify the installation', () => {
    const { stdout } = helm(['install', 'drypull', chart, '--dry-run=client', '--namespace', 'drypull']);
    for (const command of [
      'kubectl -n drypull rollout status daemonset/drypull',
      'helm test drypull -n drypull',
      'npx drypull nodes',
      'kubectl -n drypull port-forward daemonset/drypull 9467',
    ])
      expect(stdout).toContain(command);
  });
});

describe('helm test', () => {
  const script = read(`${chart}/files/ask-agent.js`);
  const ask = async (agent: string): Promise<readonly [code: number, output: string]> => {
    const env = { AGENT: agent, PATIENCE_MS: '1' };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
      return [0, stdout];
    } catch (error) {
      const { code, stderr } = error as { readonly code: number; readonly stderr: string };
      return [code, stderr];
    }
  };

  test.runIf(hasHelm)('runs this script in the image, without a token', () => {
    const { stdout } = template({}, '--show-only', 'templates/tests/ask-agent.yaml');
    for (const line of script.trim().split('\n')) expect(stdout).toContain(line.trim());
    expect(stdout).toContain('automountServiceAccountToken: false');
    expect(stdout).toContain('value: http://drypull.drypull.svc:9467');
  });

  test.each([
    ['passes when an agent is ready, whatever its node would get', 200, 0, '/node answers 503: tls.expired'],
    ['fails when the agent is not ready', 503, 1, '/readyz answers 503'],
  ])('%s', async (_what, ready, code, output) => {
    const server = createServer(({ url }, response) => {
      response.writeHead(url === '/readyz' ? ready : 503).end(url === '/readyz' ? '' : 'tls.expired\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { readonly port: number };
    try {
      expect(await ask(`http://127.0.0.1:${port}`)).toEqual([code, expect.stringContaining(output)]);
    } finally {
      server.close();
    }
  });

  test('fails when there is no agent', async () => {
    expect(await ask('http://127.0.0.1:1')).toEqual([1, expect.stringContaining('ECONNREFUSED')]);
  });
});
