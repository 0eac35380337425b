/**
 * The nodes of sixteen distributions as files, each as its own projects lay them out (the sources are in src/node/distributions/), with
 * one mirror, one proxy and one login in the places where its operator puts them.
 */
import type { DistributionName } from '#node/distribution.ts';
import { shownBy } from '../../src/node/distributions/mounts.ts';
import type { HostRoot } from '../../src/node/host-root.ts';
import { nodeRoot, type NodeRoot, type NodeTree } from './node-root.ts';

export interface Setting {
  /** The registry that images name, `reg.test:40123`; nothing listens there. */
  readonly registry: string;
  /** `http://mirror.test:40124` */
  readonly mirror: string;
}

export interface DistributionNode {
  readonly name: DistributionName;
  /** As the Node object has it. */
  readonly runtime: string;
  readonly kubeletVersion?: string;
  readonly osImage?: string;
  readonly tree: (setting: Setting) => NodeTree;
  /** What runs: name of the process and its command line. */
  readonly processes: Readonly<Record<string, string>>;
  /** Where the runtime's configuration is found. */
  readonly config: string;
  /** Where the kubelet's flags are found from files alone. */
  readonly kubeletFlags: string;
  /** Whether credential provider plugins are configured. */
  readonly hasProviders?: true;
  /** Components beside the base with which files alone decide. */
  readonly components: readonly string[];
}

export const proxy = 'http://proxy.test:3128';
const proxyLines = `HTTPS_PROXY=${proxy}\nNO_PROXY=.test\n`;
const proxyUnit = `[Service]\nEnvironment=HTTPS_PROXY=${proxy}\nEnvironment=NO_PROXY=.test\n`;
const manager = `[Manager]\nDefaultEnvironment="HTTPS_PROXY=${proxy}" "NO_PROXY=.test"\n`;

const common: NodeTree = {
  'etc/hosts': '127.0.0.1 localhost reg.test mirror.test proxy.test\n',
  'etc/nsswitch.conf': 'hosts: files dns\n',
  'etc/resolv.conf': 'nameserver 127.0.0.1\n',
  'etc/ssl/certs': { dir: true },
  'run/systemd/resolve': { dir: true },
};

const providerConfig = (name: string): string =>
  JSON.stringify({
    kind: 'CredentialProviderConfig',
    apiVersion: 'kubelet.config.k8s.io/v1',
    providers: [
      {
        name,
        matchImages: ['*.dkr.ecr.*.amazonaws.com'],
        defaultCacheDuration: '12h',
        apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
      },
    ],
  });
const plugin = { text: '#!/bin/sh\n', mode: 0o755 };

const hostsToml = ({ mirror }: Setting): string => `[host."${mirror}"]\n  capabilities = ["pull", "resolve"]\n`;
const version3 = (certsD: string): string =>
  `version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "${certsD}"\n`;
const version2 = (certsD: string): string =>
  `version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "${certsD}"\n`;
const unit = (command: string, more = ''): string => `[Service]\n${more}ExecStart=${command}\n`;
const osRelease = (id: string): NodeTree => ({ 'etc/os-release': `NAME="x"\nID=${id}\n` });

const kubeadmUnit: NodeTree = {
  'usr/lib/systemd/system/kubelet.service': unit('/usr/bin/kubelet'),
  'usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf': `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`,
  'var/lib/kubelet/kubeadm-flags.env':
    'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock"\n',
  'var/lib/kubelet/config.yaml': 'kind: KubeletConfiguration\n',
  'etc/kubernetes/kubelet.conf': '',
};

const certsD = 'etc/containerd/certs.d';

