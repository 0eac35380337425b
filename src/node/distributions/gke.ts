/**
 * GKE with Container-Optimized OS (kubernetes/cloud-provider-gcp and kubernetes cluster/gce/gci/configure-helper.sh:
 * /etc/default/kubelet with KUBELET_OPTS, kubelet.service with ExecStart=/home/kubernetes/bin/kubelet $KUBELET_OPTS,
 * /home/kubernetes/kubelet-config.yaml, credential provider in /home/kubernetes/bin; /etc/containerd/config.toml).
 */
import { containerd, kubelet, type KnownDistribution } from './known.ts';

const nodePool = (where: string) =>
  ({
    where: `containerd configuration of the node pool, ${where}`,
    format: 'yaml',
    apply: ['gcloud container node-pools update POOL --containerd-config-from-file FILE'],
  }) as const;

export const gke: KnownDistribution = {
  name: 'gke',
  title: 'GKE (Container-Optimized OS)',
  traces: { kubeletVersion: '-gke.', osId: ['cos'], files: ['/home/kubernetes/kubelet-config.yaml'] },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/home/kubernetes/kubelet-config.yaml' },
  edits: {
    registries: nodePool('registryHosts'),
    trust: nodePool('privateRegistryAccessConfig.certificateAuthorityDomainConfig'),
    proxy: {
      where: '/etc/systemd/system/containerd.service.d',
      format: 'systemd drop-in',
      file: 'http-proxy.conf',
      apply: ['systemctl daemon-reload', 'systemctl restart containerd'],
      note: 'A DaemonSet has to write it: new nodes start from their image. GKE does not support it.',
    },
    kubelet: {
      where: 'kubelet configuration of the node pool',
      format: 'yaml',
      apply: ['gcloud container node-pools update POOL --system-config-from-file FILE'],
    },
  },
  components: ['distribution-gke', 'host-proc', 'credential-plugins', 'host-disk'],
};
