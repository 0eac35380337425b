/**
 * AKS with Ubuntu or Azure Linux (Azure/AgentBaker 06836ee230: parts/linux/cloud-init/artifacts/kubelet.service with
 * /etc/default/kubelet and KUBELET_FLAGS, cse_config.sh: /etc/systemd/system.conf.d/proxy.conf, /etc/default/kubeletconfig.json;
 * aks-node-controller/parser/templates/containerd.toml.gtpl: config_path /etc/containerd/certs.d, a header with every request;
 * pkg/agent: the credential provider in /var/lib/kubelet).
 */
import { containerd, debianTrust, hostsToml, kubelet, type KnownDistribution } from './known.ts';

export const aks: KnownDistribution = {
  name: 'aks',
  title: 'AKS (Ubuntu, Azure Linux)',
  traces: {
    files: ['/etc/kubernetes/azure.json', '/opt/azure/containers'],
    kubeletCommand: '/etc/kubernetes/volumeplugins',
  },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/etc/default/kubeletconfig.json' },
  edits: {
    registries: hostsToml(
      '/etc/containerd/certs.d',
      'A DaemonSet has to write it: an upgrade makes nodes from their image again.',
    ),
    trust: {
      ...debianTrust,
      note: 'For the whole cluster: `az aks update --custom-ca-trust-certificates FILE`. Azure Linux: /etc/pki/ca-trust/source/anchors and update-ca-trust.',
    },
    proxy: {
      where: 'HTTP proxy configuration of the cluster',
      format: 'json',
      apply: ['az aks update --http-proxy-config FILE', 'upgrade the node pools'],
    },
    kubelet: {
      where: 'custom node configuration of the node pool',
      format: 'json',
      apply: ['az aks nodepool add --kubelet-config FILE'],
    },
  },
  components: ['host-proc', 'credential-plugins', 'host-disk', 'host-opt'],
};
