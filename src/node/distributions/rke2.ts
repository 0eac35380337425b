/**
 * RKE2: k3s's agent code with other paths, and a kubelet of its own process (rancher/rke2 6ce1a8019e9d: bundle/lib/systemd/system,
 * pkg/bootstrap; docs.rke2.io: install/private_registry).
 */
import { k3s } from './k3s.ts';
import { restart, type KnownDistribution } from './known.ts';

const units = ['rke2-server.service', 'rke2-agent.service'];
const own = '/var/lib/rancher/rke2/agent';

export const rke2: KnownDistribution = {
  name: 'rke2',
  title: 'RKE2',
  traces: { units, files: ['/etc/rancher/rke2', own], kubeletVersion: '+rke2' },
  runtime: {
    ...k3s.runtime,
    config: `${own}/etc/containerd/config.toml`,
    root: `${own}/containerd`,
    units,
    generatedFrom: '/etc/rancher/rke2/registries.yaml',
  },
  kubelet: {
    ...k3s.kubelet,
    processes: ['kubelet'],
    units,
    configDir: `${own}/etc/kubelet.conf.d`,
    flags: {
      from: 'wrapper',
      settings: '/etc/rancher/rke2/config.yaml',
      passed: { flag: 'kubelet-arg', as: 'each' },
      renamed: {
        'image-credential-provider-config': 'image-credential-provider-config',
        'image-credential-provider-bin-dir': 'image-credential-provider-bin-dir',
      },
    },
  },
  edits: {
    registries: {
      where: '/etc/rancher/rke2/registries.yaml',
      format: 'registries.yaml',
      apply: restart('rke2-server'),
      note: 'On agents the unit is rke2-agent. What RKE2 generates below /var/lib/rancher is overwritten at its next start.',
    },
    trust: { ...k3s.edits.trust, apply: ['update-ca-trust extract', ...restart('rke2-server')] },
    proxy: {
      where: '/etc/default/rke2-server',
      format: 'environment file',
      apply: restart('rke2-server'),
      note: 'On agents /etc/default/rke2-agent. CONTAINERD_HTTPS_PROXY is for containerd alone.',
    },
    kubelet: {
      where: '/etc/rancher/rke2/config.yaml',
      format: 'yaml',
      apply: restart('rke2-server'),
      note: 'The key is kubelet-arg.',
    },
  },
  components: ['distribution-k3s', 'host-proc', 'credential-plugins'],
};
