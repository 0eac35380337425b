import { readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { accounts } from '#kubernetes/service-accounts.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { readConfigz } from '#kubernetes/api/configz.ts';
import { indexName } from '#catalog/publish.ts';
import { readFleet } from '#kubernetes/fleet-size.ts';
import { publisher } from '#kubernetes/publish.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { watchCatalog } from '#catalog/watch-catalog.ts';
import { reserveInLease } from '#kubernetes/lease-reservations.ts';
import { watchDemand } from '#kubernetes/watch-demand.ts';
import { shownBy } from '../src/node/distributions/mounts.ts';
import { type KubeCall, grantText, scopedText } from './kit/fake-kube-call.ts';
import { type Json, at, text } from './kit/fake-kube-json.ts';
import { needs } from './kit/installed.ts';
import {
  baseGrants,
  baseOwnGrants,
  catalogGrants,
  catalogNodesGrants,
  componentGrants,
  everyGrant,
  ownNamespaceGrants,
  turnsGrants,
} from './kit/kube-grants.ts';
import { type KubeWorld, kubeWorld } from './kit/kube-world.ts';
import { readImage } from './kit/read-image.ts';
import { grantsOf, listOf, ofKind, renderedFolder, renderedOverlay, renderedWith, rolesOf } from './kit/rendered.ts';

const hasKubectl = needs(['kubectl']);
const components = Object.keys(componentGrants) as (keyof typeof componentGrants)[];
const sorted = (texts: Iterable<string>): readonly string[] => [...new Set(texts)].sort();

const podOf = (objects: readonly Json[]): Json =>
  at(ofKind(objects, 'DaemonSet')[0], 'spec', 'template', 'spec') as Json;
const containerOf = (objects: readonly Json[]): Json => listOf(podOf(objects)['containers'])[0] ?? {};
const mountsOf = (objects: readonly Json[]): readonly Json[] => listOf(containerOf(objects)['volumeMounts']);

const agent = 'drypull';
const scopedGrants = (objects: readonly Json[], account: string): readonly string[] =>
  rolesOf(objects, 'Role', account).flatMap((role) =>
    grantsOf([role]).map((grant) => `${grant} in ${text(role, 'metadata', 'namespace')}`),
  );

/** Opens every door of the cluster room that an agent opens, once. */
async function callEverything(world: KubeWorld): Promise<void> {
  const { cluster, kube, time } = world;
  const nothing = (): void => undefined;
  const watch = watchDemand(cluster, 'node1', {
    ...time.dependencies,
    readImage,
    onChange: nothing,
    onOutcome: nothing,
  });
  const place = { name: 'node1', labels: {}, taints: [], unschedulable: false };
  const coming = watchCatalog(cluster, 'drypull', { ...time.dependencies, place: () => place, onChange: nothing });
  await kube.until(({ watches }) => watches === 3);
  await accounts(cluster, time.now).secretNames('shop', 'default');
  const secrets = pullSecrets(cluster, time.dependencies);
  const [demand] = watch.current().demands;
  const state = { is: 'unseen', why: 'not_given' } as const;
  if (demand !== undefined)
    await secrets.withSecrets({ ...demand, secrets: [{ namespace: 'shop', name: 'hub', state }] });
  const publish = publisher(cluster, 'node1', time.dependencies);
  publish.publish({ status: 'True', reason: 'AllPull', message: '' });
  await publish.writeEvent({ about: 'app:1', type: 'Normal', reason: 'ImagePullWouldSucceed', note: '' });
  while (publish.state().is !== 'written') await turn();
  kube.people.set('reader', { user: 'reader', may: [] });
  await readerAccess(cluster, time).admit('Bearer reader', '/metrics');
  await readConfigz(cluster, kube.url);
  await readFleet(cluster, { namespace: 'drypull', name: 'drypull' });
  const turns = { namespace: 'drypull', budgetKey: 'public.ecr.aws', node: 'node1' };
  for (let i = 0; i < 2; i += 1) await reserveInLease(cluster, turns, { perMinute: 6, cost: 1 });
  secrets.close();
  await coming.close();
  await publish.close();
  await watch.close();
}

test('the code calls what the roles grant, and the roles grant what the code calls', async () => {
  await using world = await kubeWorld();
  world.time.hold();
  await callEverything(world);
  const isOwn = (call: KubeCall): boolean => ['configmaps', 'daemonsets', 'leases'].includes(call.resource);
  const logged = world.kube.calls.map((call) => (isOwn(call) ? scopedText(call) : grantText(call)));
  expect(sorted(logged)).toEqual(sorted(everyGrant));
});

describe.runIf(hasKubectl)('the base', () => {
  const base = hasKubectl ? renderedWith([]) : [];

  test('holds what an installation needs', () => {
    expect(sorted(base.map((one) => text(one, 'kind')))).toEqual([
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'DaemonSet',
      'Namespace',
      'ResourceQuota',
      'Role',
      'RoleBinding',
      'Service',
      'ServiceAccount',
    ]);
  });

  test('grants its own calls and no other', () => {
    expect(sorted(grantsOf(ofKind(base, 'ClusterRole')))).toEqual(sorted(baseGrants));
    expect(sorted(scopedGrants(base, agent))).toEqual(sorted(baseOwnGrants));
  });

  test('reads no DaemonSet but its own', () => {
    expect(ofKind(base, 'Role').map((role) => [at(role, 'metadata', 'namespace'), role['rules']])).toEqual([
      ['drypull', [{ apiGroups: ['apps'], resources: ['daemonsets'], resourceNames: ['drypull'], verbs: ['get'] }]],
    ]);
  });

  test("runs in the node's network, everywhere, before everything that needs images", () => {
    expect(podOf(base)).toMatchObject({
      hostNetwork: true,
      dnsPolicy: 'Default',
      tolerations: [{ operator: 'Exists' }],
      priorityClassName: 'system-node-critical',
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    });
    expect(at(ofKind(base, 'DaemonSet')[0], 'spec', 'updateStrategy')).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: '10%' },
    });
  });

  test('is nobody, and can write nothing', () => {
    expect(podOf(base)['securityContext']).toEqual({
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(containerOf(base)['securityContext']).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(podOf(base)).not.toHaveProperty('hostPID');
  });

  test('asks for 10m and 80Mi, and is bounded', () => {
    expect(containerOf(base)['resources']).toEqual({
      requests: { cpu: '10m', memory: '80Mi' },
      limits: { memory: '200Mi' },
    });
  });

  test('is probed about itself, never about registries', () => {
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) =>
      at(containerOf(base), probe, 'httpGet', 'path'),
    );
    expect(probes).toEqual(['/livez', '/livez', '/readyz']);
  });

  test('reads directories of the host, of which none holds a socket, a Secret or a process', () => {
    const paths = listOf(podOf(base)['volumes'])
      .map((volume) => text(volume, 'hostPath', 'path'))
      .filter(Boolean);
    expect(paths).toEqual(['/etc', '/usr', '/run/systemd/resolve']);
    expect(JSON.stringify(base)).not.toMatch(/secretKeyRef|secretName|"secrets"|nodes\/proxy/);
  });

  test('is found, agent by agent, through a headless Service', () => {
    const [service] = ofKind(base, 'Service');
    expect(service?.['spec']).toMatchObject({ clusterIP: 'None', ports: [{ port: 9467, targetPort: 'http' }] });
    expect(listOf(containerOf(base)['ports'])).toEqual([{ name: 'http', containerPort: 9467 }]);
  });
});

