/**
 * minikube: kubeadm in a machine or container of its own (kubernetes/minikube pkg/minikube/bootstrapper/bsutil/ktmpl: 10-kubeadm.conf
 * with ExecStart=/var/lib/minikube/binaries/VERSION/kubelet; deploy/iso/minikube-iso: containerd's config.toml;
 * --insecure-registry and --registry-mirror of `minikube start`). With the driver docker the machine is kicbase.
 */
import { containerd, hostsToml, kubelet, type KnownDistribution } from './known.ts';

export const minikube: KnownDistribution = {
  name: 'minikube',
  title: 'minikube',
  traces: {
    files: ['/var/lib/minikube', '/etc/systemd/system/minikube-automount.service'],
    kubeletCommand: '/var/lib/minikube/',
    osId: ['buildroot'],
  },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/var/lib/kubelet/config.yaml' },
  edits: {
    registries: hostsToml(
      '/etc/containerd/certs.d',
      '`minikube ssh` opens a shell in the node. With the runtime docker: /etc/docker/daemon.json.',
    ),
    trust: { where: '~/.minikube/certs', format: 'pem', file: 'NAME.pem', apply: ['minikube start --embed-certs'] },
    proxy: {
      where: 'HTTP_PROXY, HTTPS_PROXY and NO_PROXY of `minikube start`',
      format: 'environment file',
      apply: ['minikube delete', 'minikube start'],
    },
    kubelet: {
      where: '--extra-config=kubelet.NAME=VALUE of `minikube start`',
      format: 'flags',
      apply: ['minikube start'],
    },
  },
  components: ['host-proc', 'credential-plugins', 'host-disk'],
};
