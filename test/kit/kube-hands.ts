/** What kubectl, controllers and a kubelet would do on a real API server, done by a test's own hands. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { connectByFile } from '#kubernetes/api/connect.ts';
import type { ListWatchOptions } from '#kubernetes/api/list-watch.ts';
import { type Json, text } from './fake-kube-json.ts';
import type { KubeApiserver } from './kube-apiserver.ts';
import { renderedWith } from './rendered.ts';

export const agentUser = 'system:serviceaccount:drypull:drypull';

export class Hands {
  readonly server: KubeApiserver;
  readonly #kubeconfig: string;

  private constructor(server: KubeApiserver, kubeconfig: string) {
    this.server = server;
    this.#kubeconfig = kubeconfig;
  }

  /** Lends its hands to a server that has nothing yet: `shop`, and `node1`, as good as ready. */
  static async on(server: KubeApiserver): Promise<Hands> {
    const hands = new Hands(server, await server.kubeconfig());
    await hands.namespace('shop');
    await hands.node('node1');
    return hands;
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const running = promisify(execFile)('kubectl', ['--kubeconfig', this.#kubeconfig, ...args], { timeout: 60_000 });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  async apply(objects: readonly Json[], ...args: readonly string[]): Promise<string> {
    const items = { apiVersion: 'v1', kind: 'List', items: objects };
    return this.kubectl(['apply', '--validate=strict', ...args, '-f', '-'], JSON.stringify(items));
  }

  /** The base and these components, as an installation applies them. */
  async install(...components: readonly string[]): Promise<void> {
    await this.apply(renderedWith(components));
  }

  /** Nothing of a component but its rights is left on the server after it was applied: they are taken back. */
  async takeBack(component: string): Promise<void> {
    for (const kind of ['clusterrolebindings', 'clusterroles'])
      await this.server.admin('DELETE', `/apis/rbac.authorization.k8s.io/v1/${kind}/drypull-${component}`);
  }

  /** A connection as the agent's ServiceAccount. */
  async agent(): Promise<Cluster> {
    const connected = connectByFile(await this.server.kubeconfig(await this.server.tokenOf('drypull', 'drypull')));
    if (!connected.ok) throw new Error(connected.fault.code);
    return connected.value;
  }

  /** With the ServiceAccount that a controller would make, and without which no Pod is admitted. */
  async namespace(name: string): Promise<void> {
    await this.server.admin('POST', '/api/v1/namespaces', { metadata: { name } });
    await this.server.admin('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }

  async node(name: string): Promise<void> {
    await this.server.admin('POST', '/api/v1/nodes', { metadata: { name } });
    await this.tick(name, 'KubeletReady');
  }

  /** A kubelet's heartbeat. */
  async tick(node: string, reason: string): Promise<void> {
    const time = new Date().toISOString();
    const ready = { type: 'Ready', status: 'True', reason, lastHeartbeatTime: time, lastTransitionTime: time };
    const nodeInfo = { ...nothingKnown, architecture: goArch, operatingSystem: 'linux' };
    const status = { conditions: [ready], nodeInfo };
    await this.server.admin('PATCH', `/api/v1/nodes/${node}/status`, { status });
  }

  async conditions(node: string): Promise<readonly Json[]> {
    const { status } = (await this.server.admin('GET', `/api/v1/nodes/${node}`)) as {
      status?: { conditions?: Json[] };
    };
    return status?.conditions ?? [];
  }

  async pod(name: string, image: string, request: PodWish = {}): Promise<Json> {
    const { node = 'node1', secrets = [], policy, hostNetwork = false } = request;
    return this.server.admin('POST', '/api/v1/namespaces/shop/pods', {
      metadata: { name },
      spec: {
        ...(node === '' ? {} : { nodeName: node }),
        hostNetwork,
        automountServiceAccountToken: false,
        imagePullSecrets: secrets.map((secret) => ({ name: secret })),
        containers: [{ name: 'main', image, ...(policy === undefined ? {} : { imagePullPolicy: policy }) }],
      },
    });
  }

  /** What a kubelet says of the Pod's only container. */
  async podSays(name: string, image: string, container: Json): Promise<void> {
    const containerStatuses = [{ name: 'main', image, imageID: '', restartCount: 0, ready: false, ...container }];
    await this.server.admin('PATCH', `/api/v1/namespaces/shop/pods/${name}/status`, { status: { containerStatuses } });
  }

  async removePod(name: string, graceSeconds = 0): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: graceSeconds };
    await this.server.admin('DELETE', `/api/v1/namespaces/shop/pods/${name}`, body);
  }

  /** A pull secret for one registry. */
  async secret(name: string, host: string, [username, password]: readonly [string, string]): Promise<void> {
    const config = JSON.stringify({ auths: { [host]: { username, password } } });
    await this.server.admin('POST', '/api/v1/namespaces/shop/secrets', {
      metadata: { name },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': config },
    });
  }

  /** What the audit log holds of the agent. */
  async agentCalls(): Promise<readonly { readonly call: string; readonly code: number; readonly uri: string }[]> {
    const all = await this.server.audited();
    const own = all.filter(({ user }) => user === agentUser);
    return own.map(({ verb, resource, code, uri }) => ({ call: `${verb} ${resource}`, code, uri }));
  }
}

export interface PodWish {
  /** Empty: not bound yet. */
  readonly node?: string;
  readonly secrets?: readonly string[];
  readonly policy?: 'Always' | 'IfNotPresent';
  readonly hostNetwork?: boolean;
}

const goArch = process.arch === 'x64' ? 'amd64' : process.arch;
const nothingKnown = {
  ...{ machineID: '', systemUUID: '', bootID: '', kernelVersion: '', osImage: '', kubeProxyVersion: '' },
  ...{ containerRuntimeVersion: 'containerd://2.1.9', kubeletVersion: 'v1.36.2' },
};

/** Real time and real pauses. */
export const realOutside: ListWatchOptions = {
  now: () => new Date(),
  random: () => 0.5,
  delay: (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(end, ms);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    }),
};

export function nameOf(object: unknown): string {
  return text(object, 'metadata', 'name');
}
