/**
 * EKS with Amazon Linux 2023: nodeadm writes everything from NodeConfig (awslabs/amazon-eks-ami 81fec2e8:
 * templates/al2023/runtime/rootfs/etc/systemd/system/kubelet.service, nodeadm/internal/kubelet/environment.go:
 * NODEADM_KUBELET_ARGS in /etc/eks/kubelet/environment, image-credential-provider.go: /etc/eks/image-credential-provider,
 * nodeadm/internal/containerd/config2.template.toml).
 */
import { containerd, hostsToml, kubelet, redHatTrust, type KnownDistribution } from './known.ts';

const nodeConfig = (where: string) =>
  ({
    where: `NodeConfig in the user data, ${where}`,
    format: 'yaml',
    apply: ['replace the node (new instances read their user data)'],
  }) as const;

export const eks: KnownDistribution = {
  name: 'eks',
  title: 'EKS (Amazon Linux 2023)',
  traces: { files: ['/etc/eks'], kubeletVersion: '-eks-' },
  runtime: containerd,
  kubelet: {
    ...kubelet,
    config: '/etc/kubernetes/kubelet/config.json',
    configDir: '/etc/kubernetes/kubelet/config.json.d',
  },
  edits: {
    registries: hostsToml('/etc/containerd/certs.d', 'Write it by the user data, so that new nodes have it, too.'),
    trust: redHatTrust('containerd'),
    proxy: nodeConfig('spec.instance.environment'),
    kubelet: nodeConfig('spec.kubelet'),
  },
  components: ['host-proc', 'credential-plugins', 'host-disk'],
};
