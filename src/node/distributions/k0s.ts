/**
 * k0s: one program supervises containerd and the kubelet (k0sproject/k0s dff90cee9a: pkg/component/worker/containerd/component.go,
 * kubelet.go, pkg/config/cfgvars.go; docs/runtime.md, docs/environment-variables.md). Files in /etc/k0s/containerd.d are imported,
 * and k0s has containerd read them again by itself.
 */
import { hostsToml, redHatTrust, reload, restart, type KnownDistribution } from './known.ts';

const units = ['k0sworker.service', 'k0scontroller.service'];

export const k0s: KnownDistribution = {
  name: 'k0s',
  title: 'k0s',
  traces: { units, files: ['/etc/k0s', '/var/lib/k0s'], kubeletVersion: '+k0s' },
  runtime: {
    name: 'containerd',
    config: '/etc/k0s/containerd.toml',
    root: '/var/lib/k0s/containerd',
    socket: '/run/k0s/containerd.sock',
    units,
    passesOn: true,
  },
  kubelet: {
    processes: ['kubelet'],
    units,
    rootDir: '/var/lib/k0s/kubelet',
    config: '/var/lib/k0s/kubelet-config.yaml',
    flags: {
      from: 'wrapper',
      passed: { flag: 'kubelet-extra-args', as: 'words' },
      renamed: { 'kubelet-root-dir': 'root-dir' },
    },
  },
  edits: {
    registries: hostsToml(
      '/etc/k0s/containerd.d/certs.d',
      'A file in /etc/k0s/containerd.d has to set config_path to this directory; k0s restarts containerd when it appears.',
    ),
    trust: {
      ...redHatTrust('k0sworker'),
      note: 'Debian and Ubuntu: /usr/local/share/ca-certificates and update-ca-certificates.',
    },
    proxy: {
      where: '/etc/systemd/system/k0sworker.service.d',
      format: 'systemd drop-in',
      file: 'http-proxy.conf',
      apply: reload('k0sworker'),
      note: 'On controllers with workloads k0scontroller. CONTAINERD_HTTPS_PROXY is for containerd alone.',
    },
    kubelet: {
      where: '--kubelet-extra-args of the k0s service',
      format: 'flags',
      apply: restart('k0sworker'),
    },
  },
  components: ['distribution-k0s', 'host-proc'],
};