const kubeadm: DistributionNode = {
  name: 'kubeadm',
  runtime: 'containerd://2.1.9',
  tree: (setting) => ({
    ...kubeadmUnit,
    'usr/lib/systemd/system/containerd.service': unit('/usr/bin/containerd'),
    'etc/systemd/system/containerd.service.d/http-proxy.conf': proxyUnit,
    'etc/containerd/config.toml': version3(`/${certsD}`),
    [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
  }),
  processes: {
    containerd: '/usr/bin/containerd',
    kubelet: '/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml',
  },
  config: '/etc/containerd/config.toml',
  kubeletFlags: '/usr/lib/systemd/system/kubelet.service',
  components: ['credential-plugins'],
};

const k3sAgent = 'var/lib/rancher/k3s/agent/etc/containerd';
const rke2Agent = 'var/lib/rancher/rke2/agent/etc/containerd';
const snap = 'var/snap/microk8s';

export const nodes: readonly DistributionNode[] = [
  kubeadm,
  {
    ...kubeadm,
    name: 'kind',
    tree: (setting) => ({
      ...kubeadmUnit,
      'kind/product_name': 'kind\n',
      'etc/systemd/system/kubelet.service.d/11-kind.conf': '[Service]\nExecStartPre=/bin/true\n',
      'etc/systemd/system/containerd.service': unit('/usr/local/bin/containerd'),
      'etc/systemd/system.conf.d/proxy-default-environment.conf': manager,
      'etc/containerd/config.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
    }),
  },
  {
    name: 'k3s',
    runtime: 'containerd://2.1.4-k3s1',
    kubeletVersion: 'v1.34.1+k3s1',
    tree: (setting) => ({
      'etc/systemd/system/k3s-agent.service': unit(
        '/usr/local/bin/k3s \\\n    agent \\\n',
        'EnvironmentFile=-/etc/default/%N\nEnvironmentFile=-/etc/sysconfig/%N\nEnvironmentFile=-/etc/systemd/system/k3s-agent.service.env\n',
      ),
      'etc/systemd/system/k3s-agent.service.env': proxyLines.replace('HTTPS', 'CONTAINERD_HTTPS'),
      'etc/rancher/k3s/registries.yaml': { text: 'mirrors: {}\n', mode: 0o600 },
      'etc/rancher/k3s/config.yaml': 'kubelet-arg:\n  - "serialize-image-pulls=false"\n',
      [`${k3sAgent}/config.toml`]: { text: version3(`/${k3sAgent}/certs.d`), mode: 0o600 },
      [`${k3sAgent}/certs.d/${setting.registry}/hosts.toml`]: `# File generated by k3s. DO NOT EDIT.\n${hostsToml(setting)}`,
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: `containerd -c /${k3sAgent}/config.toml --root /var/lib/rancher/k3s/agent/containerd`,
      'k3s-agent': '/usr/local/bin/k3s agent',
    },
    config: `/${k3sAgent}/config.toml`,
    kubeletFlags: '/etc/systemd/system/k3s-agent.service, /etc/rancher/k3s/config.yaml',
    components: ['distribution-k3s', 'credential-plugins'],
  },
  {
    name: 'rke2',
    runtime: 'containerd://2.1.4-k3s2',
    kubeletVersion: 'v1.34.1+rke2r1',
    tree: (setting) => ({
      'usr/local/lib/systemd/system/rke2-server.service': unit(
        '/usr/local/bin/rke2 server',
        'EnvironmentFile=-/etc/default/%N\nEnvironmentFile=-/usr/local/lib/systemd/system/%N.env\n',
      ),
      'etc/default/rke2-server': proxyLines,
      'etc/rancher/rke2/config.yaml': { text: 'token: x\n', mode: 0o600 },
      [`${rke2Agent}/config.toml`]: { text: version3(`/${rke2Agent}/certs.d`), mode: 0o600 },
      [`${rke2Agent}/certs.d/${setting.registry}/hosts.toml`]: hostsToml(setting),
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: `containerd -c /${rke2Agent}/config.toml --root /var/lib/rancher/rke2/agent/containerd`,
      kubelet: 'kubelet --root-dir=/var/lib/kubelet --config-dir=/var/lib/rancher/rke2/agent/etc/kubelet.conf.d',
    },
    config: `/${rke2Agent}/config.toml`,
    kubeletFlags: '/usr/local/lib/systemd/system/rke2-server.service, /etc/rancher/rke2/config.yaml',
    components: ['distribution-k3s', 'credential-plugins'],
  },
  {
    name: 'microk8s',
    runtime: 'containerd://2.1.3',
    tree: (setting) => ({
      'etc/systemd/system/snap.microk8s.daemon-containerd.service': unit(
        '/usr/bin/snap run microk8s.daemon-containerd',
        'EnvironmentFile=-/etc/environment\n',
      ),
      'etc/systemd/system/snap.microk8s.daemon-kubelite.service': unit('/usr/bin/snap run microk8s.daemon-kubelite'),
      [`${snap}/current`]: { link: '8300' },
      [`${snap}/8300/args/containerd`]:
        '--config ${SNAP_DATA}/args/containerd.toml\n--root ${SNAP_COMMON}/var/lib/containerd\n--address ${SNAP_COMMON}/run/containerd.sock\n',
      [`${snap}/8300/args/containerd-env`]: `# a comment\n${proxyLines}ulimit -n 65536 || true\n`,
      [`${snap}/8300/args/containerd.toml`]: version2('/var/snap/microk8s/current/args/certs.d').replace(
        'version = 2\n',
        'version = 2\noom_score = 0\n',
      ),
      [`${snap}/8300/args/kubelet`]:
        '--root-dir=${SNAP_COMMON}/var/lib/kubelet\n--container-runtime-endpoint=${SNAP_COMMON}/run/containerd.sock\n',
      [`${snap}/8300/args/certs.d/${setting.registry}/hosts.toml`]: hostsToml(setting),
      [`${snap}/common/var/lib/kubelet/pki`]: { dir: true },
    }),
    processes: {
      containerd:
        '/snap/microk8s/8300/bin/containerd --config /var/snap/microk8s/8300/args/containerd.toml --root /var/snap/microk8s/common/var/lib/containerd',
      kubelite: '/snap/microk8s/8300/kubelite --kubelet-args-file=/var/snap/microk8s/8300/args/kubelet',
    },
    config: '/var/snap/microk8s/current/args/containerd.toml',
    kubeletFlags: '/var/snap/microk8s/current/args/kubelet',
    components: ['distribution-microk8s'],
  },
  {
    name: 'k0s',
    runtime: 'containerd://2.1.9',
    kubeletVersion: 'v1.34.1+k0s',
    tree: (setting) => ({
      'etc/systemd/system/k0sworker.service': unit(
        '/usr/local/bin/k0s worker --kubelet-extra-args=--v=2 --token-file=/x',
      ),
      'etc/systemd/system/k0sworker.service.d/http-proxy.conf': proxyUnit.replace('HTTPS', 'CONTAINERD_HTTPS'),
      'etc/k0s/containerd.toml': '# k0s_managed=true\nversion = 3\nimports = ["/etc/k0s/containerd.d/*.toml"]\n',
      'etc/k0s/containerd.d/cri-registry.toml': version3('/etc/k0s/containerd.d/certs.d'),
      [`etc/k0s/containerd.d/certs.d/${setting.registry}/hosts.toml`]: hostsToml(setting),
      'var/lib/k0s/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: '/var/lib/k0s/bin/containerd --root=/var/lib/k0s/containerd --config=/etc/k0s/containerd.toml',
      kubelet: '/var/lib/k0s/bin/kubelet --root-dir=/var/lib/k0s/kubelet --config=/var/lib/k0s/kubelet-config.yaml',
    },
    config: '/etc/k0s/containerd.toml, /etc/k0s/containerd.d/cri-registry.toml',
    kubeletFlags: '/etc/systemd/system/k0sworker.service',
    components: ['distribution-k0s'],
  },
  {
    name: 'talos',
    runtime: 'containerd://2.1.9',
    osImage: 'Talos (v1.12.0)',
    tree: (setting) => ({
      ...osRelease('talos'),
      'etc/cri/containerd.toml': 'version = 3\nimports = ["/etc/cri/conf.d/cri.toml"]\n',
      'etc/cri/conf.d/cri.toml': {
        text: `${version3('/etc/cri/conf.d/hosts')}[plugins."io.containerd.cri.v1.images"]\n  use_local_image_pull = true\n`,
        mode: 0o600,
      },
      [`etc/cri/conf.d/hosts/${setting.registry.replace(':', '_')}_/hosts.toml`]: hostsToml(setting),
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: '/bin/containerd --address /run/containerd/containerd.sock --config /etc/cri/containerd.toml',
      kubelet: '/usr/local/bin/kubelet --config=/etc/kubernetes/kubelet.yaml',
    },
    config: '/etc/cri/containerd.toml, /etc/cri/conf.d/cri.toml',
    kubeletFlags: 'Talos keeps the flags of the kubelet in its machine configuration',
    components: ['read-as-root', 'host-proc', 'credential-plugins'],
  },
  {
    name: 'bottlerocket',
    runtime: 'containerd://2.1.9',
    kubeletVersion: 'v1.34.1-eks-3cfe0ce',
    osImage: 'Bottlerocket OS 1.50.0 (aws-k8s-1.34)',
    hasProviders: true,
    tree: (setting) => ({
      ...osRelease('bottlerocket'),
      'usr/lib/systemd/system/containerd.service': unit(
        '/usr/bin/containerd',
        'EnvironmentFile=/etc/network/proxy.env\nEnvironmentFile=-/etc/containerd/nvidia.env\n',
      ),
      'etc/network/proxy.env': proxyLines,
      'etc/containerd/config.toml': `version = 2
[plugins."io.containerd.grpc.v1.cri".registry.mirrors."${setting.registry}"]
endpoint = ["${setting.mirror}"]
`,
      'usr/lib/systemd/system/kubelet.service': unit('/usr/bin/false', 'EnvironmentFile=/etc/kubernetes/kubelet/env\n'),
      'etc/kubernetes/kubelet/env': 'NODE_IP=10.0.0.5\n',
      'etc/systemd/system/kubelet.service.d/exec-start.conf': `[Service]
ExecStart=
ExecStart=/usr/bin/kubelet \\
    --config /etc/kubernetes/kubelet/config \\
    --root-dir /var/lib/kubelet \\
    --image-credential-provider-bin-dir /usr/libexec/kubernetes/kubelet/plugins \\
    --image-credential-provider-config /etc/kubernetes/kubelet/credential-provider-config.yaml \\
    --node-ip \${NODE_IP}
`,
      'etc/kubernetes/kubelet/credential-provider-config.yaml': providerConfig('ecr-credential-provider'),
      'usr/libexec/kubernetes/kubelet/plugins/ecr-credential-provider': plugin,
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: '/usr/bin/containerd',
      kubelet:
        '/usr/bin/kubelet --root-dir /var/lib/kubelet --image-credential-provider-bin-dir /usr/libexec/kubernetes/kubelet/plugins --image-credential-provider-config /etc/kubernetes/kubelet/credential-provider-config.yaml',
    },
    config: '/etc/containerd/config.toml',
    kubeletFlags: '/usr/lib/systemd/system/kubelet.service',
    components: ['credential-plugins'],
  },
  {
    ...kubeadm,
    name: 'flatcar',
    runtime: 'containerd://2.2.5',
    osImage: 'Flatcar Container Linux by Kinvolk 4459.2.0',
    tree: (setting) => ({
      ...kubeadmUnit,
      ...osRelease('flatcar'),
      'usr/lib/systemd/system/containerd.service': unit(
        '/usr/bin/containerd --config ${CONTAINERD_CONFIG}',
        'Environment=CONTAINERD_CONFIG=/usr/share/containerd/config.toml\n',
      ),
      'etc/systemd/system/containerd.service.d/10-own.conf': `${proxyUnit}Environment=CONTAINERD_CONFIG=/etc/containerd/own.toml\n`,
      'usr/share/containerd/config.toml': 'version = 2\n',
      'etc/containerd/own.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
    }),
    processes: { ...kubeadm.processes, containerd: '/usr/bin/containerd --config /etc/containerd/own.toml' },
    config: '/etc/containerd/own.toml',
  },
  {
    name: 'kops',
    runtime: 'containerd://1.7.28',
    hasProviders: true,
    tree: (setting) => ({
      'etc/systemd/system/kops-configuration.service': unit('/opt/kops/bin/nodeup'),
      'usr/lib/systemd/system/containerd.service': unit(
        '/usr/bin/containerd -c /etc/containerd/config.toml "$CONTAINERD_OPTS"',
        'EnvironmentFile=/etc/sysconfig/containerd\nEnvironmentFile=/etc/environment\n',
      ),
      'etc/sysconfig/containerd': 'CONTAINERD_OPTS=--log-level=info',
      'etc/environment': proxyLines.toLowerCase(),
      'etc/containerd/config.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
      'usr/lib/systemd/system/kubelet.service': unit(
        '/usr/local/bin/kubelet "$DAEMON_ARGS"',
        'EnvironmentFile=/etc/sysconfig/kubelet\n',
      ),
      'etc/sysconfig/kubelet':
        'DAEMON_ARGS="--config=/var/lib/kubelet/kubelet.conf --image-credential-provider-config=/var/lib/kubelet/credential-provider.conf --image-credential-provider-bin-dir=/usr/local/bin"\nHOME="/root"\n',
      'var/lib/kubelet/credential-provider.conf': providerConfig('ecr-credential-provider'),
      'usr/local/bin/ecr-credential-provider': plugin,
    }),
    processes: {
      containerd: '/usr/bin/containerd -c /etc/containerd/config.toml',
      kubelet:
        '/usr/local/bin/kubelet --image-credential-provider-config=/var/lib/kubelet/credential-provider.conf --image-credential-provider-bin-dir=/usr/local/bin',
    },
    config: '/etc/containerd/config.toml',
    kubeletFlags: '/usr/lib/systemd/system/kubelet.service, /etc/sysconfig/kubelet',
    components: ['credential-plugins'],
  },
  {
    name: 'eks',
    runtime: 'containerd://2.1.9',
    kubeletVersion: 'v1.34.1-eks-113cf36',
    osImage: 'Amazon Linux 2023.9.20251014',
    hasProviders: true,
    tree: (setting) => ({
      ...osRelease('amzn'),
      'etc/systemd/system/kubelet.service': unit(
        '/usr/bin/kubelet $NODEADM_KUBELET_ARGS',
        'EnvironmentFile=/etc/eks/kubelet/environment\n',
      ),
      'etc/eks/kubelet/environment':
        'NODEADM_KUBELET_ARGS=--config=/etc/kubernetes/kubelet/config.json --image-credential-provider-config=/etc/eks/image-credential-provider/config.json --image-credential-provider-bin-dir=/etc/eks/image-credential-provider',
      'etc/eks/image-credential-provider/config.json': providerConfig('ecr-credential-provider'),
      'etc/eks/image-credential-provider/ecr-credential-provider': plugin,
      'usr/lib/systemd/system/containerd.service': unit('/usr/bin/containerd'),
      'etc/systemd/system/containerd.service.d/00-runtime-slice.conf': '[Service]\nSlice=runtime.slice\n',
      'etc/systemd/system.conf.d/environment.conf': manager,
      'etc/containerd/config.toml': `${version3('/etc/containerd/certs.d:/etc/docker/certs.d')}[plugins.'io.containerd.cri.v1.images']\ndiscard_unpacked_layers = true\n`,
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: '/usr/bin/containerd',
      kubelet:
        '/usr/bin/kubelet --image-credential-provider-config=/etc/eks/image-credential-provider/config.json --image-credential-provider-bin-dir=/etc/eks/image-credential-provider',
    },
    config: '/etc/containerd/config.toml',
    kubeletFlags:
      '/etc/systemd/system/kubelet.service, /etc/systemd/system.conf.d/environment.conf, /etc/eks/kubelet/environment',
    components: ['credential-plugins'],
  },
  {
    name: 'gke',
    runtime: 'containerd://2.1.9',
    kubeletVersion: 'v1.34.1-gke.1829001',
    osImage: 'Container-Optimized OS from Google',
    hasProviders: true,
    tree: (setting) => ({
      ...osRelease('cos'),
      'etc/systemd/system/kubelet.service': unit(
        '/home/kubernetes/bin/kubelet $KUBELET_OPTS',
        'EnvironmentFile=/etc/default/kubelet\n',
      ),
      'etc/default/kubelet':
        'KUBELET_OPTS="--v=2 --config /home/kubernetes/kubelet-config.yaml --image-credential-provider-config=/etc/srv/kubernetes/cri_auth_config.yaml --image-credential-provider-bin-dir=/home/kubernetes/bin"\n',
      'etc/srv/kubernetes/cri_auth_config.yaml': providerConfig('auth-provider-gcp'),
      'home/kubernetes/bin/auth-provider-gcp': plugin,
      'home/kubernetes/kubelet-config.yaml': 'kind: KubeletConfiguration\n',
      'usr/lib/systemd/system/containerd.service': unit('/usr/bin/containerd'),
      'etc/systemd/system/containerd.service.d/http-proxy.conf': proxyUnit,
      'etc/containerd/config.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
      'var/lib/kubelet/pki': { dir: true },
    }),
    processes: {
      containerd: '/usr/bin/containerd',
      kubelet:
        '/home/kubernetes/bin/kubelet --image-credential-provider-config=/etc/srv/kubernetes/cri_auth_config.yaml --image-credential-provider-bin-dir=/home/kubernetes/bin',
    },
    config: '/etc/containerd/config.toml',
    kubeletFlags: '/etc/systemd/system/kubelet.service, /etc/default/kubelet',
    components: ['distribution-gke', 'credential-plugins'],
  },
  {
    name: 'aks',
    runtime: 'containerd://2.0.0',
    osImage: 'Ubuntu 24.04.3 LTS',
    hasProviders: true,
    tree: (setting) => ({
      ...osRelease('ubuntu'),
      'etc/systemd/system/kubelet.service': `[Service]
EnvironmentFile=/etc/default/kubelet
ExecStart=/opt/bin/kubelet \\
        --enable-server \\
        --node-labels="\${KUBELET_NODE_LABELS}" \\
        --v=2 \\
        --volume-plugin-dir=/etc/kubernetes/volumeplugins \\
        $KUBELET_CONTAINERD_FLAGS \\
        $KUBELET_FLAGS
`,
      'etc/systemd/system/kubelet.service.d/10-containerd-base-flag.conf':
        '[Service]\nEnvironment="KUBELET_CONTAINERD_FLAGS=--container-runtime-endpoint=unix:///run/containerd/containerd.sock"\n',
      'etc/default/kubelet':
        'KUBELET_NODE_LABELS=a=b\nKUBELET_FLAGS=--image-credential-provider-config=/var/lib/kubelet/credential-provider-config.yaml --image-credential-provider-bin-dir=/var/lib/kubelet/credential-provider \n',
      'var/lib/kubelet/credential-provider-config.yaml': providerConfig('acr-credential-provider'),
      'var/lib/kubelet/credential-provider/acr-credential-provider': plugin,
      'etc/systemd/system/containerd.service': unit('/usr/bin/containerd'),
      'etc/systemd/system.conf.d/proxy.conf': `[Manager]\nDefaultEnvironment="HTTPS_PROXY=${proxy}"\nDefaultEnvironment="NO_PROXY=.test"\n`,
      'etc/containerd/config.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
    }),
    processes: {
      containerd: '/usr/bin/containerd',
      kubelet:
        '/opt/bin/kubelet --image-credential-provider-config=/var/lib/kubelet/credential-provider-config.yaml --image-credential-provider-bin-dir=/var/lib/kubelet/credential-provider',
    },
    config: '/etc/containerd/config.toml',
    kubeletFlags:
      '/etc/systemd/system/kubelet.service, /etc/systemd/system/kubelet.service.d/10-containerd-base-flag.conf, /etc/systemd/system.conf.d/proxy.conf, /etc/default/kubelet',
    components: ['credential-plugins'],
  },
  {
    name: 'openshift',
    runtime: 'cri-o://1.33.5',
    osImage: 'Red Hat Enterprise Linux CoreOS 9.6',
    tree: (setting) => ({
      ...osRelease('rhel'),
      'etc/machine-config-daemon/currentconfig': '{}',
      'etc/systemd/system/kubelet.service': `[Service]
Environment="KUBELET_NODE_IP=0.0.0.0"
EnvironmentFile=-/etc/kubernetes/kubelet-env
ExecStart=/usr/local/bin/kubenswrapper \\
    /usr/bin/kubelet \\
      --config=/etc/kubernetes/kubelet.conf \\
      --container-runtime-endpoint=/var/run/crio/crio.sock \\
      --node-ip=\${KUBELET_NODE_IP}
`,
      'usr/lib/systemd/system/crio.service': unit(
        '/usr/bin/crio $CRIO_CONFIG_OPTIONS',
        'EnvironmentFile=-/etc/sysconfig/crio\n',
      ),
      'etc/systemd/system/crio.service.d/10-mco-default-env.conf': '[Service]\nEnvironmentFile=/etc/mco/proxy.env\n',
      'etc/mco/proxy.env': proxyLines,
      'etc/crio/crio.conf.d/00-default': '[crio]\n',
      'etc/containers/registries.conf': `[[registry]]\nprefix = ""\nlocation = "${setting.registry}"\n[[registry.mirror]]\nlocation = "${setting.mirror.replace('http://', '')}"\ninsecure = true\n`,
      'etc/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
      'var/lib/kubelet/config.json': '{"auths":{}}',
    }),
    processes: {
      crio: '/usr/bin/crio',
      kubelet:
        '/usr/bin/kubelet --config=/etc/kubernetes/kubelet.conf --container-runtime-endpoint=/var/run/crio/crio.sock',
    },
    config: 'cri-o',
    kubeletFlags: '/etc/systemd/system/kubelet.service',
    components: ['credential-plugins'],
  },
  {
    ...kubeadm,
    name: 'minikube',
    tree: (setting) => ({
      'usr/lib/systemd/system/kubelet.service': unit('/var/lib/minikube/binaries/v1.34.0/kubelet'),
      'etc/systemd/system/kubelet.service.d/10-kubeadm.conf': `[Service]
ExecStart=
ExecStart=/var/lib/minikube/binaries/v1.34.0/kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf
`,
      'var/lib/minikube/binaries': { dir: true },
      'var/lib/kubelet/config.yaml': 'kind: KubeletConfiguration\n',
      'usr/lib/systemd/system/containerd.service': unit('/usr/bin/containerd'),
      'etc/systemd/system/containerd.service.d/10-env.conf': proxyUnit,
      'etc/containerd/config.toml': version2(`/${certsD}`),
      [`${certsD}/${setting.registry}/hosts.toml`]: hostsToml(setting),
    }),
  },
  {
    ...kubeadm,
    name: 'docker',
    runtime: '',
    tree: () => ({
      'usr/lib/systemd/system/docker.service': unit(
        '/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock',
      ),
      'usr/lib/systemd/system/containerd.service': unit('/usr/bin/containerd'),
      'etc/systemd/system/containerd.service.d/10-env.conf': proxyUnit,
      'etc/docker/daemon.json': '{}',
      'etc/containerd/config.toml': 'disabled_plugins = ["cri"]\n',
      'var/lib/dpkg/status': 'Package: containerd.io\nStatus: install ok installed\nVersion: 1.7.27-1\n\n',
    }),
    processes: { containerd: '/usr/bin/containerd' },
    config: '/etc/containerd/config.toml',
    kubeletFlags: 'there is no kubelet on this machine',
    components: [],
  },
];

/** Processes as /proc shows them to root: started before every file was written, with the proxy in their environment. */
function procOf({ processes }: DistributionNode): NodeTree {
  const now = Math.floor(Date.now() / 1000) + 3600;
  const trees = Object.entries(processes).map(([name, command], index): NodeTree => {
    const dir = `proc/${100 + index}`;
    return {
      [`${dir}/comm`]: `${name}\n`,
      [`${dir}/cmdline`]: `${command.split(' ').join('\0')}\0`,
      [`${dir}/environ`]: proxyLines.split('\n').join('\0'),
      [`${dir}/stat`]: `${100 + index} (${name}) S ${'0 '.repeat(18)}100 0`,
    };
  });
  return Object.assign({ 'proc/stat': `cpu 1\nbtime ${now}\n` }, ...trees) as NodeTree;
}

export type Showing =
  /** The whole disk, with or without its processes. */
  | 'whole'
  | 'files'
  /** As a Pod of the manifests has it: the base and these components. */
  | readonly string[];

export const exampleComponents = ['host-proc', 'credential-plugins'] as const;

export function mountsOf(components: readonly string[]): readonly string[] {
  const all = ['base', ...components];
  return shownBy.filter(({ component }) => all.includes(component)).map(({ path }) => path);
}

export interface ShownNode extends AsyncDisposable {
  readonly root: HostRoot;
  readonly files: NodeRoot;
}

export async function showNode(node: DistributionNode, setting: Setting, showing: Showing): Promise<ShownNode> {
  const all: NodeTree = { ...common, ...node.tree(setting), ...(showing === 'files' ? {} : procOf(node)) };
  const mounted = typeof showing === 'string' ? undefined : mountsOf(showing);
  const isShown = (path: string): boolean => mounted?.some((mount) => `/${path}`.startsWith(`${mount}/`)) !== false;
  const files = await nodeRoot(Object.fromEntries(Object.entries(all).filter(([path]) => isShown(path))));
  const root = mounted === undefined ? files.path : { path: files.path, mounted };
  return { root, files, [Symbol.asyncDispose]: () => files[Symbol.asyncDispose]() };
}
