/**
 * A node with ten Pods: the recorded ones, moved to two registries on loopback, of which one knows its users by pull secrets
 * (right, old, malformed) and one by what the node's plugin says. What each Pod then gets is what the recorded kubelet got.
 */
import { join } from 'node:path';
import { FakeKube, token } from './fake-kube.ts';
import { type Json, at, object, recordedWatch, text } from './fake-kube-json.ts';
import { FakeRegistry, image } from './fake-registry.ts';
import { type NodeRoot, nodeRoot } from './node-root.ts';

/** What no output may hold. */
export const secrets = {
  right: 'canary-right-4f1d',
  old: 'canary-old-9b2c',
  plugin: 'canary-plugin-77aa',
  serviceAccount: token,
} as const;

/** Every form in which a secret could be met again. */
export function formsOf(secret: string): readonly string[] {
  const encoded = [secret, `puller:${secret}`].map((plain) => Buffer.from(plain).toString('base64').replace(/=+$/, ''));
  return [secret, ...encoded];
}

export interface BusyNode extends AsyncDisposable {
  readonly kube: FakeKube;
  readonly hub: FakeRegistry;
  readonly cloud: FakeRegistry;
  readonly root: NodeRoot;
  /** A kubeconfig for the fake API server, and the agent's configuration. */
  readonly config: string;
  /** A new Pod of each kind, and everything that its kubelet then said of it. */
  readonly rollOut: () => void;
  readonly pods: readonly BusyPod[];
}

export interface BusyPod {
  /** The recorded Pod's name. */
  readonly name: string;
  readonly image: string;
  readonly verdict: 'pulls' | 'fails';
  readonly code?: string;
  readonly result: 'pulled' | 'failed';
}

type Place = 'hub' | 'cloud';
const kinds: readonly (readonly [name: string, Place, path: string, code?: string])[] = [
  ['ok-basic-secret', 'hub', 'team/app:v1'],
  ['auth-basic-wrong', 'hub', 'team/app:v1', 'auth.rejected'],
  ['auth-two-secrets-second-right', 'hub', 'team/app:v1'],
  ['auth-secret-missing', 'hub', 'team/app:v1', 'credential.secret_missing'],
  ['auth-secret-bad-base64', 'hub', 'team/app:v1', 'credential.malformed'],
  ['auth-wrong-secret-on-public-repo', 'hub', 'team/api:v1', 'auth.rejected'],
  ['auth-service-account-secret', 'cloud', 'team/app:v1'],
  ['reg-tag-missing', 'cloud', 'team/app:gone', 'manifest.unknown_tag'],
  ['name-uppercase', 'cloud', 'Team/App:v1', 'image.malformed'],
  ['policy-never-absent', 'cloud', 'team/never:v1', 'image.never_pulled'],
];

const oldOnes = ['auth-basic-wrong-0', 'auth-two-secrets-second-right-0', 'auth-wrong-secret-on-public-repo-0'];
const rightOnes = ['ok-basic-secret-0', 'auth-two-secrets-second-right-1'];

