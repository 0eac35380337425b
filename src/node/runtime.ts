/** Which container runtime the node has: what we were told, else what can be found, else an assumption that is owned up to. */
import { execFile } from 'node:child_process';
import type { Doubt, RuntimeVersion } from '#pull/view.ts';
import { readText, type HostRoot } from './host-root.ts';

export interface FoundRuntime {
  readonly version: RuntimeVersion;
  readonly doubts: readonly Doubt[];
}

/** Where nothing tells: the branch that most supported clusters run, with the transfer service as its default engine. */
export const assumedVersion = '2.1.9';

const execLimitMs = 5000;
/** A machine with many packages has a larger list than other files may be. */
const maxPackageBytes = 32 * 1024 * 1024;

export async function findRuntime(root: HostRoot, written: string | undefined): Promise<FoundRuntime> {
  const told = written === undefined ? undefined : parseRuntime(written);
  if (told !== undefined) return { version: told, doubts: [] };
  const found = (await askBinary(root)) ?? (await readPackages(root));
  if (found !== undefined && written === undefined) return { version: found, doubts: [] };
  const because =
    written === undefined
      ? 'the runtime and its version were neither given nor found'
      : `the runtime ${JSON.stringify(written.slice(0, 100))} could not be read as name://version`;
  const version = found ?? versionOf('containerd', assumedVersion) ?? fallback;
  return { version, doubts: [{ is: 'approximate', about: 'runtime', because: `${because}; assumed ${version.text}` }] };
}

const fallback: RuntimeVersion = { name: 'containerd', text: assumedVersion, major: 2, minor: 1, patch: 9 };

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
async function askBinary(root: HostRoot): Promise<RuntimeVersion | undefined> {
  if (root !== '/') return undefined;
  const said = await new Promise<string>((resolve) => {
    execFile('containerd', ['--version'], { timeout: execLimitMs, maxBuffer: 4096 }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
  // "containerd github.com/containerd/containerd/v2 v2.1.9 <revision>"
  const version = /^containerd \S+ v?(\S+)/.exec(said)?.[1];
  return version === undefined ? undefined : versionOf('containerd', version);
}

/** Debian's packages: `containerd.io` is Docker's build, `containerd` the distribution's (1.6.20~ds1-1+deb12u1). */
async function readPackages(root: HostRoot): Promise<RuntimeVersion | undefined> {
  const status = await readText(root, '/var/lib/dpkg/status', maxPackageBytes);
  if (!status.ok) return undefined;
  for (const block of status.value.split('\n\n')) {
    if (!/^Package: containerd(?:\.io)?$/m.test(block) || !/^Status: \S+ \S+ installed$/m.test(block)) continue;
    const version = /^Version: (?:\d+:)?(\d+\.\d+\.\d+)/m.exec(block)?.[1];
    if (version !== undefined) return versionOf('containerd', version);
  }
  return undefined;
}
