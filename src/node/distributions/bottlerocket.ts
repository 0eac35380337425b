/**
 * Bottlerocket: settings are written to files by templates at boot and at each change (bottlerocket-os/bottlerocket-core-kit
 * a10182f9: packages/containerd/containerd-config-toml_k8s_containerd_sock, containerd.service with /etc/network/proxy.env,
 * etc-containerd.mount: a tmpfs that root alone may enter; packages/kubernetes-1.31/kubelet-exec-start-conf).
 */
import { kubelet, containerd, type KnownDistribution } from './known.ts';

const settings = (where: string, note?: string) =>
  ({
    where: `settings, ${where}`,
    format: 'toml',
    apply: ['apiclient apply FILE'],
    ...(note === undefined ? {} : { note }),
  }) as const;

export const bottlerocket: KnownDistribution = {
  name: 'bottlerocket',
  title: 'Bottlerocket',
  traces: { osId: ['bottlerocket'], osImage: 'Bottlerocket' },
  runtime: containerd,
  kubelet: { ...kubelet, config: '/etc/kubernetes/kubelet/config' },
  edits: {
    registries: settings('container-registry.mirrors and .credentials', 'The services restart by themselves.'),
    trust: settings('pki.NAME.data (base64) and .trusted = true'),
    proxy: settings('network.https-proxy and network.no-proxy'),
    kubelet: settings('kubernetes.credential-providers'),
  },
  components: ['read-as-root', 'host-proc', 'credential-plugins'],
};
