/**
 * Kubernetes' own kubelet with a containerd of its own, as node1 of a real API server. Pods must use the host's network, and none
 * has a token: there is no CNI, and volumes that are mounts stay out of the runtime's sight. Only where it is named: KUBELET=/path.
 * Needs root, and sets the kernel's settings as every kubelet does (vm.overcommit_memory, kernel.panic).
 */
import { readFileSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { ask } from './ask.ts';
import { containerd, containerdProgram, type Containerd } from './containerd.ts';
import type { KubeApiserver } from './kube-apiserver.ts';
import { freePort, scratch, start, type Program } from './program.ts';

const kubeletProgram = process.env['KUBELET'];

/** No package holds a kubelet: leaving it out fails nowhere, and is said aloud. */
export function hasKubelet(): boolean {
  if (kubeletProgram !== undefined && process.arch === 'x64') return true;
  process.stderr.write(
    '\n!!! a real kubelet is left out: KUBELET=/path/to/kubelet CONTAINERD=/path/to/containerd, on amd64\n',
  );
  return false;
}

export interface Kubelet extends AsyncDisposable {
  readonly url: string;
  readonly program: Program;
}

/** Fields of its configuration, over those that keep it within the test. */
export type KubeletSettings = Readonly<Record<string, unknown>>;

/** `root` holds the runtime's etc/, as for `containerd`. */
export async function kubelet(server: KubeApiserver, root: string, settings: KubeletSettings = {}): Promise<Kubelet> {
  await using held = new AsyncDisposableStack();
  const beside = containerdProgram.includes('/') ? [dirname(containerdProgram)] : [];
  const PATH = [...beside, process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  const runtime = await containerd({ root, env: { PATH } });
  held.defer(() => end(runtime));
  const directory = await scratch('kubelet');
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const { cert, key } = await server.issue({ names: ['127.0.0.1'] });
  const files = {
    'ca.pem': server.ca,
    'cert.pem': cert,
    'key.pem': key,
    'kubelet.yaml': JSON.stringify({ ...configOf(directory, runtime.socket, port), ...settings }),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content);
  const program = await start({
    command: 'unshare',
    args: [
      // The sockets of device plugins lie there whatever --root-dir says.
      ...['--mount', '--propagation', 'private', 'sh', '-ec'],
      'mkdir -p /var/lib/kubelet && mount -t tmpfs tmpfs /var/lib/kubelet && exec "$@"',
      ...[
        'sh',
        kubeletProgram ?? '',
        '--config',
        join(directory, 'kubelet.yaml'),
        '--kubeconfig',
        await server.kubeconfig(),
      ],
      ...['--root-dir', join(directory, 'root'), '--cert-dir', join(directory, 'pki'), '--hostname-override', 'node1'],
    ],
    ready: () =>
      ask(`${url}/healthz`, { tls: { ca: server.ca } }).then(
        ({ status }) => status === 401,
        () => false,
      ),
    directory,
    patienceMs: 60_000,
  });
  held.use(program);
  const owned = held.move();
  return { url, program, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function configOf(directory: string, socket: string, port: number): KubeletSettings {
  const at = (name: string): string => join(directory, name);
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    ...{ address: '127.0.0.1', port, healthzPort: 0, containerRuntimeEndpoint: `unix://${socket}` },
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: at('ca.pem') } },
    ...{ authorization: { mode: 'Webhook' }, tlsCertFile: at('cert.pem'), tlsPrivateKeyFile: at('key.pem') },
    ...{ podLogsDir: at('logs'), volumePluginDir: at('plugins'), resolvConf: '' },
    // Whatever machine this is, its own cgroups and packet filter are left alone.
    ...{ cgroupsPerQOS: false, enforceNodeAllocatable: [], cgroupDriver: 'cgroupfs', makeIPTablesUtilChains: false },
    ...{ failSwapOn: false, failCgroupV1: false, localStorageCapacityIsolation: false },
    evictionHard: {
      'memory.available': '1Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
      'nodefs.inodesFree': '0%',
    },
  };
}

/** Shims and containers outlive their containerd. */
async function end(runtime: Containerd): Promise<void> {
  for (const shim of shimsOf(runtime.socket)) {
    for (const pid of childrenOf(shim)) kill(pid);
    kill(shim);
  }
  await runtime.program.close();
}

function shimsOf(socket: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => read(`/proc/${pid}/cmdline`).split('\0').includes(socket))
    .filter((pid) => read(`/proc/${pid}/comm`).startsWith('containerd-shim'))
    .map(Number);
}

function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  );
}

/** Empty where the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** A program of 129 bytes for Linux on amd64 that waits for a signal, for ever: what a sandbox runs. */
export function pauseProgram(): Buffer {
  const [base, headers] = [0x400000n, 120];
  // pause(2); again.
  const code = Buffer.from('b8220000000f05ebf7', 'hex');
  const elf = Buffer.alloc(headers + code.length);
  elf.write('7f454c46020101', 0, 'hex');
  elf.writeUInt16LE(2, 16);
  elf.writeUInt16LE(62, 18);
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(base + BigInt(headers), 24);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  // One segment, read and run, of the whole file.
  elf.writeUInt32LE(1, 64);
  elf.writeUInt32LE(5, 68);
  for (const place of [80, 88]) elf.writeBigUInt64LE(base, place);
  for (const place of [96, 104]) elf.writeBigUInt64LE(BigInt(elf.length), place);
  elf.writeBigUInt64LE(4096n, 112);
  code.copy(elf, headers);
  return elf;
}
