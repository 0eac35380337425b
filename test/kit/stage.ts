/** A node as a literal, and passes over it with real sockets on loopback: what the stage and everything above it is tried with. */
import { parseImage } from '#image/reference.ts';
import type { PullSecret } from '#kubelet/keyring.ts';
import type { HasContent } from '#kubelet/disk.ts';
import { good } from '#report/outcome.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { Platform } from '#image/platform.ts';
import type { PullReport } from '#report/report.ts';
import { Secret } from '#report/secret.ts';
import type {
  Demand,
  HostRule,
  HostsDir,
  HostsRules,
  NodeView,
  ProviderAnswer,
  PullPolicy,
  RuntimeConfig,
  RuntimeVersion,
} from '#node/view.ts';
import { assessAll } from '#assess.ts';
import { openWire } from '#rehearsal/open-wire.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import type { Manners } from '#runtime/attempt/wire.ts';
import type { FakeRegistry, SeenRequest } from './fake-registry.ts';

export const engines = ['1.6.20', '1.7.34', '2.1.9', '2.3.4'] as const;

export function versionOf(text: string): RuntimeVersion {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return { name: 'containerd', text, major, minor, patch };
}

export interface NodeSketch {
  /** containerd's version. Default 2.1.9. */
  readonly version?: string;
  /** Default: what the version has by default. */
  readonly kind?: 'local' | 'transfer';
  /** Each is reached by this name and its own port, in plain HTTP, by a hosts.toml. */
  readonly registries?: Readonly<Record<string, FakeRegistry>>;
  /** Names that lead to loopback besides, or elsewhere. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
  /** certs.d/<name>, over what `registries` makes. */
  readonly dirs?: Readonly<Record<string, HostsRules>>;
  readonly config?: Partial<RuntimeConfig>;
  readonly platform?: Platform;
  readonly nodeFile?: string;
  readonly proxy?: NodeView['runtime']['proxy'];
  /** PEM texts that the node trusts. */
  readonly roots?: readonly string[];
  readonly doubts?: NodeView['doubts'];
}

/** A node that believes in nothing but loopback. */
export function nodeOf(sketch: NodeSketch = {}): NodeView {
  const version = versionOf(sketch.version ?? '2.1.9');
  const kind = sketch.kind ?? (version.major > 1 && version.minor > 0 ? 'transfer' : 'local');
  const names = Object.entries(sketch.registries ?? {});
  const own = names.map(([name, { port }]) => [`${name}:${port}`, toml(plain(`${name}:${port}`))] as const);
  const dirs = Object.entries({ ...Object.fromEntries(own), ...sketch.dirs });
  const config: RuntimeConfig = {
    engine: kind,
    registry: {
      kind: 'hosts_dirs',
      roots: [{ path: certsD, dirs: Object.fromEntries(dirs.map(([name, rules]) => [name, dirOf(name, rules)])) }],
    },
    headers: [],
    auths: {},
    sandboxImage: 'registry.k8s.io/pause:3.10',
    root: '/var/lib/containerd',
    ...sketch.config,
  };
  const { nodeFile } = sketch;
  return {
    name: 'node-7',
    platform: sketch.platform ?? { os: 'linux', architecture: 'amd64' },
    kubelet: {
      nodeFile: {
        ...good(
          nodeFile === undefined
            ? null
            : { path: '/var/lib/kubelet/config.json', format: 'config' as const, text: new Secret(nodeFile) },
        ),
        source: '/var/lib/kubelet/config.json',
      },
      providers: { ...good([]), source: '' },
    },
    runtime: {
      version,
      config: { ...good(config), source: '/etc/containerd/config.toml' },
      proxy: sketch.proxy ?? { source: 'none' },
    },
    system: {
      resolver: {
        path: 'go',
        order: ['files', 'dns'],
        servers: [],
        search: [],
        ndots: 1,
        timeoutMs: 200,
        attempts: 1,
        rotate: false,
        useTcp: false,
        singleRequest: false,
        hosts: { ...Object.fromEntries(names.map(([name]) => [name, ['127.0.0.1']])), ...sketch.hosts },
      },
      roots: { pems: (sketch.roots ?? []).map((pem, i) => ({ path: `/etc/ssl/certs/${i}.pem`, pem })) },
    },
    warnings: [],
    doubts: sketch.doubts ?? [],
  };
}

const certsD = '/etc/containerd/certs.d';

function dirOf(name: string, rules: HostsRules): HostsDir {
  return { path: `${certsD}/${name}`, is: good(rules) };
}

/** hosts.toml with these mirrors before its server. */
export function toml(server: HostRule, ...mirrors: readonly HostRule[]): HostsRules {
  return { from: 'hosts.toml', file: `${certsD}/hosts.toml`, hosts: mirrors, server };
}

