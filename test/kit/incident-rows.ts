/**
 * Fifty-four pulls that failed in the field, as they were reported, and what a node can see of each. Rows are named by the issue
 * that told of them. `verdict`: the rehearsal fails as the pull did. `forecast`: it pulls yet, and its end is foretold.
 */
export interface Row {
  readonly issue: string;
  readonly what: string;
  readonly seen: 'verdict' | 'forecast' | 'no';
  /** Why a node cannot see it, or why its pulls are not affected. */
  readonly why?: string;
}

const verdict = (issue: string, what: string): Row => ({ issue, what, seen: 'verdict' });
const forecast = (issue: string, what: string): Row => ({ issue, what, seen: 'forecast' });
const no = (issue: string, what: string, why: string): Row => ({ issue, what, seen: 'no', why });

export const rows: Readonly<Record<number, Row>> = {
  1: verdict('luxas/kubernetes-on-arm#127', 'the resolver of the node does not answer'),
  2: forecast('chainguard-dev/apko#2250', 'layers come from a new host that the egress policy refuses to look up'),
  3: forecast('chainguard-dev/melange#2552', 'layers come from a new host that the proxy refuses'),
  4: forecast('docker/hub-feedback#2442', 'two of five requests to the storage are reset'),
  5: verdict('docker/hub-feedback#2231', 'only the storage cannot be connected to'),
  6: verdict('docker-library/official-images#4309', 'the storage answers with a captcha page'),
  7: verdict('kubernetes/registry.k8s.io#256', 'the host that manifests are redirected to is reset by a firewall'),
  8: verdict('kubernetes/registry.k8s.io#291', 'manifests come, and the next host of the layers is blocked'),
  9: verdict('kubernetes/registry.k8s.io#261', 'IPv6 alone is refused with 403'),
  10: verdict('kubernetes/registry.k8s.io#138', 'the addresses of some nodes are refused with 403'),
  11: verdict('kairos-io/AuroraBoot#827', 'the token service alone has an address without a route'),
  12: no(
    'docker/hub-feedback#2349',
    'a name has an IPv6 address that leads nowhere, and IPv4 carries',
    'containerd continues over IPv4 after 300 ms: its pulls work, and the delay is reported',
  ),
  13: verdict('siderolabs/talos#6281', 'a name has no address of the only family that the node routes'),
  14: verdict('docker/hub-feedback#2165', 'the token service times out after a change of its addresses'),
  15: verdict('openshift/origin#22599', 'a large handshake is lost on the way, small packets are not'),
  16: verdict('moby/moby#15949', 'ICMP is filtered, and the handshake never ends'),
  17: verdict('overlock-network/overlock#463', 'the tunnel of one site is too narrow for the handshake'),
  18: forecast('kubernetes-sigs/kind#688', "an upgrade took the runtime's proxy drop-in away"),
  19: verdict('awslabs/amazon-eks-ami#831', 'the sandbox image is pulled without the proxy that others have'),
  20: verdict('containerd/containerd#10662', 'the proxy lets manifests through and the storage not'),
  21: forecast('GoogleCloudPlatform/horizon-sdv#8', 'the certificate of a Harbor ends'),
  22: forecast('moby/moby#11534', 'the certificate of index.docker.io ends'),
  23: verdict('k3s-io/k3s#9839', 'after an upgrade the runtime does not read the CA that its configuration names'),
  24: verdict('microsoft/containerregistry#162', 'one edge of the storage shows a certificate for another name'),
  25: forecast('elastic/cloud-on-k8s#4943', "the node's clock drifts"),
  26: verdict('docker/hub-feedback#2496', 'the token service refuses everybody'),
  27: verdict('docker/hub-feedback#2215', 'tokens are issued and not accepted'),
  28: no(
    'NVIDIA/nvidia-container-toolkit#1945',
    'the realm moves once a token has aged',
    'containerd requests a token in each pull and caches none until it expires: its pulls work',
  ),
  29: no(
    'aws/containers-roadmap#2835',
    'an expired token is answered with 400',
    'containerd requests a token in each pull and caches none until it expires: its pulls work',
  ),
  30: forecast('fluxcd/image-reflector-controller#71', 'a pasted ECR password is dead after twelve hours'),
  31: verdict('kubernetes/kubernetes#69141', 'a cached ECR password was revoked before its time'),
  32: forecast('upmc-enterprises/registry-creds#68', 'whoever renews the pull secret is late'),
  33: no(
    'kubernetes/community#4003',
    "the kubelet's own copy of a credential is stale until it restarts",
    "the kubelet's cache in memory cannot be read, and the agent's own run of the plugin succeeds",
  ),
  34: verdict('kubernetes/kubernetes#102750', 'the credential provider fails because of its configuration'),
  35: no(
    'kubernetes/cloud-provider-aws#1280',
    'the plugin now wants a token of the ServiceAccount',
    "the agent may not run the plugin with a Pod's token: the verdict is unknown and says so",
  ),
  36: forecast('scylladb/scylla-cluster-tests#11553', 'the kubelet pulls anonymously, whatever the operator thinks'),
  37: forecast('docker/hub-feedback#2272', 'a checker uses up the quota of the address'),
  38: forecast('docker/hub-feedback#2464', 'neighbours in the same /64 use up the quota'),
  39: verdict('docker/hub-feedback#2511', 'a Harbor passes on the 429 of its upstream'),
  40: forecast('docker/hub-feedback#2204', 'failed logins lead to the lock of an account'),
  41: verdict('openreplay/openreplay#4076', 'the monthly data limit of anonymous pulls is reached'),
  42: verdict('3scale/3scale-operator#583', 'a burst is answered with an HTML page and 429'),
  43: verdict('falcosecurity/plugins#1069', 'a bucket that strangers share is empty for microseconds'),
  44: forecast('lando/lando#3805', 'images go away for a day at a time before they go for good'),
  45: verdict('openai/tunnel-client#75', 'a public package became private'),
  46: verdict('kube-rbac-proxy/kube-rbac-proxy#79', 'there is no build for the platform of the node'),
  47: forecast('kubernetes/kubernetes#71869', 'garbage collection frees nothing, and the disk fills'),
  48: forecast('containerd/containerd#11650', 'the path is so slow that the runtime gives the pull up'),
  49: verdict('k3s-io/k3s#10351', 'the mirror is down, and nothing stands behind it'),
  50: forecast('kubernetes/website#39214', 'a registry is frozen and will be switched off'),
  51: verdict('microsoft/containerregistry#193', 'an outage of the provider looks like a rate limit'),
  52: no(
    'go-gitea/gitea#37326',
    'HEAD /v2/ is answered with 405 after an upgrade',
    'containerd never requests /v2/: its pulls work',
  ),
  53: verdict('podman-container-tools/podman#20371', 'the challenge names a scope that its own token service refuses'),
  54: verdict('sonatype/nexus-public#921', 'a new repository knows Basic only'),
};

/** How much of it is seen, as a table for docs/how-it-works.md. */
export function incidentTable(): string {
  const all = Object.values(rows);
  const count = (seen: Row['seen']): number => all.filter((row) => row.seen === seen).length;
  const unseen = Map.groupBy(
    all.filter(({ seen }) => seen === 'no'),
    ({ why = '' }) => why,
  );
  return [
    `| Of ${all.length} incidents | | |`,
    '|---|---|---|',
    `| seen as a verdict | ${count('verdict')} | the rehearsal fails as the pull did |`,
    `| predicted | ${count('forecast')} | it pulls, and is at risk of what then happens |`,
    `| neither | ${count('no')} | for these reasons: |`,
    ...[...unseen].map(([why, its]) => `| ${its.map(({ issue }) => issue).join(', ')} | ${its.length} | ${why} |`),
  ].join('\n');
}
