/**
 * kind: each node is a container with kubeadm inside (kubernetes-sigs/kind fed26882: images/base/files/etc/systemd/system, with
 * /usr/local/bin/containerd and 11-kind.conf; entrypoint writes DefaultEnvironment= for proxies; /kind is the image's own directory).
 */
import { containerd, debianTrust, hostsToml, kubelet, restart, type KnownDistribution } from './known.ts';

export const kind: KnownDistribution = {
  name: 'kind',
  title: 'kind',
  traces: { files: ['/kind', '/etc/systemd/system/kubelet.service.d/11-kind.conf'] },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/var/lib/kubelet/config.yaml' },
  edits: {
    registries: hostsToml(
      '/etc/containerd/certs.d',
      'Before v0.27 of kind, containerdConfigPatches of the cluster has to set config_path. `docker exec NODE` opens a shell in the node.',
    ),
    trust: debianTrust,
    proxy: {
      where: 'HTTP_PROXY, HTTPS_PROXY and NO_PROXY of `kind create cluster`',
      format: 'environment file',
      apply: ['kind delete cluster', 'kind create cluster'],
    },
    kubelet: { where: '/etc/default/kubelet', format: 'environment file', apply: restart('kubelet') },
  },
  components: ['host-proc', 'credential-plugins', 'host-disk'],
};
