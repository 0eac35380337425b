/**
 * Talos: no shell, no systemd; everything is written from the machine configuration (siderolabs/talos ad8823176:
 * hack/cri-containerd.toml and cri-plugin.part, internal/app/machined/pkg/controllers/files/cri_config.go, which writes
 * /etc/cri/conf.d/cri.toml and hosts with mode 0600, .../services/cri.go and kubelet.go; pkg/machinery/constants). The kubelet is a
 * container, and its flags are in no file.
 */
import type { KnownDistribution } from './known.ts';

const machine = (where: string, note?: string) =>
  ({
    where: `machine configuration, ${where}`,
    format: 'yaml',
    apply: ['talosctl --nodes NODE edit machineconfig'],
    ...(note === undefined ? {} : { note }),
  }) as const;

export const talos: KnownDistribution = {
  name: 'talos',
  title: 'Talos',
  traces: { osId: ['talos'], files: ['/etc/cri/containerd.toml'], osImage: 'Talos' },
  runtime: {
    name: 'containerd',
    config: '/etc/cri/containerd.toml',
    root: '/var/lib/containerd',
    socket: '/run/containerd/containerd.sock',
    units: [],
  },
  kubelet: {
    processes: ['kubelet'],
    units: [],
    rootDir: '/var/lib/kubelet',
    config: '/etc/kubernetes/kubelet.yaml',
    flags: { from: 'nowhere', why: 'Talos keeps the flags of the kubelet in its machine configuration' },
    providers: {
      config: '/etc/kubernetes/kubelet-credentialproviderconfig.yaml',
      bin: '/usr/local/lib/kubelet/credentialproviders',
    },
  },
  edits: {
    registries: machine(
      'machine.registries.mirrors and .config',
      'Since v1.12 also documents of kind RegistryMirrorConfig.',
    ),
    trust: machine(
      'a document of kind TrustedRootsConfig',
      'The node takes it without a reboot; containerd after its restart.',
    ),
    proxy: machine('machine.env (http_proxy, https_proxy, no_proxy)', 'A reboot makes it take effect.'),
    kubelet: machine('machine.kubelet.extraArgs and .credentialProviderConfig'),
  },
  components: ['read-as-root', 'host-proc', 'credential-plugins'],
};