describe.runIf(hasKubectl).each(components)('the component %s', (component) => {
  const objects = hasKubectl ? renderedWith([component]) : [];

  test('grants its own calls beside those of the base', () => {
    const isCatalog = component === 'catalog' || component === 'catalog-nodes';
    const expected = [...baseGrants, ...componentGrants[isCatalog ? 'catalog' : component]];
    expect(sorted(grantsOf(rolesOf(objects, 'ClusterRole', agent)))).toEqual(sorted(expected));
    const own = isCatalog ? ownNamespaceGrants : component === 'shared-reservations' ? turnsGrants : [];
    expect(sorted(scopedGrants(objects, agent))).toEqual(sorted([...baseOwnGrants, ...own]));
  });

  test('mounts the host read-only, below /host', () => {
    for (const mount of mountsOf(objects)) expect(mount).toMatchObject({ readOnly: true });
    const volumes = new Map(listOf(podOf(objects)['volumes']).map((volume) => [volume['name'], volume]));
    for (const mount of mountsOf(objects)) {
      const path = text(volumes.get(mount['name']), 'hostPath', 'path');
      if (path !== '') expect(mount['mountPath']).toBe(`/host${path}`);
    }
  });

  test('leaves the safety of the base alone', () => {
    expect(containerOf(objects)['securityContext']).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      privileged: false,
      capabilities: { drop: ['ALL'], ...(component === 'host-proc' ? { add: ['SYS_PTRACE'] } : {}) },
    });
    expect(podOf(objects)).toMatchObject({ hostNetwork: true, tolerations: [{ operator: 'Exists' }] });
  });

  test('binds every role to a ServiceAccount of its own, and none to a group', () => {
    for (const binding of [...ofKind(objects, 'ClusterRoleBinding'), ...ofKind(objects, 'RoleBinding')]) {
      const name = text(binding, 'roleRef', 'name');
      expect(ofKind(objects, text(binding, 'roleRef', 'kind')).map((role) => text(role, 'metadata', 'name'))).toContain(
        name,
      );
      const [subject, ...others] = listOf(binding['subjects']);
      expect(others).toEqual([]);
      expect(subject).toMatchObject({ kind: 'ServiceAccount', namespace: 'drypull' });
      const accounts = ofKind(objects, 'ServiceAccount').map((account) => text(account, 'metadata', 'name'));
      expect(accounts).toContain(subject?.['name']);
    }
  });

  test('reads Secrets through the API only if it is pull-secrets', () => {
    expect(JSON.stringify(grantsOf(objects)).includes('secrets')).toBe(component === 'pull-secrets');
  });
});

