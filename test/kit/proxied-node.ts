/** A node as files, whose containerd has a proxy by a drop-in of its unit: what an upgrade takes away. */
import type { NodeView } from '#node/view.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { authority, leaf } from './certificates.ts';
import { fakeProxy } from './fake-proxy.ts';
import { FakeRegistry, type RegistryWish } from './fake-registry.ts';
import { nodeRoot, type NodeRoot } from './node-root.ts';

const unit = 'usr/lib/systemd/system/containerd.service';
export const dropIn = 'etc/systemd/system/containerd.service.d/proxy.conf';
const old = new Date('2026-01-01T00:00:00Z');

export interface ProxiedWorld extends AsyncDisposable {
  /** `reg.test:40123` */
  readonly place: string;
  readonly root: NodeRoot;
  readonly readView: () => Promise<NodeView>;
}

/** A registry, a proxy that leads to it, and the node. */
export async function proxiedWorld(images: RegistryWish['images']): Promise<ProxiedWorld> {
  await using open = new AsyncDisposableStack();
  const ca = await authority();
  const server = await leaf({ names: ['reg.test'], by: ca });
  const tls = { cert: server.chain, key: server.key };
  const registry = open.use(await FakeRegistry.open({ ...(images === undefined ? {} : { images }), tls }));
  const proxy = open.use(await fakeProxy({ to: registry.port }));
  const place = `reg.test:${registry.port}`;
  const { files, readView } = await proxiedNode(`http://127.0.0.1:${proxy.port}`, ca.cert, place);
  const root = open.use(files);
  const all = open.move();
  return { place, root, readView, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Only the proxy knows the way to the registry. */
async function proxiedNode(
  proxy: string,
  ca: string,
  place: string,
): Promise<{ readonly files: NodeRoot; readonly readView: () => Promise<NodeView> }> {
  const boot = Math.floor(old.getTime() / 1000) + 60;
  const root = await nodeRoot({
    [unit]: { text: '[Service]\nExecStart=/usr/bin/containerd\n', modified: old },
    [dropIn]: `[Service]\nEnvironment=HTTPS_PROXY=${proxy}\n`,
    'etc/nsswitch.conf': 'hosts: files\n',
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/ssl/certs/ca-certificates.crt': ca,
    'etc/containerd/config.toml': {
      text: 'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "/etc/containerd/certs.d"\n',
      modified: old,
    },
    [`etc/containerd/certs.d/${place}/hosts.toml`]: `server = "https://${place}"\n`,
    'proc/stat': `cpu 1\nbtime ${boot}\n`,
    'proc/7/comm': 'containerd\n',
    'proc/7/cmdline': 'containerd\0',
    'proc/7/environ': `HTTPS_PROXY=${proxy}\0`,
    'proc/7/stat': `7 (containerd) S ${'0 '.repeat(18)}100 0`,
  });
  const readView = (): Promise<NodeView> =>
    readNode({ hostRoot: root.path, runtime: 'containerd://2.1.9', kubelet: { runsHere: false }, now: new Date() });
  return { files: root, readView };
}
