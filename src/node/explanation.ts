/** What was found on a node and where, and what was not: the node's view as plain data, without any secret. */
import { freeOf, capacityOf } from '#kubelet/disk.ts';
import type { Edit } from './distribution.ts';
import { rootOf, type Fault } from '#report/fault.ts';
import type { Seen } from '#report/outcome.ts';
import { formatPlatform } from '#image/platform.ts';
import { shownProxies, withoutLogin } from '#go/http-proxy.ts';
import type { HostRule, HostsDir, LaunchSource, NodeView, RegistryConfig, RuntimeConfig } from './view.ts';

export interface Explanation {
  readonly version: 1;
  readonly node: string;
  readonly platform: string;
  readonly distribution?: {
    readonly name: string;
    readonly title: string;
    readonly because: string;
    /** What an operator edits, and what makes the change take effect. */
    readonly edits: Readonly<Record<string, Edit>>;
  };
  readonly runtime: {
    /** `containerd://2.1.9` */
    readonly name: string;
    readonly engine?: string;
    readonly socket?: string;
    readonly flags?: LaunchSource;
    /** The files that are in force, or what was looked for. */
    readonly configuration: readonly string[];
    readonly dataRoot?: string;
    readonly snapshotter?: string;
    readonly sandboxImage?: string;
    /** Registries for which the runtime's own configuration holds a login. */
    readonly logins: readonly string[];
  };
  readonly registries: readonly ExplainedRegistry[];
  readonly proxy: { readonly http?: string; readonly https?: string; readonly no?: string; readonly source: string };
  readonly resolver: { readonly path: string; readonly servers: readonly string[]; readonly search: readonly string[] };
  /** Files with certificate authorities. */
  readonly trust: readonly string[];
  readonly kubelet: {
    readonly flags?: LaunchSource;
    /** The docker configuration file that it reads; absent: none, or it is not seen. */
    readonly loginFile?: string;
    readonly providers: readonly string[];
    readonly providersFrom: string;
    readonly configuration?: string;
  };
  readonly disks: readonly {
    readonly roles: readonly string[];
    readonly path: string;
    readonly freeBytes: number;
    readonly bytes: number;
  }[];
  readonly unseen: readonly Hidden[];
  readonly doubts: readonly string[];
  readonly warnings: readonly Fault[];
}

export interface ExplainedRegistry {
  /** `docker.io`, or `*` for all that have no entry of their own. */
  readonly registry: string;
  readonly from: string;
  readonly hosts: readonly ExplainedHost[];
  /** Why it cannot be used. */
  readonly fault?: Fault;
}

export interface ExplainedHost {
  readonly url: string;
  readonly notes: readonly string[];
}

export interface Hidden {
  readonly what: string;
  readonly why: string;
  readonly how?: string;
}

export function explain(view: NodeView): Explanation {
  const { runtime, kubelet, system, distribution: found } = view;
  const config = runtime.config.ok ? runtime.config.value : undefined;
  const layout = found?.distribution.runtime;
  const { resolver } = system;
  return {
    version: 1,
    node: view.name,
    platform: formatPlatform(view.platform),
    ...(found === undefined
      ? {}
      : {
          distribution: {
            name: found.distribution.name,
            title: found.distribution.title,
            because: found.because,
            edits: { ...found.distribution.edits },
          },
        }),
    runtime: {
      name: `${runtime.version.name}://${runtime.version.text}`,
      ...(layout?.name === runtime.version.name ? { socket: layout.socket } : {}),
      ...(view.launches === undefined ? {} : { flags: view.launches.runtime }),
      configuration: runtime.config.source.split(', '),
      ...runtimeSettings(config),
    },
    registries: config === undefined ? [] : registriesOf(config.registry),
    proxy: {
      ...shownProxies(runtime.proxy),
    },
    resolver: {
      path: resolver.path,
      servers: resolver.servers.map(({ address }) => address),
      search: resolver.search,
    },
    trust: system.roots.pems.map(({ path }) => path),
    kubelet: {
      ...(view.launches === undefined ? {} : { flags: view.launches.kubelet }),
      ...(kubelet.nodeFile.ok && kubelet.nodeFile.value !== null ? { loginFile: kubelet.nodeFile.value.path } : {}),
      providers: kubelet.providers.ok ? kubelet.providers.value.map(({ name }) => name) : [],
      providersFrom: kubelet.providers.source,
      ...(kubelet.config?.ok === true ? { configuration: kubelet.config.source } : {}),
    },
    disks: system.disks?.ok === true ? system.disks.value.all.map(diskOf) : [],
    unseen: hiddenIn(view),
    doubts: [...new Set(view.doubts.map(({ because }) => because))],
    warnings: view.warnings,
  };
}

type DiskFound = Parameters<typeof freeOf>[0];

