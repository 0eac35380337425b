/**
 * The one catalogue of everything that can stop a pull, or stop us from telling.
 * A code is `<place>.<what>`: at once the JSON value, the metric label, the anchor in docs/faults.md and the grep target. A fault is
 * data: the sentence, the remedy and the text the kubelet would show are made from its facts elsewhere.
 */

/** What is known about a quota, read from headers or a body. Absent fields were not said. */
export interface RateLimit {
  readonly limit?: number;
  readonly remaining?: number;
  readonly windowS?: number;
  readonly retryAfterS?: number;
  /** Whom the registry counts against: an address, a /64 or an account, as it says itself. */
  readonly source?: string;
  readonly scope: 'quota' | 'burst' | 'abuse' | 'login' | 'monthly' | 'unknown';
}

/** Where in a request's life something happened, for sentences and for Go's wording. */
export type FailurePoint = 'connecting' | 'handshake' | 'response' | 'body';

export interface NearMiss {
  /** The common name, as a rule. */
  readonly authority: string;
  /** In Go's words. */
  readonly why: string;
}

interface FaultFacts {
  'image.malformed': { image: string; why: string };
  'image.never_pulled': { image: string };

  'hosts.unparsable': { file: string; why: string };
  'hosts.unreadable': { file: string; why: string };
  'hosts.ca_unreadable': { file: string; why: string };
  'hosts.client_unreadable': { file: string; why: string };
  'hosts.none_may_resolve': { registry: string; file: string };
  'runtime.misconfigured': { file: string; why: string };
  /** Stops nothing by itself: what systemd does not take from a unit file. Never the value, which may hold a password. */
  'unit.line_ignored': { file: string; line: number; key: string; what: string; why: string };

  'credential.secret_missing': { secret: string; namespace: string };
  'credential.secret_ignored': { secret: string; namespace: string; why: string };
  /** `why` is the kubelet's own decoding error; it never holds the content. */
  'credential.malformed': { secret: string; namespace: string; why: string };
  'credential.provider_failed': { provider: string; why: string };
  'credential.provider_misconfigured': { file: string; why: string };

  'dns.not_found': { host: string; server: string; asked: readonly string[] };
  'dns.server_failed': { host: string; server: string; rcode: string };
  'dns.timed_out': { host: string; server: string; afterMs: number };
  'dns.refused': { host: string; server: string };
  'dns.malformed': { host: string; server: string; why: string };

  'proxy.malformed': { value: string; why: string };
  'proxy.unreachable': { proxy: string; cause: Fault };
  'proxy.refused': { proxy: string; target: string; status: number; reason: string };

  'tcp.refused': { address: string; port: number };
  'tcp.timed_out': { address: string; port: number; afterMs: number };
  'tcp.unreachable': { address: string; port: number; why: string };
  'tcp.reset': { address: string; port: number; failurePoint: FailurePoint };
  /** The other side closed without a word (Go: EOF). */
  'tcp.closed': { address: string; port: number; failurePoint: FailurePoint };

  'tls.untrusted': {
    host: string;
    subject: string;
    issuer: string;
    trustedFrom: readonly string[];
    /** A certificate of the issuer's name that is not the issuer. */
    nearMiss?: NearMiss;
  };
  'tls.expired': { host: string; subject: string; notAfter: string; now: string };
  'tls.not_yet_valid': { host: string; subject: string; notBefore: string; now: string };
  'tls.wrong_name': { host: string; names: readonly string[]; commonNameOnly: boolean };
  'tls.not_tls': { host: string; port: number };
  'tls.client_rejected': { host: string; alert: string };
  'tls.handshake_failed': { host: string; why: string };
  'tls.timed_out': { host: string; afterMs: number };

  'api.not_a_registry': { host: string; url: string; contentType: string };
  'api.rate_limited': { host: string; status: number; limit: RateLimit; message: string };
  'api.unavailable': { host: string; status: number; message: string };
  'api.rejected': { host: string; status: number; message: string };
  'api.timed_out': { host: string; afterMs: number };
  'api.malformed': { host: string; why: string };
  'api.redirect_failed': { host: string; location: string; why: string };
  /** Stops no pull: a forecast names it. */
  'api.announced': { host: string; text: string };

  'auth.required': { host: string; scheme: string };
  'auth.rejected': { host: string; as: string; status: number; message: string };
  'auth.denied': { host: string; as: string; status: number; message: string };
  'auth.unsupported': { host: string; schemes: readonly string[] };
  'auth.malformed_challenge': { host: string; why: string };
  'auth.realm_unreachable': { realm: string; cause: Fault };
  'auth.realm_failed': { realm: string; status: number; message: string };
  'auth.empty_token': { realm: string };

  'manifest.unknown_repository': { image: string; host: string; message: string };
  'manifest.unknown_tag': { image: string; host: string; message: string };
  'manifest.unknown_digest': { image: string; host: string; message: string };
  /** Stops no pull: a forecast names it. */
  'manifest.tag_moved': { image: string; was: string; now: string };
  'manifest.no_platform': { platform: string; offered: readonly string[]; digest: string };
  'manifest.digest_mismatch': { digest: string; got: string; host: string };
  'manifest.malformed': { digest: string; host: string; why: string };
  'manifest.unsupported': { mediaType: string; host: string };
  'manifest.oversize': { bytes: number; host: string };

  'blob.missing': { digest: string; host: string; mediaType: string };
  'blob.denied': { digest: string; host: string; status: number };
  'blob.unavailable': { digest: string; host: string; status: number };
  'blob.unreachable': { digest: string; host: string; cause: Fault };
  'blob.redirect_failed': { digest: string; host: string; target: string; cause: Fault };
  'blob.interrupted': { digest: string; host: string; gotBytes: number; expectedBytes: number };
  'blob.digest_mismatch': { digest: string; host: string; got: string };

