/**
 * A containerd of one's own, whose /etc is a node root's: hosts.toml, hosts, resolv.conf and certificate bundle are read by
 * the daemon at their usual places, so that the same tree can be shown to drypull. Needs root.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { criAnswers, criPull, criVersion, type Pulled, type PullWish } from './cri.ts';
import { scratch, start, type Program } from './program.ts';

export interface ContainerdWish {
  /** Holds etc/, with etc/containerd/config.toml in it. */
  readonly root: string;
  /** Its data lies in the root's var/lib/containerd, and at /var/lib/containerd for the daemon. Default: aside. */
  readonly ownData?: boolean;
  /** The daemon's environment: proxies, SSL_CERT_FILE. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Containerd extends AsyncDisposable {
  readonly program: Program;
  readonly socket: string;
  /** As in node.status.nodeInfo. */
  readonly version: string;
  readonly pull: (request: PullWish) => Promise<Pulled>;
}

/** Another than the installed one may be tried: CONTAINERD=/path/to/containerd. */
export const containerdProgram = process.env['CONTAINERD'] ?? 'containerd';

/** What the daemon needs to run beside others, on top of what the node root's configuration says about images. */
const aside = (directory: string, data: string): string => `version = 2
imports = ["/etc/containerd/config.toml"]
root = "${data}"
state = "${directory}/state"
[grpc]
  address = "${directory}/containerd.sock"
[ttrpc]
  address = "${directory}/containerd.sock.ttrpc"
`;

export async function containerd({ root, env, ownData = false }: ContainerdWish): Promise<Containerd> {
  const directory = await scratch('containerd');
  const socket = join(directory, 'containerd.sock');
  const data = ownData ? '/var/lib/containerd' : join(directory, 'root');
  await writeFile(join(directory, 'config.toml'), aside(directory, data));
  const bindData = ownData ? 'mount --rbind "$1/var/lib" /var/lib && ' : '';
  const program = await start({
    command: 'unshare',
    args: [
      ...['--mount', '--propagation', 'private', 'sh', '-ec'],
      `${bindData}mount --bind "$1/etc" /etc && exec "$3" --config "$2"`,
      ...['sh', root, join(directory, 'config.toml'), containerdProgram],
    ],
    ...(env ? { env } : {}),
    ready: () => criAnswers(socket),
    directory,
  });
  const pull = (request: PullWish): Promise<Pulled> => criPull(socket, request);
  return { program, socket, version: await criVersion(socket), pull, [Symbol.asyncDispose]: program.close };
}

/** The image part of a node's configuration, and what keeps a runtime quiet that never runs a container. */
export const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  disable_cgroup = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
`;