function diskOf(disk: DiskFound): Explanation['disks'][number] {
  return { roles: disk.roles, path: disk.path, freeBytes: freeOf(disk, 'bytes'), bytes: capacityOf(disk, 'bytes') };
}

function runtimeSettings(
  config: RuntimeConfig | undefined,
): Partial<Explanation['runtime']> & { readonly logins: readonly string[] } {
  if (config === undefined) return { logins: [] };
  const { engine, root: dataRoot, sandboxImage, snapshots } = config;
  return {
    ...{ engine, dataRoot, sandboxImage, logins: Object.keys(config.auths) },
    ...(snapshots === undefined ? {} : { snapshotter: snapshots.snapshotter }),
  };
}

function registriesOf(config: RegistryConfig): readonly ExplainedRegistry[] {
  if (config.kind === 'legacy') {
    return Object.entries(config.mirrors).map(([registry, endpoints]) => ({
      ...{ registry, from: `registry.mirrors of the configuration` },
      hosts: endpoints.map((url) => ({ url: withoutLogin(url), notes: legacyNotes(config, registry) })),
    }));
  }
  return config.roots.flatMap(({ dirs }) => Object.entries(dirs).map(([name, dir]) => registryOf(name, dir)));
}

function legacyNotes(
  { rewrites = {} }: Extract<RegistryConfig, { kind: 'legacy' }>,
  registry: string,
): readonly string[] {
  return (rewrites[registry] ?? []).map(([pattern, made]) => `rewrites ${pattern} to ${made}`);
}

function registryOf(name: string, dir: HostsDir): ExplainedRegistry {
  const registry = name === '_default' ? '*' : name.endsWith('_') ? name.slice(0, -1).replace(/_(?=\d+$)/, ':') : name;
  if (!dir.is.ok) return { registry, from: dir.path, hosts: [], fault: dir.is.fault };
  const rules = dir.is.value;
  if (rules.from === 'cert_files') return { registry, from: dir.path, hosts: [] };
  const { hosts, server } = rules;
  return { registry, from: rules.file, hosts: [...hosts, ...(server.url === undefined ? [] : [server])].map(hostOf) };
}

function hostOf({ url = '', capabilities, overridePath, tls, headers, rewrites = [] }: HostRule): ExplainedHost {
  const notes = [
    ...(capabilities.includes('resolve') ? [] : ['resolves no tags']),
    ...(capabilities.includes('pull') ? [] : ['pulls nothing']),
    ...(overridePath ? ['override_path'] : []),
    ...(tls?.verify === false ? ['skip_verify'] : []),
    ...(tls !== undefined && tls.extraRoots.length > 0
      ? [`ca ${tls.extraRoots.map(({ path }) => path).join(', ')}`]
      : []),
    ...(tls !== undefined && tls.clients.length > 0 ? ['client certificate'] : []),
    ...(headers.length > 0 ? [`headers ${headers.map(([name]) => name).join(', ')}`] : []),
    ...rewrites.map(([pattern, made]) => `rewrites ${pattern} to ${made}`),
  ];
  return { url: withoutLogin(url), notes };
}

/** Each thing once, whatever rests on it. */
function hiddenIn({ runtime, kubelet, unseen = [], system }: NodeView): readonly Hidden[] {
  const faults = [
    runtime.config,
    kubelet.nodeFile,
    kubelet.providers,
    ...(kubelet.config === undefined ? [] : [kubelet.config]),
  ];
  const disks =
    system.disks?.ok === true
      ? system.disks.value.unseen.map(({ role, path, why }) => ({ what: `the disk of ${role} (${path})`, why }))
      : [];
  const registries =
    runtime.config.ok && runtime.config.value.registry.kind === 'hosts_dirs' ? runtime.config.value.registry.roots : [];
  const dirs = registries.flatMap(({ dirs: all }) =>
    Object.values(all).map(({ is, path }) => ({ ...is, source: path })),
  );
  const all: readonly Hidden[] = [
    ...[...faults, ...dirs].flatMap(hiddenBy),
    ...unseen.map(({ what, why, how }) => ({ what, why, ...(how === undefined ? {} : { how }) })),
    ...(kubelet.hidden ?? []).map((path) => ({
      what: path,
      why: 'where the kubelet would also look for logins; it is not mounted',
    })),
    ...disks,
  ];
  return [...new Map(all.map((one) => [`${one.what}\n${one.why}`, one])).values()];
}

function hiddenBy(seen: Seen<unknown>): readonly Hidden[] {
  if (seen.ok) return [];
  const fault = rootOf(seen.fault);
  if (fault.code !== 'agent.cannot_see') return [];
  const { what, why, how } = fault;
  return [{ what, why, ...(how === undefined ? {} : { how }) }];
}
