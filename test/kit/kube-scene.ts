/** A registry with a login, four Pods that want something of it, and a real API server that knows them. */
import type { PullReport } from '#report/report.ts';
import { containerdConfig } from './containerd.ts';
import { FakeRegistry, image } from './fake-registry.ts';
import type { BuiltImage } from './image.ts';
import { KubeApiserver } from './kube-apiserver.ts';
import { Hands, type PodWish } from './kube-hands.ts';
import { nodeRoot, type NodeRoot } from './node-root.ts';
import { type WholeAgent, wholeAgent } from './whole-agent.ts';

const user = { name: 'puller', password: 'right' };

export interface AttemptContext extends AsyncDisposable {
  readonly server: KubeApiserver;
  readonly hands: Hands;
  readonly registry: FakeRegistry;
  readonly root: NodeRoot;
  readonly image: (path: string) => string;
  readonly agent: (settings?: string) => Promise<WholeAgent>;
  /** One of each kind, `fine-0` and so on. */
  readonly roll: (suffix: string) => Promise<void>;
}

interface SceneWish {
  readonly components: readonly string[];
  /** What `team/app:v1` is. */
  readonly app?: BuiltImage;
  /** Default: in the registry with the login. */
  readonly sandbox?: string;
  readonly pod?: PodWish;
}

/** The first of each kind is there from the start. */
export async function kubeScene({ components, app = image(), sandbox, pod }: SceneWish): Promise<AttemptContext> {
  await using building = new AsyncDisposableStack();
  const server = building.use(await KubeApiserver.open());
  const hands = await Hands.on(server);
  await hands.install(...components);
  const auth = { scheme: 'basic', users: { [user.name]: user.password } } as const;
  const registry = building.use(await FakeRegistry.open({ images: { 'team/app:v1': app }, auth }));
  const root = building.use(await nodeRoot(filesOf(sandbox ?? `${registry.host}/pause:3`)));
  const imageAt = (path: string): string => `${registry.host}/${path}`;
  await hands.secret('right', registry.host, [user.name, user.password]);
  await hands.secret('wrong', registry.host, [user.name, 'old']);
  const agent = async (settings = ''): Promise<WholeAgent> => {
    const kubeconfig = await server.kubeconfig(await server.tokenOf('drypull', 'drypull'));
    const lines = [
      'listen: 127.0.0.1:0',
      'checkListen: off',
      'schedule: 1h',
      'jitter: 0',
      'nodeName: node1',
      'logLevel: debug',
    ];
    await root.add({
      'drypull.yaml': [...lines, `hostRoot: ${root.path}`, `kubeconfig: ${kubeconfig}`, settings, ''].join('\n'),
    });
    return wholeAgent(`${root.path}/drypull.yaml`);
  };
  const roll = async (suffix: string): Promise<void> => {
    for (const { name, path, secrets, policy } of scenePods)
      await hands.pod(`${name}-${suffix}`, imageAt(path), { secrets, policy, ...pod });
  };
  await roll('0');
  const held = building.move();
  const dispose = (): Promise<void> => held.disposeAsync();
  return { server, hands, registry, root, image: imageAt, agent, roll, [Symbol.asyncDispose]: dispose };
}

export const scenePods = [
  { name: 'fine', path: 'team/app:v1', secrets: ['right'], policy: 'Always', verdict: 'pulls' },
  { name: 'gone', path: 'team/app:gone', secrets: ['right'], policy: 'Always', verdict: 'fails manifest.unknown_tag' },
  { name: 'locked', path: 'team/app:v1', secrets: ['wrong'], policy: 'Always', verdict: 'fails auth.rejected' },
  {
    name: 'lost',
    path: 'team/app:v1',
    secrets: ['no-such'],
    policy: 'Always',
    verdict: 'fails credential.secret_missing',
  },
] as const;

const cri = '[plugins."io.containerd.grpc.v1.cri"]\n';

function filesOf(sandbox: string): Parameters<typeof nodeRoot>[0] {
  return {
    'var/lib/kubelet/config.yaml': 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n',
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
    'etc/containerd/config.toml': containerdConfig.replace(cri, `${cri}  sandbox_image = "${sandbox}"\n`),
  };
}

/** Of Pods, with the first one's name for each. */
export function verdictsIn(reports: readonly PullReport[]): Readonly<Record<string, string>> {
  const ofPods = reports.filter(({ requestedBy }) => requestedBy.some(({ kind }) => kind === 'Pod'));
  const logged = ofPods.map(({ requestedBy, verdict }): [string, string] => {
    const why = 'fault' in verdict ? ` ${verdict.fault.code}` : '';
    return [requestedBy[0]?.name.replace(/-0$/, '') ?? '', `${verdict.is}${why}`];
  });
  return Object.fromEntries(logged);
}