export async function busyNode(settings = ''): Promise<BusyNode> {
  await using building = new AsyncDisposableStack();
  const users = { puller: secrets.right };
  const images = { 'team/app:v1': image(), 'team/api:v1': image({ seed: 'api' }), 'pause:3': image({ seed: 'pause' }) };
  const hub = building.use(await FakeRegistry.open({ images, auth: { scheme: 'basic', users } }));
  const cloudAuth = { scheme: 'bearer', users: { robot: secrets.plugin } } as const;
  const cloud = building.use(await FakeRegistry.open({ images, auth: cloudAuth }));
  const hosts = { hub: hub.host, cloud: cloud.host };
  const kube = await new FakeKube().listen();
  building.defer(() => kube.close());
  kube.pods.clear();
  for (const name of oldOnes) kube.setSecret(pullSecret(name, hub.host, secrets.old));
  for (const name of rightOnes) kube.setSecret(pullSecret(name, hub.host, secrets.right));
  kube.setSecret(pullSecret('auth-secret-bad-base64-0', hub.host, undefined));
  const stories = kinds.map(([name, place, path]) => storyOf(name, `${hosts[place]}/${path}`));
  for (const [first] of stories) if (first !== undefined) kube.emitPod('ADDED', renamed(first, 'old'));
  const root = building.use(await nodeRoot(filesOf(cloud.host)));
  await root.add({ 'drypull/kubeconfig': kubeconfig(kube.url), 'drypull/config.yaml': configOf(root.path, settings) });
  const held = building.move();
  return {
    kube,
    hub,
    cloud,
    root,
    config: join(root.path, 'drypull/config.yaml'),
    rollOut: () => {
      for (const story of stories) for (const pod of story) kube.emitPod('MODIFIED', pod);
    },
    pods: kinds.map(([name, place, path, code]) => ({
      name,
      image: `${hosts[place]}/${path}`,
      verdict: code === undefined ? 'pulls' : 'fails',
      ...(code === undefined ? {} : { code }),
      result: code === undefined ? 'pulled' : 'failed',
    })),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** A recorded Pod from its first sight until it was told to end, with another image. */
function storyOf(name: string, written: string): readonly Json[] {
  const pods = recordedWatch()
    .map((line) => object(at(JSON.parse(line), 'object')))
    .filter((pod) => text(pod, 'metadata', 'name') === name && text(pod, 'metadata', 'deletionTimestamp') === '');
  const [container] = at(pods[0], 'spec', 'containers') as readonly Json[];
  const moved = JSON.stringify(pods).replaceAll(text(container, 'image'), written);
  // The recorded one had its secret from a ServiceAccount; here the node's plugin has it.
  const bare =
    name === 'auth-service-account-secret'
      ? moved.replaceAll(/"imagePullSecrets":\[[^\]]*\]/g, '"imagePullSecrets":[]')
      : moved;
  return JSON.parse(bare) as Json[];
}

function renamed(pod: Json, suffix: string): Json {
  const metadata = object(pod['metadata']);
  const name = `${text(metadata, 'name')}-${suffix}`;
  return { ...pod, metadata: { ...metadata, name, uid: `${text(metadata, 'uid')}-${suffix}` } };
}

function pullSecret(name: string, host: string, password: string | undefined): Json {
  const entry = password === undefined ? { auth: '!!!not-base64!!!' } : { username: 'puller', password };
  const config = JSON.stringify({ auths: { [host]: entry } });
  return {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name, namespace: 'shop' },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(config).toString('base64') },
  };
}

function filesOf(cloud: string): Parameters<typeof nodeRoot>[0] {
  const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
  const auth = { [cloud]: { username: 'robot', password: secrets.plugin } };
  const answer = {
    kind: 'CredentialProviderResponse',
    apiVersion,
    cacheKeyType: 'Registry',
    cacheDuration: '1h',
    auth,
  };
  const provider = { name: 'cloud', apiVersion, matchImages: [cloud], defaultCacheDuration: '1h' };
  const providers = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers: [provider] };
  return {
    'var/lib/kubelet/config.yaml': 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n',
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
    'etc/containerd/config.toml':
      'version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n' + `  sandbox = "${cloud}/pause:3"\n`,
    'plugins/config.yaml': JSON.stringify(providers),
    'plugins/bin/cloud': { text: `#!/bin/sh\ncat >/dev/null\necho '${JSON.stringify(answer)}'\n`, mode: 0o755 },
  };
}

export function kubeconfig(server: string): string {
  return JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

function configOf(root: string, settings: string): string {
  return `listen: 127.0.0.1:0
checkListen: off
schedule: 1h
jitter: 0
nodeName: node1
hostRoot: ${root}
kubeconfig: ${root}/drypull/kubeconfig
imageCredentialProviderConfig: /plugins/config.yaml
imageCredentialProviderBinDir: /plugins/bin
logLevel: debug
${settings}
`;
}
