/** A distribution together with what it is recognised by, on the node's files and in what the Node object says. */
import type { Distribution, Edit, KubeletLayout, RuntimeLayout } from '#node/distribution.ts';

export interface Traces {
  /** Any of these. */
  readonly files?: readonly string[];
  /** Any of these units exists. */
  readonly units?: readonly string[];
  /** `ID=` of os-release. */
  readonly osId?: readonly string[];
  /** A part of node.status.nodeInfo.kubeletVersion: `+k3s`. */
  readonly kubeletVersion?: string;
  /** A part of node.status.nodeInfo.osImage. */
  readonly osImage?: string;
  /** A part of the kubelet's command line in its unit. */
  readonly kubeletCommand?: string;
}

export interface KnownDistribution extends Distribution {
  readonly traces: Traces;
}

export function restart(...units: readonly string[]): readonly string[] {
  return [`systemctl restart ${units.join(' ')}`];
}

export function reload(...units: readonly string[]): readonly string[] {
  return ['systemctl daemon-reload', ...restart(...units)];
}

/** hosts.toml is read at every pull (containerd docs/hosts.md). */
export function hostsToml(dir: string, note?: string): Edit {
  return {
    where: dir,
    format: 'hosts.toml',
    file: 'HOST/hosts.toml',
    apply: [],
    ...(note === undefined ? {} : { note }),
  };
}

/** Debian and Ubuntu: /usr/sbin/update-ca-certificates rebuilds the bundle. containerd reads it once, at its start. */
export const debianTrust: Edit = {
  where: '/usr/local/share/ca-certificates',
  format: 'pem',
  file: 'NAME.crt',
  apply: ['update-ca-certificates', ...restart('containerd')],
};

/** Red Hat's, Fedora's and Amazon's: update-ca-trust(8). */
export function redHatTrust(unit: string): Edit {
  return {
    where: '/etc/pki/ca-trust/source/anchors',
    format: 'pem',
    file: 'NAME.crt',
    apply: ['update-ca-trust extract', ...restart(unit)],
  };
}

export function proxyDropIn(unit: string): Edit {
  return {
    where: `/etc/systemd/system/${unit}.d`,
    format: 'systemd drop-in',
    file: 'http-proxy.conf',
    apply: reload(unit),
  };
}

export const containerd: RuntimeLayout = {
  name: 'containerd',
  config: '/etc/containerd/config.toml',
  root: '/var/lib/containerd',
  socket: '/run/containerd/containerd.sock',
  units: ['containerd.service'],
};

export const kubelet: KubeletLayout = {
  processes: ['kubelet'],
  units: ['kubelet.service'],
  rootDir: '/var/lib/kubelet',
  flags: { from: 'unit' },
};
