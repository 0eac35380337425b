/**
 * k3s: one program holds the kubelet and starts containerd (k3s-io/k3s pkg/agent/containerd/config.go at 06ea261ce3f1,
 * pkg/agent/config, install.sh; docs.k3s.io: installation/private-registry, advanced). registries.yaml is read when the service
 * starts, and becomes config.toml and certs.d below /var/lib/rancher, which only root may read.
 */
import { redHatTrust, restart, type KnownDistribution } from './known.ts';

const units = ['k3s.service', 'k3s-agent.service'];
const own = '/var/lib/rancher/k3s/agent';

export const k3s: KnownDistribution = {
  name: 'k3s',
  title: 'k3s',
  traces: { units, files: ['/etc/rancher/k3s', own], kubeletVersion: '+k3s' },
  runtime: {
    name: 'containerd',
    config: `${own}/etc/containerd/config.toml`,
    root: `${own}/containerd`,
    socket: '/run/k3s/containerd/containerd.sock',
    units,
    passesOn: true,
    versionSuffix: '-k3s1',
    generatedFrom: '/etc/rancher/k3s/registries.yaml',
  },
  kubelet: {
    processes: ['k3s-server', 'k3s-agent', 'k3s'],
    units,
    rootDir: '/var/lib/kubelet',
    configDir: `${own}/etc/kubelet.conf.d`,
    flags: {
      from: 'wrapper',
      settings: '/etc/rancher/k3s/config.yaml',
      passed: { flag: 'kubelet-arg', as: 'each' },
      renamed: {
        'image-credential-provider-config': 'image-credential-provider-config',
        'image-credential-provider-bin-dir': 'image-credential-provider-bin-dir',
      },
    },
    providers: {
      config: '/var/lib/rancher/credentialprovider/config.yaml',
      bin: '/var/lib/rancher/credentialprovider/bin',
    },
  },
  edits: {
    registries: {
      where: '/etc/rancher/k3s/registries.yaml',
      format: 'registries.yaml',
      apply: restart('k3s'),
      note: 'On agents the unit is k3s-agent. What k3s generates below /var/lib/rancher is overwritten at its next start.',
    },
    trust: {
      ...redHatTrust('k3s'),
      note: 'Debian and Ubuntu: /usr/local/share/ca-certificates and update-ca-certificates.',
    },
    proxy: {
      where: '/etc/systemd/system/k3s.service.env',
      format: 'environment file',
      apply: restart('k3s'),
      note: 'On agents k3s-agent.service.env. CONTAINERD_HTTPS_PROXY is for containerd alone.',
    },
    kubelet: {
      where: '/etc/rancher/k3s/config.yaml',
      format: 'yaml',
      apply: restart('k3s'),
      note: 'The key is kubelet-arg.',
    },
  },
  components: ['distribution-k3s', 'host-proc', 'credential-plugins'],
};
