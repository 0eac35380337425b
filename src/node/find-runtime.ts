/**
 * Which container runtime the node has: what was given, else what its kubelet's flags, its files and its packages show, else an
 * assumption that is said to be one.
 */
import { execFile } from 'node:child_process';
import type { Distribution, RuntimeLayout } from './distribution.ts';
import { isKnownVersion, knownVersions } from '#runtime/containerd/versions.ts';
import type { Doubt, RuntimeVersion } from './view.ts';
import { containerd, type KnownDistribution } from './distributions/known.ts';
import { openshift } from './distributions/openshift.ts';
import { statPath, readText, type HostRoot } from './host-root.ts';

export interface FoundRuntime {
  readonly version: RuntimeVersion;
  readonly layout: RuntimeLayout;
  readonly doubts: readonly Doubt[];
}

export interface AskRuntime {
  /** As in node.status.nodeInfo.containerRuntimeVersion. */
  readonly written?: string | undefined;
  /** The kubelet's --container-runtime-endpoint. */
  readonly endpoint?: string | undefined;
  readonly distribution?: Distribution | undefined;
}

/** Where nothing shows it: the branch that most supported clusters run, with the transfer service as its default engine. */
export const assumedVersion = '2.1.9';

type Name = RuntimeLayout['name'];

const assumed: Readonly<Record<Name, RuntimeVersion>> = {
  containerd: { name: 'containerd', text: assumedVersion, major: 2, minor: 1, patch: 9 },
  'cri-o': { name: 'cri-o', text: '1.34.0', major: 1, minor: 34, patch: 0 },
  docker: { name: 'docker', text: '29.0.0', major: 29, minor: 0, patch: 0 },
};

const layouts: Readonly<Record<Name, RuntimeLayout>> = {
  containerd,
  'cri-o': openshift.runtime,
  docker: {
    name: 'docker',
    config: '/etc/docker/daemon.json',
    root: '/var/lib/docker',
    socket: '/var/run/cri-dockerd.sock',
    units: ['docker.service'],
  },
};

const execLimitMs = 5000;
/** A machine with many packages has a larger list than other files may be. */
const maxPackageBytes = 32 * 1024 * 1024;

export async function findRuntime(root: HostRoot, ask: AskRuntime): Promise<FoundRuntime> {
  const { written, distribution } = ask;
  const given = written === undefined ? undefined : parseRuntime(written);
  const name = given === undefined ? await findName(root, ask) : given.name;
  const layout = layoutOf(name, distribution);
  if (given !== undefined) return { version: given, layout, doubts: rangeDoubts(given) };
  const found = isName(name) ? ((await askBinary(root, name)) ?? (await readPackages(root, name))) : undefined;
  if (found !== undefined && written === undefined) return { version: found, layout, doubts: rangeDoubts(found) };
  const because =
    written === undefined
      ? 'the runtime and its version were neither given nor found'
      : `the runtime ${JSON.stringify(written.slice(0, 100))} could not be read as name://version`;
  const version = found ?? assumedFor(layout);
  return {
    version,
    layout,
    doubts: [{ is: 'approximate', about: 'runtime', because: `${because}; assumed ${version.text}` }],
  };
}

function assumedFor({ name, versionSuffix = '' }: RuntimeLayout): RuntimeVersion {
  const version = assumed[name];
  return { ...version, text: version.text + versionSuffix };
}

/** What lies outside of the versions that were compared may pull in another way. */
function rangeDoubts(version: RuntimeVersion): readonly Doubt[] {
  if (version.name !== 'containerd' || isKnownVersion(version)) return [];
  const because = `containerd ${version.text} is outside of the versions that are known (${knownVersions})`;
  return [{ is: 'approximate', about: 'runtime', because }];
}

function layoutOf(name: string, distribution: Distribution | undefined): RuntimeLayout {
  if (distribution?.runtime.name === name) return distribution.runtime;
  return isName(name) ? layouts[name] : containerd;
}

function isName(name: string): name is Name {
  return Object.hasOwn(layouts, name);
}

/** Distributions in which the operator chooses the runtime. */
const chosen: readonly KnownDistribution['name'][] = ['kubeadm', 'kind', 'minikube'];

/** The socket that the kubelet is started with, then the distribution's own runtime, then what is installed. */
async function findName(root: HostRoot, { endpoint = '', distribution }: AskRuntime): Promise<Name> {
  if (endpoint.includes('crio')) return 'cri-o';
  if (endpoint.includes('cri-dockerd')) return 'docker';
  if (endpoint.includes('containerd')) return 'containerd';
  if (distribution !== undefined && !chosen.includes(distribution.name)) return distribution.runtime.name;
  const has = async (path: string): Promise<boolean> => (await statPath(root, path)).ok;
  if (await has('/etc/containerd/config.toml')) return 'containerd';
  const crio = [
    '/etc/crio/crio.conf',
    '/etc/crio/crio.conf.d',
    '/usr/lib/systemd/system/crio.service',
    '/usr/bin/crio',
  ];
  for (const path of crio) if (await has(path)) return 'cri-o';
  return 'containerd';
}

/** `containerd://2.1.9`, as in node.status.nodeInfo.containerRuntimeVersion. */
export function parseRuntime(written: string): RuntimeVersion | undefined {
  const match = /^\s*([a-z][a-z-]*):\/\/(.+?)\s*$/.exec(written);
  return match === null ? undefined : versionOf(match[1] ?? '', match[2] ?? '');
}

/** Suffixes of distributions (`-k3s1`, `~rc.1`) stay in the text, because containerd sends them in its User-Agent. */
function versionOf(name: string, written: string): RuntimeVersion | undefined {
  const text = written.replace(/^v/, '');
  const numbers = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?![\d.])/.exec(text);
  if (numbers === null || text.length > 100) return undefined;
  const [, major = '', minor = '', patch = '0'] = numbers;
  return { name, text, major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** Only when the host's root is our own is its binary ours to run. */
async function askBinary(root: HostRoot, name: Name): Promise<RuntimeVersion | undefined> {
  if (root !== '/' || name !== 'containerd') return undefined;
  const output = await new Promise<string>((resolve) => {
    execFile('containerd', ['--version'], { timeout: execLimitMs, maxBuffer: 4096 }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
  // "containerd github.com/containerd/containerd/v2 v2.1.9 <revision>"
  const version = /^containerd \S+ v?(\S+)/.exec(output)?.[1];
  return version === undefined ? undefined : versionOf('containerd', version);
}

/** Debian's packages: `containerd.io` is Docker's build, `containerd` the distribution's (1.6.20~ds1-1+deb12u1). */
const packages: Readonly<Record<Name, readonly string[]>> = {
  containerd: ['containerd', 'containerd.io'],
  'cri-o': ['cri-o'],
  docker: ['docker-ce', 'docker.io'],
};

async function readPackages(root: HostRoot, name: Name): Promise<RuntimeVersion | undefined> {
  const status = await readText(root, '/var/lib/dpkg/status', maxPackageBytes);
  if (!status.ok) return undefined;
  for (const block of status.value.split('\n\n')) {
    const installed = /^Package: (\S+)$/m.exec(block)?.[1];
    if (installed === undefined || !packages[name].includes(installed)) continue;
    if (!/^Status: \S+ \S+ installed$/m.test(block)) continue;
    const version = /^Version: (?:\d+:)?(\d+\.\d+\.\d+)/m.exec(block)?.[1];
    if (version !== undefined) return versionOf(name, version);
  }
  return undefined;
}
