/**
 * MicroK8s: a snap with files of flags in place of units (canonical/microk8s d099c907: microk8s-resources/default-args/{containerd,
 * containerd-env,containerd-template.toml,kubelet,certs.d}, wrappers/run-containerd-with-args, run-kubelite-with-args). The kubelet is
 * a part of kubelite. /var/snap/microk8s/current is a link to the revision in use; only root and the group microk8s may read it.
 */
import { debianTrust, hostsToml, type KnownDistribution } from './known.ts';

const data = '/var/snap/microk8s/current';
const common = '/var/snap/microk8s/common';
const variables = { SNAP: '/snap/microk8s/current', SNAP_DATA: data, SNAP_COMMON: common };
const restart = ['snap restart microk8s'];

export const microk8s: KnownDistribution = {
  name: 'microk8s',
  title: 'MicroK8s',
  traces: {
    units: ['snap.microk8s.daemon-containerd.service', 'snap.microk8s.daemon-kubelite.service'],
    files: [data],
  },
  runtime: {
    name: 'containerd',
    config: `${data}/args/containerd.toml`,
    root: `${common}/var/lib/containerd`,
    socket: `${common}/run/containerd.sock`,
    units: ['snap.microk8s.daemon-containerd.service'],
    flagsFile: `${data}/args/containerd`,
    environmentFile: `${data}/args/containerd-env`,
    variables,
  },
  kubelet: {
    processes: ['kubelite'],
    units: ['snap.microk8s.daemon-kubelite.service'],
    rootDir: `${common}/var/lib/kubelet`,
    flags: { from: 'file', path: `${data}/args/kubelet`, variables },
  },
  edits: {
    registries: hostsToml(`${data}/args/certs.d`),
    trust: { ...debianTrust, apply: ['update-ca-certificates', ...restart] },
    proxy: {
      where: `${data}/args/containerd-env`,
      format: 'environment file',
      apply: restart,
      note: 'Lines like HTTPS_PROXY=http://proxy:3128.',
    },
    kubelet: { where: `${data}/args/kubelet`, format: 'flags', apply: restart },
  },
  components: ['distribution-microk8s', 'host-proc'],
};
