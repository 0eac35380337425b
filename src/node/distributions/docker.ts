/**
 * Docker without Kubernetes: dockerd pulls, and the containerd of Docker's packages has its CRI plugin switched off
 * (docker/containerd-packaging common/containerd.toml: disabled_plugins = ["cri"]). There is no kubelet here.
 */
import { containerd, debianTrust, proxyDropIn, restart, type KnownDistribution } from './known.ts';

export const docker: KnownDistribution = {
  name: 'docker',
  title: 'Docker without Kubernetes',
  traces: { units: ['docker.service'], files: ['/etc/docker', '/var/lib/docker'] },
  runtime: containerd,
  kubelet: {
    processes: ['kubelet'],
    units: [],
    rootDir: '/var/lib/kubelet',
    flags: { from: 'nowhere', why: 'there is no kubelet on this machine' },
  },
  edits: {
    registries: { where: '/etc/docker/daemon.json', format: 'json', apply: restart('docker') },
    trust: { ...debianTrust, apply: ['update-ca-certificates', ...restart('docker')] },
    proxy: proxyDropIn('docker.service'),
    kubelet: { where: 'nothing', format: 'flags', apply: [] },
  },
  components: [],
};
