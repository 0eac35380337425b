/**
 * A node that kubeadm joined, or any with a kubelet and a runtime of its own packages
 * (kubernetes/release cmd/krel/templates/latest/kubeadm/10-kubeadm.conf; kubernetes cmd/kubeadm/app/constants v1.36:
 * kubeadm-flags.env and config.yaml in /var/lib/kubelet; /etc/default/kubelet or /etc/sysconfig/kubelet for own flags).
 */
import { containerd, debianTrust, hostsToml, kubelet, proxyDropIn, restart, type KnownDistribution } from './known.ts';

export const kubeadm: KnownDistribution = {
  name: 'kubeadm',
  title: 'a node of its own packages (kubeadm)',
  traces: { units: ['kubelet.service'], files: ['/var/lib/kubelet/kubeadm-flags.env', '/etc/kubernetes/kubelet.conf'] },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/var/lib/kubelet/config.yaml' },
  edits: {
    registries: hostsToml('/etc/containerd/certs.d'),
    trust: debianTrust,
    proxy: proxyDropIn('containerd.service'),
    kubelet: {
      where: '/etc/default/kubelet',
      format: 'environment file',
      apply: restart('kubelet'),
      note: 'Red Hat and its relatives: /etc/sysconfig/kubelet. The variable is KUBELET_EXTRA_ARGS.',
    },
  },
  components: ['host-proc', 'credential-plugins', 'host-disk'],
};
