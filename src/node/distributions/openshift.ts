/**
 * OpenShift with CoreOS: CRI-O, and files that the Machine Config Operator writes (openshift/machine-config-operator 7ff337a4f:
 * templates/worker/01-worker-kubelet/_base/units/kubelet.service.yaml: /usr/bin/kubelet --config=/etc/kubernetes/kubelet.conf,
 * 01-worker-container-runtime: /etc/crio/crio.conf.d, /etc/containers/registries.conf; templates/common: crio.service.d with
 * /etc/mco/proxy.env; the cluster's pull secret is /var/lib/kubelet/config.json).
 */
import { kubelet, type KnownDistribution } from './known.ts';

const applied = ['the Machine Config Operator drains and updates the nodes by itself: oc get machineconfigpools'];

export const openshift: KnownDistribution = {
  name: 'openshift',
  title: 'OpenShift',
  traces: {
    osId: ['rhcos', 'scos'],
    files: ['/etc/machine-config-daemon', '/etc/mco', '/etc/openshift'],
    osImage: 'CoreOS',
  },
  runtime: {
    name: 'cri-o',
    config: '/etc/crio/crio.conf',
    root: '/var/lib/containers/storage',
    socket: '/var/run/crio/crio.sock',
    units: ['crio.service'],
  },
  kubelet: { ...kubelet, config: '/etc/kubernetes/kubelet.conf', configDir: '/etc/openshift/kubelet.conf.d' },
  edits: {
    registries: {
      where: 'an ImageDigestMirrorSet or ImageTagMirrorSet, and image.config.openshift.io/cluster',
      format: 'yaml',
      apply: applied,
      note: 'They become /etc/containers/registries.conf; what is written there by hand is overwritten.',
    },
    trust: { where: 'additionalTrustedCA of image.config.openshift.io/cluster', format: 'yaml', apply: applied },
    proxy: { where: 'proxy.config.openshift.io/cluster', format: 'yaml', apply: applied },
    kubelet: { where: 'a KubeletConfig', format: 'yaml', apply: applied },
  },
  components: ['host-proc', 'credential-plugins'],
};