  /** The host sends nothing for so long that the runtime gives the pull up. */
  'blob.stalled': { host: string; silentMs: number; timeoutMs: number };
  'blob.slow': { host: string; bytes: number; bytesPerS: number };

  'disk.full': { path: string; wantsBytes: number; freeBytes: number };
  'disk.inodes': { path: string; wantsInodes: number; freeInodes: number };
  /** The kubelet's DiskPressure: it starts no new Pods, though pulls work. `signal` is empty where only the Node says so. */
  'disk.pressure': { signal: string; path: string };
  'kubelet.qps_exceeded': { pulls: number; qps: number; burst: number };
  'kubelet.pulls_queued': { pulls: number; atOnce: number };

  'agent.not_allowed': { what: string };
  /** Telling would cost quota that is the kubelet's. */
  'agent.spends_quota': { host: string; what: string };
  /** Another route would have to be asked, and this agent's share of its registry is used up for now. */
  'agent.over_budget': { registry: string };
  /** A token service that no credential should be sent to: see registry/authorize.ts. */
  'agent.distrusts_realm': { realm: string; why: string };
  /** `how`: what would show it, as a sentence, where that is known. */
  'agent.cannot_see': { what: string; why: string; how?: string };
  'agent.out_of_time': { step: string; afterMs: number };
  /** Another node's agent, asked from afar. */
  'agent.unreachable': { node: string; why: string };
  'agent.bug': { where: string; what: string };
}

export type FaultCode = keyof FaultFacts;
export type FaultOf<C extends FaultCode> = { readonly code: C } & Readonly<FaultFacts[C]>;
export type Fault = { [C in FaultCode]: FaultOf<C> }[FaultCode];

/** Whose door to knock on. */
export type Owner = 'workload' | 'credentials' | 'node' | 'network' | 'registry' | 'agent';

const owners: { readonly [C in FaultCode]: Owner } = {
  'image.malformed': 'workload',
  'image.never_pulled': 'workload',
  'hosts.unparsable': 'node',
  'hosts.unreadable': 'node',
  'hosts.ca_unreadable': 'node',
  'hosts.client_unreadable': 'node',
  'hosts.none_may_resolve': 'node',
  'runtime.misconfigured': 'node',
  'unit.line_ignored': 'node',
  'credential.secret_missing': 'credentials',
  'credential.secret_ignored': 'credentials',
  'credential.malformed': 'credentials',
  'credential.provider_failed': 'node',
  'credential.provider_misconfigured': 'node',
  'dns.not_found': 'network',
  'dns.server_failed': 'network',
  'dns.timed_out': 'network',
  'dns.refused': 'network',
  'dns.malformed': 'network',
  'proxy.malformed': 'node',
  'proxy.unreachable': 'network',
  'proxy.refused': 'network',
  'tcp.refused': 'network',
  'tcp.timed_out': 'network',
  'tcp.unreachable': 'network',
  'tcp.reset': 'network',
  'tcp.closed': 'network',
  'tls.untrusted': 'node',
  'tls.expired': 'registry',
  'tls.not_yet_valid': 'registry',
  'tls.wrong_name': 'registry',
  'tls.not_tls': 'node',
  'tls.client_rejected': 'node',
  'tls.handshake_failed': 'registry',
  'tls.timed_out': 'network',
  'api.not_a_registry': 'network',
  'api.rate_limited': 'registry',
  'api.unavailable': 'registry',
  'api.rejected': 'registry',
  'api.timed_out': 'registry',
  'api.malformed': 'registry',
  'api.redirect_failed': 'registry',
  'api.announced': 'registry',
  'auth.required': 'credentials',
  'auth.rejected': 'credentials',
  'auth.denied': 'credentials',
  'auth.unsupported': 'registry',
  'auth.malformed_challenge': 'registry',
  'auth.realm_unreachable': 'network',
  'auth.realm_failed': 'registry',
  'auth.empty_token': 'registry',
  'manifest.unknown_repository': 'workload',
  'manifest.unknown_tag': 'workload',
  'manifest.unknown_digest': 'workload',
  'manifest.tag_moved': 'workload',
  'manifest.no_platform': 'workload',
  'manifest.digest_mismatch': 'registry',
  'manifest.malformed': 'registry',
  'manifest.unsupported': 'workload',
  'manifest.oversize': 'workload',
  'blob.missing': 'registry',
  'blob.denied': 'registry',
  'blob.unavailable': 'registry',
  'blob.unreachable': 'network',
  'blob.redirect_failed': 'network',
  'blob.interrupted': 'registry',
  'blob.digest_mismatch': 'registry',
  'blob.stalled': 'network',
  'blob.slow': 'network',
  'disk.full': 'node',
  'disk.inodes': 'node',
  'disk.pressure': 'node',
  'kubelet.qps_exceeded': 'node',
  'kubelet.pulls_queued': 'node',
  'agent.not_allowed': 'agent',
  'agent.spends_quota': 'agent',
  'agent.over_budget': 'agent',
  'agent.distrusts_realm': 'agent',
  'agent.cannot_see': 'agent',
  'agent.out_of_time': 'agent',
  'agent.unreachable': 'agent',
  'agent.bug': 'agent',
};

/** The owner of a cause. A fault on the agent's side makes a verdict unknown; on any other side, failed. */
export function ownerOf(code: FaultCode): Owner {
  return owners[code];
}

/** Every code, in the catalogue's order: for tables, metrics and tests. */
export const faultCodes = Object.keys(owners) as readonly FaultCode[];

/** The innermost cause: what to mend, where the fault itself says only what was hit by it. */
export function rootOf(fault: Fault): Fault {
  return 'cause' in fault ? rootOf(fault.cause) : fault;
}
