/** What a case of the agreement test is played on: a node, its containerd, and servers that end with the case. */
import { join } from 'node:path';
import { dockerRegistry, type DockerRegistryWish } from '../kit/docker-registry.ts';
import { authority, type Authority, type CertificateWish, type KeyPair } from '../kit/authority.ts';
import { containerd, containerdConfig, type Containerd } from '../kit/containerd.ts';
import { fakeDns, leadingTo, type FakeDns } from '../kit/fake-dns.ts';
import { FakeRegistry, image, type RegistryWish } from '../kit/fake-registry.ts';
import type { BuiltImage, ImageWish } from '../kit/image.ts';
import { nodeRoot, type NodeRoot, type NodeTree } from '../kit/node-root.ts';
import { freePort } from '../kit/program.ts';
import { smallDisk, type DiskWish } from '../kit/small-disk.ts';

/** Every name in the node's own hosts file, all of 127.0.0.1. */
export const hosts = `127.0.0.1 localhost
127.0.0.1 registry.example.test mirror.example.test second.example.test cdn.example.test denied.example.test
`;

export const puller = ['puller', 's3cret'] as const;

export interface Pki {
  /** In the node's bundle. */
  readonly known: Authority;
  /** Not in it. */
  readonly unknown: Authority;
}

export async function pki(): Promise<Pki> {
  return { known: await authority('Known CA'), unknown: await authority('Unknown CA') };
}

export interface Node extends AsyncDisposable {
  readonly root: NodeRoot;
  readonly daemon: Containerd;
}

export interface NodeRequest {
  readonly proxy?: string;
  /** Default: one of its own, on an address of this process's own, that knows `named.example.test` and nothing else. */
  readonly nameServer?: 'nobody';
  /** The file system of its var/lib/containerd. Default: this machine's, aside. */
  readonly disk?: DiskWish;
  /** More files. */
  readonly files?: NodeTree;
}

export async function openNode({ known }: Pki, who: NodeRequest = {}): Promise<Node> {
  const { proxy, nameServer: request } = who;
  const names = request === 'nobody' ? undefined : await ownNameServer();
  const root = await nodeRoot({
    'etc/hosts': hosts,
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/resolv.conf': `nameserver ${names?.address ?? '127.0.0.153'}\noptions timeout:1 attempts:1\n`,
    'etc/ssl/certs/ca-certificates.crt': known.cert,
    'etc/containerd/config.toml': containerdConfig,
    ...(proxy === undefined ? {} : unitWith(proxy)),
    ...who.files,
  });
  const disk = who.disk === undefined ? undefined : await smallDisk(join(root.path, 'var/lib/containerd'), who.disk);
  const daemon = await containerd({
    root: root.path,
    ownData: disk !== undefined,
    ...(proxy === undefined ? {} : { env: { HTTPS_PROXY: proxy } }),
  });
  const close = async (): Promise<void> => {
    await daemon.program.close();
    await disk?.[Symbol.asyncDispose]();
    await root[Symbol.asyncDispose]();
    await names?.[Symbol.asyncDispose]();
  };
  return { root, daemon, [Symbol.asyncDispose]: close };
}

let opened = 0;

/** resolv.conf cannot say a port, so it is 53; no two nodes share an address. */
function ownNameServer(): Promise<FakeDns> {
  opened += 1;
  const address = `127.${53 + (opened % 200)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
  return fakeDns(leadingTo({ 'named.example.test': ['127.0.0.1'] }), { address, port: 53 });
}

/** How such a node's administrator would have told containerd. */
function unitWith(proxy: string): NodeTree {
  return {
    'etc/systemd/system/containerd.service.d/proxy.conf': `[Service]\nEnvironment="HTTPS_PROXY=${proxy}"\n`,
  };
}

export interface Stage extends AsyncDisposable {
  readonly pki: Pki;
  /** An image that no other case has. */
  readonly app: BuiltImage;
  readonly another: (who: ImageWish) => BuiltImage;
  /** A certificate for *.example.test. */
  readonly certificate: (from?: keyof Pki, who?: Partial<CertificateWish>) => Promise<KeyPair>;
  /** Debian's registry, holding `team/app:v1`; its port. */
  readonly registry: (who?: DockerRegistryWish) => Promise<number>;
  /** The kit's registry, holding `team/app:v1`, over TLS that the node trusts unless wished otherwise; its port. */
  readonly fake: (who?: RegistryWish & { readonly plain?: boolean }) => Promise<number>;
  /** A port where nobody listens. */
  readonly none: () => Promise<number>;
  /** Writes files below the node's etc/containerd/certs.d. */
  readonly certsD: (tree: NodeTree) => Promise<void>;
}

let cases = 0;

export function openStage(pki: Pki, node: Node): Stage {
  const open: AsyncDisposable[] = [];
  cases += 1;
  const seed = `case ${cases}`;
  const app = image({ seed });
  const certificate: Stage['certificate'] = (from = 'known', who = {}) =>
    pki[from].issue({ names: ['*.example.test'], ...who });
  return {
    pki,
    app,
    certificate,
    another: (who) => image({ seed, ...who }),
    registry: async (who = {}) => {
      const server = await dockerRegistry({ tls: await certificate(), ...who });
      open.push(server);
      await server.push('team/app:v1', app);
      return server.port;
    },
    fake: async ({ plain, ...who } = {}) => {
      const tls = plain === true ? {} : { tls: await certificate() };
      const server = await FakeRegistry.open({ images: { 'team/app:v1': app }, ...tls, ...who });
      open.push(server);
      return server.port;
    },
    none: freePort,
    certsD: async (tree) => {
      const below = Object.entries(tree).map(([path, entry]) => [`etc/containerd/certs.d/${path}`, entry] as const);
      await node.root.add(Object.fromEntries(below));
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of open) await server[Symbol.asyncDispose]();
    },
  };
}
