/** One true-to-life fault of every code, with an image it could happen to: for docs/faults.md and for tests. */
import type { Fault, FaultCode, FaultOf } from '#report/fault.ts';
import type { About } from './phrases.ts';

const host = 'registry.example.com';
const image = `${host}/shop/web:1.4`;
const digest = 'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const other = 'sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752';
const layer = 'application/vnd.oci.image.layer.v1.tar+gzip';
const hostsToml = `/etc/containerd/certs.d/${host}/hosts.toml`;
const as = 'pull secret shop/registry, key registry.example.com, user ci';
const address = '10.0.0.7';
const noSuchHost: Fault = {
  code: 'dns.not_found',
  host: 'cdn.example.net',
  server: '10.0.0.2:53',
  asked: ['cdn.example.net.'],
};
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.8', port: 3128 };

export const examples: { readonly [C in FaultCode]: FaultOf<C> } = {
  'image.malformed': { code: 'image.malformed', image: `https://${image}`, why: 'invalid reference format' },
  'image.never_pulled': { code: 'image.never_pulled', image },
  'hosts.unparsable': { code: 'hosts.unparsable', file: hostsToml, why: 'line 3: unknown capability "fetch"' },
  'hosts.unreadable': { code: 'hosts.unreadable', file: hostsToml, why: 'permission denied' },
  'hosts.ca_unreadable': {
    code: 'hosts.ca_unreadable',
    file: `/etc/containerd/certs.d/${host}/ca.crt`,
    why: 'no such file or directory',
  },
  'hosts.client_unreadable': {
    code: 'hosts.client_unreadable',
    file: `/etc/containerd/certs.d/${host}/client.key`,
    why: 'private key does not match',
  },
  'hosts.none_may_resolve': { code: 'hosts.none_may_resolve', registry: host, file: hostsToml },
  'unit.line_ignored': {
    code: 'unit.line_ignored',
    file: '/etc/systemd/system/containerd.service.d/http-proxy.conf',
    line: 2,
    key: 'Environment',
    what: 'HTTPS_PROXY',
    why: '%4 is an unknown specifier; a percent sign that is meant is written twice',
  },
  'runtime.misconfigured': {
    code: 'runtime.misconfigured',
    file: '/etc/containerd/config.toml',
    why: '`mirrors` cannot be set when `config_path` is provided',
  },
  'credential.secret_missing': { code: 'credential.secret_missing', secret: 'registry', namespace: 'shop' },
  'credential.secret_ignored': {
    code: 'credential.secret_ignored',
    secret: 'registry',
    namespace: 'shop',
    why: 'its type is Opaque',
  },
  'credential.malformed': {
    code: 'credential.malformed',
    secret: 'registry',
    namespace: 'shop',
    why: 'illegal base64 data at input byte 3',
  },
  'credential.provider_failed': {
    code: 'credential.provider_failed',
    provider: 'ecr-credential-provider',
    why: 'exit status 1',
  },
  'credential.provider_misconfigured': {
    code: 'credential.provider_misconfigured',
    file: '/etc/kubernetes/credential-providers.yaml',
    why: 'providers[0].matchImages is empty',
  },
  'dns.not_found': { code: 'dns.not_found', host, server: '10.0.0.2:53', asked: [`${host}.`] },
  'dns.server_failed': { code: 'dns.server_failed', host, server: '10.0.0.2:53', rcode: 'SERVFAIL' },
  'dns.timed_out': { code: 'dns.timed_out', host, server: '10.0.0.2:53', afterMs: 10_000 },
  'dns.refused': { code: 'dns.refused', host, server: '127.0.0.53:53' },
  'dns.malformed': { code: 'dns.malformed', host, server: '10.0.0.2:53', why: 'the answer has 3 bytes' },
  'proxy.malformed': { code: 'proxy.malformed', value: 'http://proxy.example.com:port', why: 'invalid port' },
  'proxy.unreachable': { code: 'proxy.unreachable', proxy: 'http://proxy.example.com:3128', cause: refused },
  'proxy.refused': {
    code: 'proxy.refused',
    proxy: 'http://proxy.example.com:3128',
    target: `${host}:443`,
    status: 403,
    reason: 'Forbidden',
  },
  'tcp.refused': { code: 'tcp.refused', address, port: 443 },
  'tcp.timed_out': { code: 'tcp.timed_out', address, port: 443, afterMs: 30_000 },
  'tcp.unreachable': { code: 'tcp.unreachable', address, port: 443, why: 'no route to host' },
  'tcp.reset': { code: 'tcp.reset', address, port: 443, failurePoint: 'handshake' },
  'tcp.closed': { code: 'tcp.closed', address, port: 443, failurePoint: 'response' },
  'tls.untrusted': {
    code: 'tls.untrusted',
    host,
    subject: `CN=${host}`,
    issuer: 'CN=Example Internal CA 2',
    trustedFrom: ['/etc/ssl/certs/ca-certificates.crt'],
  },
  'tls.expired': {
    code: 'tls.expired',
    host,
    subject: `CN=${host}`,
    notAfter: '2026-03-01T00:00:00Z',
    now: '2026-03-03T08:00:00Z',
  },
  'tls.not_yet_valid': {
    code: 'tls.not_yet_valid',
    host,
    subject: `CN=${host}`,
    notBefore: '2026-03-01T00:00:00Z',
    now: '2025-12-31T23:00:00Z',
  },
  'tls.wrong_name': { code: 'tls.wrong_name', host, names: ['www.example.com'], commonNameOnly: false },
  'tls.not_tls': { code: 'tls.not_tls', host, port: 5000 },
  'tls.client_rejected': { code: 'tls.client_rejected', host, alert: 'certificate required' },
  'tls.handshake_failed': { code: 'tls.handshake_failed', host, why: 'no common protocol version' },
  'tls.timed_out': { code: 'tls.timed_out', host, afterMs: 10_000 },
  'api.not_a_registry': {
    code: 'api.not_a_registry',
    host,
    url: `https://${host}/v2/shop/web/manifests/1.4`,
    contentType: 'text/html',
  },
  'api.rate_limited': {
    code: 'api.rate_limited',
    host: 'registry-1.docker.io',
    status: 429,
    limit: { scope: 'quota', limit: 100, remaining: 0, windowS: 21_600, source: '192.0.2.1' },
    message: 'You have reached your unauthenticated pull rate limit.',
  },
  'api.unavailable': { code: 'api.unavailable', host, status: 503, message: '' },
  'api.rejected': {
    code: 'api.rejected',
    host,
    status: 400,
    message: 'Client sent an HTTP request to an HTTPS server.',
  },
  'api.timed_out': { code: 'api.timed_out', host, afterMs: 30_000 },
  'api.malformed': { code: 'api.malformed', host, why: 'the status line cannot be read' },
  'api.redirect_failed': {
    code: 'api.redirect_failed',
    host,
    location: `http://${host}/v2/shop/web/manifests/1.4`,
    why: 'more than ten redirects',
  },
  'api.announced': { code: 'api.announced', host, text: 'This repository moves to new.example.com on 1 June.' },
  'auth.required': { code: 'auth.required', host, scheme: 'Basic' },
  'auth.rejected': { code: 'auth.rejected', host, as, status: 401, message: 'incorrect username or password' },
  'auth.denied': { code: 'auth.denied', host, as, status: 403, message: 'requested access to the resource is denied' },
  'auth.unsupported': { code: 'auth.unsupported', host, schemes: ['Negotiate'] },
  'auth.malformed_challenge': { code: 'auth.malformed_challenge', host, why: 'Bearer without a realm' },
  'auth.realm_unreachable': {
    code: 'auth.realm_unreachable',
    realm: 'https://auth.example.com/token',
    cause: { ...noSuchHost, host: 'auth.example.com' },
  },
  'auth.realm_failed': { code: 'auth.realm_failed', realm: 'https://auth.example.com/token', status: 500, message: '' },
  'auth.empty_token': { code: 'auth.empty_token', realm: 'https://auth.example.com/token' },
  'manifest.unknown_repository': {
    code: 'manifest.unknown_repository',
    image,
    host,
    message: 'repository name not known to registry',
  },
  'manifest.unknown_tag': { code: 'manifest.unknown_tag', image, host, message: 'manifest unknown' },
  'manifest.unknown_digest': {
    code: 'manifest.unknown_digest',
    image: `${host}/shop/web@${digest}`,
    host,
    message: 'manifest unknown',
  },
  'manifest.tag_moved': { code: 'manifest.tag_moved', image, was: digest, now: other },
  'manifest.no_platform': { code: 'manifest.no_platform', platform: 'linux/arm64', offered: ['linux/amd64'], digest },
  'manifest.digest_mismatch': { code: 'manifest.digest_mismatch', digest, got: other, host },
  'manifest.malformed': { code: 'manifest.malformed', digest, host, why: 'no layers' },
  'manifest.unsupported': { code: 'manifest.unsupported', mediaType: 'application/vnd.cncf.helm.config.v1+json', host },
  'manifest.oversize': { code: 'manifest.oversize', bytes: 5_000_000, host },
  'blob.missing': { code: 'blob.missing', digest, host, mediaType: layer },
  'blob.denied': { code: 'blob.denied', digest, host: 'cdn.example.net', status: 403 },
  'blob.unavailable': { code: 'blob.unavailable', digest, host: 'cdn.example.net', status: 503 },
  'blob.unreachable': {
    code: 'blob.unreachable',
    digest,
    host,
    cause: { code: 'tcp.timed_out', address, port: 443, afterMs: 30_000 },
  },
  'blob.redirect_failed': {
    code: 'blob.redirect_failed',
    digest,
    host,
    target: 'https://cdn.example.net/blobs',
    cause: noSuchHost,
  },
  'blob.interrupted': { code: 'blob.interrupted', digest, host, gotBytes: 1_048_576, expectedBytes: 31_457_280 },
  'blob.digest_mismatch': { code: 'blob.digest_mismatch', digest, host, got: other },
  'blob.stalled': { code: 'blob.stalled', host: 'cdn.example.net', silentMs: 70_000, timeoutMs: 60_000 },
  'blob.slow': { code: 'blob.slow', host: 'cdn.example.net', bytes: 2_147_483_648, bytesPerS: 1_048_576 },
  'disk.full': { code: 'disk.full', path: '/var/lib/containerd', wantsBytes: 3_221_225_472, freeBytes: 1_073_741_824 },
  'disk.inodes': { code: 'disk.inodes', path: '/var/lib/containerd', wantsInodes: 40_000, freeInodes: 1200 },
  'disk.pressure': { code: 'disk.pressure', signal: 'imagefs.available<15%', path: '/var/lib/containerd' },
  'kubelet.qps_exceeded': { code: 'kubelet.qps_exceeded', pulls: 24, qps: 5, burst: 10 },
  'kubelet.pulls_queued': { code: 'kubelet.pulls_queued', pulls: 6, atOnce: 1 },
  'agent.not_allowed': { code: 'agent.not_allowed', what: 'read pull secret shop/registry (forbidden)' },
  'agent.spends_quota': {
    code: 'agent.spends_quota',
    host: 'registry-1.docker.io',
    what: 'HEAD lacks a digest, so only a GET could tell',
  },
  'agent.over_budget': { code: 'agent.over_budget', registry: 'docker.io' },
  'agent.distrusts_realm': {
    code: 'agent.distrusts_realm',
    realm: '169.254.169.254',
    why: 'it is a link-local address, where metadata services live',
  },
  'agent.cannot_see': {
    code: 'agent.cannot_see',
    what: 'the pull secret shop/registry',
    why: 'it is named and was not given',
  },
  'agent.out_of_time': { code: 'agent.out_of_time', step: 'tcp', afterMs: 60_000 },
  'agent.unreachable': { code: 'agent.unreachable', node: 'node-7', why: 'no agent of drypull runs there' },
  'agent.bug': { code: 'agent.bug', where: 'rehearsal', what: 'TypeError' },
};

const requestedBy = [{ kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container web' }] as const;
const ours: About = { image, reference: image, registry: host, requestedBy };
const hub: About = {
  image: 'nginx:1.29',
  reference: 'docker.io/library/nginx:1.29',
  registry: 'docker.io',
  requestedBy,
};

/** The image that an example happened to. */
export function exampleAbout(code: FaultCode): About {
  return code === 'api.rate_limited' ? hub : ours;
}
