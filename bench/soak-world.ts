/** The world of the soak: real servers on loopback, a clock of its own, and faults that come and go. */
import { Secret } from '#report/secret.ts';
import type { NodeView } from '#node/view.ts';
import { fakeDns, type Script as DnsScript } from '../test/kit/fake-dns.ts';
import { FakeKube } from '../test/kit/fake-kube.ts';
import { fakeProxy, type FakeProxy } from '../test/kit/fake-proxy.ts';
import { FakeRegistry, image, type Script } from '../test/kit/fake-registry.ts';
import * as wrong from '../test/kit/misbehaviour.ts';
import { GiB, nodeWith, one } from '../test/kit/disks.ts';
import { plain, toml } from '../test/kit/stage.ts';

export interface SoakFault {
  readonly name: string;
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
  /** What is said meanwhile, by image, where it is not what is said on a good day. */
  readonly says: Readonly<Record<string, string>>;
  /** The rule that foretells something of the node meanwhile. */
  readonly foretells?: string;
}

export interface SoakWorld extends AsyncDisposable {
  readonly images: readonly string[];
  readonly kube: FakeKube;
  readonly faults: readonly SoakFault[];
  readonly view: () => NodeView;
  readonly now: () => number;
  readonly advance: (ms: number) => void;
  /** What the servers remember of requests is not the agent's memory. */
  readonly forget: () => void;
}

const [near, far] = ['reg.test', 'far.test'];

export async function soakWorld(): Promise<SoakWorld> {
  let ms = Date.parse('2026-03-04T12:00:00Z');
  let aheadMs = 0;
  let freeBytes = one.freeBytes;
  const images = { 'team/app:v1': image({ seed: 'app' }), 'team/api:v1': image({ seed: 'api' }) };
  const dated: Script = ({ response }) => {
    response.sendDate = false;
    response.setHeader('date', new Date(ms - aheadMs).toUTCString());
    return undefined;
  };
  let registry = await FakeRegistry.open({ images, onRequest: dated });
  const beyond = await FakeRegistry.open({ images, onRequest: dated });
  const { port } = registry;
  const zone: Record<string, DnsScript> = { [near]: { is: 'addresses', addresses: ['127.0.0.1'] } };
  const dns = await fakeDns(zone);
  const kube = await new FakeKube().listen();
  kube.pods.clear();
  let proxy: FakeProxy = await fakeProxy({ to: beyond.port });
  const app = `${near}:${port}/team/app:v1`;
  const api = `${near}:${port}/team/api:v1`;
  const behind = `${far}:${beyond.port}/team/app:v1`;
  const both = (heard: string): SoakFault['says'] => ({ [app]: heard, [api]: heard });
  const faults: readonly SoakFault[] = [
    {
      name: 'the registry is gone',
      begin: () => registry.close(),
      end: async () => void (registry = await FakeRegistry.open({ images, onRequest: dated, port })),
      says: both('fails tcp.refused'),
    },
    {
      name: 'the registry answers 500',
      begin: () => registry.play(dated, wrong.onManifests(wrong.refuses(500))),
      end: () => registry.play(dated),
      says: both('fails api.unavailable'),
    },
    {
      name: 'a tag is gone',
      begin: () =>
        registry.play(dated, (visit) =>
          visit.repository === 'team/api'
            ? wrong.onManifests(wrong.refuses(404, 'MANIFEST_UNKNOWN'))(visit)
            : undefined,
        ),
      end: () => registry.play(dated),
      says: { [api]: 'fails manifest.unknown_tag' },
    },
    {
      name: 'the name is gone',
      begin: () => void (zone[near] = { is: 'nxdomain' }),
      end: () => void (zone[near] = { is: 'addresses', addresses: ['127.0.0.1'] }),
      says: both('fails dns.not_found'),
    },
    {
      name: 'the proxy is gone',
      begin: () => proxy[Symbol.asyncDispose](),
      end: async () => void (proxy = await fakeProxy({ to: beyond.port })),
      says: { [behind]: 'fails proxy.unreachable' },
    },
    {
      name: 'the clock is ten minutes ahead',
      begin: () => void (aheadMs = 600_000),
      end: () => void (aheadMs = 0),
      says: { ...both('at_risk clock-skews'), [behind]: 'at_risk clock-skews' },
    },
    {
      name: 'the disk is nearly full',
      begin: () => void (freeBytes = 5 * GiB),
      end: () => void (freeBytes = one.freeBytes),
      says: {},
      foretells: 'disk-fills',
    },
    {
      name: 'the API server is away',
      begin: () => kube.away(),
      end: async () => {
        await kube.listen();
      },
      says: {},
    },
  ];
  return {
    images: [app, api, behind],
    kube,
    faults,
    view: () => viewOf({ port, far: beyond.port, dns: dns.port, proxy: proxy.port, freeBytes }),
    now: () => ms,
    advance: (by) => void (ms += by),
    forget: () => {
      registry.forget();
      beyond.forget();
      for (const list of [dns.received, proxy.received, kube.calls, kube.asked, kube.written])
        (list as unknown[]).length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([registry.close(), beyond.close(), kube.close()]);
      await Promise.all([dns[Symbol.asyncDispose](), proxy[Symbol.asyncDispose]()]);
    },
  };
}

function viewOf(ports: {
  readonly port: number;
  readonly far: number;
  readonly dns: number;
  readonly proxy: number;
  readonly freeBytes: number;
}): NodeView {
  const places = [`${near}:${ports.port}`, `${far}:${ports.far}`];
  const disk = { ...one, freeBytes: ports.freeBytes, rootFreeBytes: ports.freeBytes };
  const node = {
    dirs: Object.fromEntries(places.map((place) => [place, toml(plain(place))])),
    proxy: { http: new Secret(`http://127.0.0.1:${ports.proxy}`), no: near, source: 'the soak' },
  };
  const view = nodeWith({ disks: [disk], node });
  const servers = [{ address: '127.0.0.1', port: ports.dns }];
  return { ...view, system: { ...view.system, resolver: { ...view.system.resolver, servers, timeoutMs: 5_000 } } };
}