/** A host in plain HTTP that may do everything. */
export function plain(authority: string, over: Partial<HostRule> = {}): HostRule {
  return {
    url: `http://${authority}`,
    capabilities: ['pull', 'resolve', 'push'],
    overridePath: false,
    headers: [],
    ...over,
  };
}

export interface DemandSketch {
  readonly policy?: PullPolicy;
  readonly secrets?: readonly PullSecret[];
  readonly present?: Demand['present'];
  readonly deadlineS?: number;
}

export function demandFor(written: string, over: DemandSketch = {}): Demand {
  return {
    image: parseImage(written),
    written,
    policy: 'Always',
    requestedBy: [],
    secrets: [],
    present: 'no',
    ...over,
  };
}

/** A pull secret that holds one login for each registry. */
export function pullSecret(
  name: string,
  logins: Readonly<Record<string, readonly [user: string, password: string]>>,
): PullSecret {
  const auths = Object.entries(logins).map(([key, [username, password]]) => [key, { username, password }] as const);
  const data = { '.dockerconfigjson': new Secret(JSON.stringify({ auths: Object.fromEntries(auths) })) };
  return { namespace: 'shop', name, state: { is: 'given', type: 'kubernetes.io/dockerconfigjson', data } };
}

export function unseenSecret(name: string): PullSecret {
  return { namespace: 'shop', name, state: { is: 'unseen', why: 'forbidden' } };
}

export interface PassSketch {
  readonly memory?: Memory;
  readonly manners?: Partial<Manners>;
  readonly atOnce?: number;
  readonly now?: () => Date;
  /** Milliseconds that only grow. Default: this machine's. */
  readonly clockMs?: () => number;
  readonly answers?: readonly ProviderAnswer[];
  readonly content?: ReadonlyMap<string, Uint8Array>;
  /** What containerd has. Default: nobody saw. */
  readonly hasContent?: HasContent;
  /** What is remembered. */
  readonly history?: () => NodeHistory;
  /** Default: every lane is open. */
  readonly mayEnter?: (id: string, budgetKey: string) => boolean;
}

/** One pass over images; reports in the order of the demands. */
export async function pass(
  view: NodeView,
  wanted: readonly (string | Demand)[],
  sketch: PassSketch = {},
): Promise<readonly PullReport[]> {
  const demands = wanted.map((one) => (typeof one === 'string' ? demandFor(one) : one));
  const wire = openWire(view, {
    memory: sketch.memory ?? new Memory(),
    manners: {
      verify: false,
      spend: false,
      deadlineMs: 20_000,
      patienceMs: 10_000,
      evidence: false,
      ...sketch.manners,
    },
    now: sketch.now ?? (() => new Date()),
    clockMs: sketch.clockMs ?? (() => performance.now()),
    localContent: (digest) => Promise.resolve(sketch.content?.get(digest)),
    ...(sketch.hasContent === undefined ? {} : { hasContent: sketch.hasContent }),
    perRegistry: 8,
  });
  try {
    const reports = new Map<string, PullReport>();
    const dependencies = {
      wire,
      atOnce: sketch.atOnce ?? 1,
      askProviders: () => Promise.resolve(sketch.answers ?? []),
      signal: new AbortController().signal,
      ...(sketch.history === undefined ? {} : { history: sketch.history }),
      ...(sketch.mayEnter === undefined ? {} : { mayEnter: sketch.mayEnter }),
    };
    for await (const report of assessAll(view, demands, dependencies)) reports.set(report.id ?? report.image, report);
    return demands.flatMap((demand) => reports.get(demand.id ?? demand.written) ?? []);
  } finally {
    await wire.close();
  }
}

/** One pass over one image. */
export async function pullOf(view: NodeView, wanted: string | Demand, sketch: PassSketch = {}): Promise<PullReport> {
  const [report] = await pass(view, [wanted], sketch);
  if (report === undefined) throw new Error('a pass over one image gave no report');
  return report;
}

/** `fails manifest.unknown_tag`, `pulls`: a verdict in a few words. */
export function gist({ verdict }: PullReport): string {
  switch (verdict.is) {
    case 'pulls':
      return 'pulls';
    case 'at_risk':
      return `at_risk ${verdict.forecasts.map(({ rule }) => rule).join(' ')}`;
    case 'fails':
    case 'unknown':
      return `${verdict.is} ${verdict.fault.code}`;
  }
}

/** `HEAD /v2/team/app/manifests/v1 [Basic]` for each request, digests cut short. */
export function asked(registry: { readonly requests: readonly SeenRequest[] }): readonly string[] {
  return registry.requests.map(({ method, url, authorization }) => {
    const scheme = authorization === undefined ? '' : ` [${authorization.split(' ')[0] ?? ''}]`;
    return `${method} ${url.replace(/(sha256:[0-9a-f]{4})[0-9a-f]{60}/g, '$1')}${scheme}`;
  });
}

/** A digest as `asked` shows it. */
export function short(digest: string): string {
  return digest.slice(0, 11);
}