describe.runIf(hasKubectl)('with listener-tls', () => {
  const objects = hasKubectl ? renderedWith(['monitoring', 'listener-tls']) : [];

  test('the kubelet and Prometheus ask by HTTPS', () => {
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      expect(at(containerOf(objects), probe, 'httpGet')).toMatchObject({ scheme: 'HTTPS', port: 'http' });
    expect(ofKind(objects, 'PodMonitor')[0]).toMatchObject({ spec: { podMetricsEndpoints: [{ scheme: 'https' }] } });
  });

  test('certificate and key are where the agent is told, and its group may read them', () => {
    const env = new Map(listOf(containerOf(objects)['env']).map((one) => [one['name'], one['value']]));
    const [mount] = mountsOf(objects).filter(({ name }) => name === 'listener-tls');
    expect(env.get('DRYPULL_LISTEN_TLS_CERT')).toBe(`${text(mount, 'mountPath')}/tls.crt`);
    expect(env.get('DRYPULL_LISTEN_TLS_KEY')).toBe(`${text(mount, 'mountPath')}/tls.key`);
    const [volume] = listOf(podOf(objects)['volumes']).filter(({ name }) => name === 'listener-tls');
    expect(volume).toMatchObject({ secret: { secretName: 'drypull-tls', defaultMode: 0o440 } });
    expect(podOf(objects)['securityContext']).toMatchObject({ fsGroup: 65532, runAsGroup: 65532 });
  });
});

test.runIf(hasKubectl)("the Pods' volumes stay hidden where the kubelet's directory is mounted", () => {
  for (const chosen of [['credential-plugins'], ['host-disk'], ['credential-plugins', 'host-disk']] as const) {
    const mounts = mountsOf(renderedWith(chosen)).map((mount) => [mount['mountPath'], mount['name']]);
    expect(mounts.filter(([path]) => path === '/host/var/lib/kubelet')).toEqual([
      ['/host/var/lib/kubelet', 'host-kubelet'],
    ]);
    expect(mounts).toContainEqual(['/host/var/lib/kubelet/pods', 'nothing']);
  }
});

describe.runIf(hasKubectl)('what the components show of the node', () => {
  const pathsOf = (chosen: readonly string[]): readonly string[] =>
    listOf(podOf(renderedWith(chosen))['volumes'])
      .map((volume) => text(volume, 'hostPath', 'path'))
      .filter(Boolean);

  test('is what remedies say that they show', () => {
    const base = pathsOf([]);
    const added = components.flatMap((component) =>
      pathsOf([component])
        .filter((path) => !base.includes(path))
        .map((path) => `${component} ${path}`),
    );
    // The kubelet's directory is shown by two; remedies name the one that can read it.
    const said = shownBy.map(({ component, path }) => `${component} ${path}`);
    expect(sorted([...base.map((path) => `base ${path}`), ...added])).toEqual(
      sorted([...said, 'host-disk /var/lib/kubelet']),
    );
  });

  test.each(components)('is never made by mounting it: %s', (component) => {
    const base = pathsOf([]);
    const types = listOf(podOf(renderedWith([component]))['volumes'])
      .filter((volume) => ![...base, '/proc', ''].includes(text(volume, 'hostPath', 'path')))
      .map((volume) => text(volume, 'hostPath', 'type'));
    expect(types.filter((type) => type !== 'Directory')).toEqual([]);
  });

  test.each([
    ['distribution-microk8s', '/host/var/snap/microk8s/common/var/lib/kubelet/pods'],
    ['distribution-k0s', '/host/var/lib/k0s/kubelet/pods'],
  ] as const)("keeps the Pods' volumes hidden: %s", (component, path) => {
    expect(mountsOf(renderedWith([component]))).toContainEqual({ name: 'nothing', mountPath: path, readOnly: true });
  });
});

test.runIf(hasKubectl)('disks that are mounted later are seen', () => {
  const mounts = mountsOf(renderedWith(['credential-plugins', 'host-disk']));
  const seen = mounts.filter((mount) => mount['mountPropagation'] === 'HostToContainer');
  expect(seen.map((mount) => mount['mountPath'])).toEqual(['/host/var/lib/kubelet', '/host/var/lib/containerd']);
});

