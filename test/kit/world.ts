/**
 * A small world on loopback, on unprivileged ports, where each of a dozen images meets a fate of its own: registries, a
 * mirror, a name server, and the files of a node that believes in them.
 */
import { authority, type Authority } from './authority.ts';
import { fakeDns, leadingTo } from './fake-dns.ts';
import { FakeRegistry, image } from './fake-registry.ts';
import { seeds, type Fate, type Seed } from './fates.ts';
import { nodeRoot } from './node-root.ts';
import { freePort } from './program.ts';

export interface World extends AsyncDisposable {
  readonly images: readonly FatedImage[];
  /** The node's files: certificates, containerd's configuration and certs.d, the kubelet's logins. */
  readonly hostRoot: string;
  /** The name server of 127.0.0.1 that knows this world; resolv.conf cannot say a port. */
  readonly resolverPort: number;
  /** What the node would say of its runtime. */
  readonly runtime: string;
  readonly close: () => Promise<void>;
}

export interface FatedImage extends Fate {
  readonly image: string;
}

export async function openWorld(): Promise<World> {
  await using building = new AsyncDisposableStack();
  const authorities = { known: await authority('Example CA'), stranger: await authority('Somebody Else') };
  const places = new Map<string, string>();
  const sown = seeds(`https://cdn.example.test:${await freePort()}`);
  for (const seed of sown) {
    const server = seed.server === 'nobody' ? undefined : building.use(await serve(seed, authorities));
    places.set(seed.host, `${seed.host}.example.test:${server?.port ?? (await freePort())}`);
    if (seed.mirror === undefined) continue;
    const mirror = building.use(await serve({ ...seed, host: seed.mirror, server: {} }, authorities));
    places.set(seed.mirror, `${seed.mirror}.example.test:${mirror.port}`);
  }
  const root = building.use(await nodeRoot(nodeFiles(sown, places, authorities.known)));
  const names = building.use(await fakeDns(leadingTo(zoneOf(sown, places))));
  const held = building.move();
  const close = (): Promise<void> => held.disposeAsync();
  return {
    images: sown.map((seed) => ({ ...fateOf(seed), image: `${places.get(seed.host) ?? ''}/${seed.path}` })),
    hostRoot: root.path,
    resolverPort: names.port,
    runtime: 'containerd://2.1.9',
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function serve(
  seed: Seed,
  authorities: Readonly<Record<'known' | 'stranger', Authority>>,
): Promise<FakeRegistry> {
  const { from = 'known', ...request } = seed.certificate ?? {};
  const tls = await authorities[from].issue({ names: [`${seed.host}.example.test`], ...request });
  const own = seed.server === 'nobody' ? {} : seed.server;
  return FakeRegistry.open({ tls, images: { [seed.path]: image({ seed: seed.host }) }, ...own });
}

/** Every name of the world, but one that must not exist. */
function zoneOf(sown: readonly Seed[], places: ReadonlyMap<string, string>): Record<string, readonly string[]> {
  const missing = sown.filter(({ code }) => code === 'dns.not_found').map(({ host }) => host);
  const hosts = [...places.keys(), 'cdn'].filter((host) => !missing.includes(host));
  return Object.fromEntries(hosts.map((host) => [`${host}.example.test`, ['127.0.0.1']]));
}

function nodeFiles(
  sown: readonly Seed[],
  places: ReadonlyMap<string, string>,
  known: Authority,
): Record<string, string> {
  const auths: Record<string, { readonly username: string; readonly password: string }> = {};
  const certsD: Record<string, string> = {};
  for (const { host, password, mirror } of sown) {
    const place = places.get(host) ?? '';
    if (password !== undefined) auths[place] = { username: 'puller', password };
    if (mirror === undefined) continue;
    const toml = `server = "https://${place}"\n[host."https://${places.get(mirror) ?? ''}"]\n`;
    certsD[`etc/containerd/certs.d/${place}/hosts.toml`] = toml;
  }
  return {
    ...certsD,
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/nsswitch.conf': 'hosts: files dns\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n',
    'etc/ssl/certs/ca-certificates.crt': known.cert,
    'etc/containerd/config.toml':
      'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "/etc/containerd/certs.d"\n',
    'var/lib/kubelet/config.json': JSON.stringify({ auths }),
  };
}

function fateOf({ fate, verdict, code }: Fate): Fate {
  return { fate, verdict, ...(code ? { code } : {}) };
}
