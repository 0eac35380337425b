/**
 * kOps: nodeup writes units and files from the cluster's spec (kubernetes/kops 268927e264: nodeup/pkg/model/containerd.go,
 * kubelet.go: /etc/sysconfig/kubelet with DAEMON_ARGS and HOME=/root, binaries in /usr/local/bin, on Flatcar /opt/kubernetes/bin, on
 * COS /home/kubernetes/bin; pkg/model/resources/nodeup.go: proxies in /etc/environment and /etc/systemd/system.conf).
 */
import { containerd, kubelet, type KnownDistribution } from './known.ts';

const cluster = (where: string, note?: string) =>
  ({
    where: `the cluster's spec, ${where}`,
    format: 'yaml',
    apply: ['kops edit cluster', 'kops update cluster --yes', 'kops rolling-update cluster --yes'],
    ...(note === undefined ? {} : { note }),
  }) as const;

export const kops: KnownDistribution = {
  name: 'kops',
  title: 'kOps',
  traces: {
    units: ['kops-configuration.service'],
    files: ['/etc/systemd/system/containerd.service.d/10-kops.conf', '/opt/kops'],
  },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/var/lib/kubelet/kubelet.conf' },
  edits: {
    registries: cluster('spec.containerd.registryMirrors', 'nodeup writes /etc/containerd/certs.d from it.'),
    trust: cluster('spec.fileAssets or an additionalUserData that installs the certificate'),
    proxy: cluster('spec.networking.egressProxy'),
    kubelet: cluster('spec.kubelet'),
  },
  components: ['host-proc', 'credential-plugins', 'host-disk'],
};