describe.runIf(hasKubectl)('the catalog', () => {
  const objects = hasKubectl ? renderedWith(['catalog']) : [];
  const [deployment = {}] = ofKind(objects, 'Deployment');
  const pod = at(deployment, 'spec', 'template', 'spec') as Json;
  const [container = {}] = listOf(pod['containers']);

  test('may list and watch workloads, and write ConfigMaps of its own namespace, and nothing else', () => {
    const cluster = grantsOf(rolesOf(objects, 'ClusterRole', 'drypull-catalog'));
    expect(sorted([...cluster, ...scopedGrants(objects, 'drypull-catalog')])).toEqual(sorted(catalogGrants));
    expect(JSON.stringify(cluster)).not.toMatch(/core|secrets/);
    expect(pod['serviceAccountName']).toBe('drypull-catalog');
  });

  test('may list and watch Nodes with the component catalog-nodes only, and does then', () => {
    const both = renderedWith(['catalog-nodes']);
    const added = grantsOf(rolesOf(both, 'ClusterRole', 'drypull-catalog'));
    expect(sorted(added)).toEqual(
      sorted([...grantsOf(rolesOf(objects, 'ClusterRole', 'drypull-catalog')), ...catalogNodesGrants]),
    );
    const [container = {}] = listOf(at(ofKind(both, 'Deployment')[0], 'spec', 'template', 'spec', 'containers'));
    expect(listOf(container['env'])).toContainEqual({ name: 'DRYPULL_CATALOG_NODES', value: 'on' });
  });

  test('updates its index, and no other ConfigMap: the configuration of the agents is one', () => {
    const rules = rolesOf(objects, 'Role', 'drypull-catalog').flatMap((role) => listOf(role['rules']));
    const updating = rules.filter(({ verbs }) => (verbs as readonly string[]).includes('update'));
    expect(updating).toEqual([
      { apiGroups: [''], resources: ['configmaps'], resourceNames: [indexName], verbs: ['update'] },
    ]);
  });

  test('is one, and gone before the next begins', () => {
    expect(deployment['spec']).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  });

  test('is as safe as an agent, and sees nothing of its node', () => {
    const base = renderedWith([]);
    expect(pod['securityContext']).toEqual(podOf(base)['securityContext']);
    expect(container['securityContext']).toEqual(containerOf(base)['securityContext']);
    expect(pod).not.toHaveProperty('hostNetwork');
    expect(JSON.stringify(pod)).not.toContain('hostPath');
  });

  test('is the same program as the agents, and none of their Pods', () => {
    expect(container).toMatchObject({ image: containerOf(objects)['image'], args: ['catalog'] });
    const labels = at(deployment, 'spec', 'template', 'metadata', 'labels');
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'drypull-catalog' });
  });

  test('is read by the agents', () => {
    expect(listOf(containerOf(objects)['env'])).toContainEqual({ name: 'DRYPULL_CATALOG', value: 'auto' });
  });
});

describe.runIf(hasKubectl)('the example', () => {
  const objects = hasKubectl ? renderedOverlay('example') : [];
  const base = hasKubectl ? renderedWith([]) : [];

  test('is the base with the published image, and nothing that a new cluster lacks', () => {
    const { version } = packageJson;
    expect(containerOf(objects)['image']).toBe(`ghcr.io/drypull/drypull:${version}`);
    const named = (all: readonly Json[]): readonly string[] =>
      all.map((one) => `${text(one, 'kind')} ${text(one, 'metadata', 'namespace')} ${text(one, 'metadata', 'name')}`);
    expect(named(objects)).toEqual(named(base));
    expect(podOf(objects)['securityContext']).toEqual(podOf(base)['securityContext']);
  });

  test('names no image: the images of the Pods are known', () => {
    expect(at(ofKind(objects, 'ConfigMap')[0], 'data', 'drypull.yaml')).not.toContain('images:');
  });
});

test.runIf(hasKubectl)('namespaced-pull-secrets grants the named Secrets of one namespace, and no other', () => {
  const objects = renderedFolder('namespaced-pull-secrets');
  expect(objects.map((one) => [text(one, 'kind'), text(one, 'metadata', 'namespace')])).toEqual([
    ['Role', 'shop'],
    ['RoleBinding', 'shop'],
  ]);
  expect(objects[0]?.['rules']).toEqual([
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['registry-credentials'], verbs: ['get'] },
  ]);
});

test('every component and overlay is tested', () => {
  const folders = (path: string): readonly string[] => readdirSync(new URL(`../manifests/${path}`, import.meta.url));
  expect(sorted(folders('components'))).toEqual(sorted(components));
  expect(folders('overlays')).toEqual(['example']);
});
