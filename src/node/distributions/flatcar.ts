/**
 * Flatcar: containerd is a system extension whose unit names its configuration (flatcar/scripts ab6d76d957:
 * coreos-overlay/coreos/sysext/containerd/usr/lib/systemd/system/containerd.service: --config ${CONTAINERD_CONFIG}, which is
 * /usr/share/containerd/config.toml). /usr is read-only; kubeadm's programs are in /opt/bin.
 */
import { containerd, hostsToml, kubelet, proxyDropIn, restart, type KnownDistribution } from './known.ts';

export const flatcar: KnownDistribution = {
  name: 'flatcar',
  title: 'Flatcar',
  traces: { osId: ['flatcar'], osImage: 'Flatcar' },
  runtime: { ...containerd, config: '/usr/share/containerd/config.toml' },
  kubelet: { ...kubelet, config: '/var/lib/kubelet/config.yaml' },
  edits: {
    registries: hostsToml(
      '/etc/containerd/certs.d',
      'The shipped configuration has no config_path. Copy it to /etc/containerd/config.toml, set config_path there, and set CONTAINERD_CONFIG in a drop-in of containerd.service.',
    ),
    trust: {
      where: '/etc/ssl/certs',
      format: 'pem',
      file: 'NAME.pem',
      apply: ['update-ca-certificates', ...restart('containerd')],
    },
    proxy: proxyDropIn('containerd.service'),
    kubelet: { where: '/etc/default/kubelet', format: 'environment file', apply: restart('kubelet') },
  },
  components: ['host-proc', 'credential-plugins', 'host-disk', 'host-opt'],
};
