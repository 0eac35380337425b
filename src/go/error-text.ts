/**
 * What Go would print for a fault of the wire: the tail of the text that the kubelet shows. Wording from Go's net, net/http,
 * crypto/tls and crypto/x509 as recorded from containerd 1.6.20, 1.7.34, 2.1.9 and 2.3.4. The local port of a socket cannot
 * be foretold and is written as [node].
 */
import type { Engine } from '#runtime/containerd/versions.ts';
import type { Fault, FaultCode, FaultOf } from '#report/fault.ts';
import { goQuote } from './quote.ts';

type Texts = { readonly [C in FaultCode]?: (fault: FaultOf<C>, engine: Engine) => string };

const texts: Texts = {
  'dns.not_found': (f) => `${lookup(f)}: no such host`,
  'dns.server_failed': (f) => `${lookup(f)}: ${f.rcode === 'lame referral' ? f.rcode : 'server misbehaving'}`,
  'dns.timed_out': (f) => `${lookup(f)}: read udp [node]->${f.server}: i/o timeout`,
  'dns.refused': (f) => `${lookup(f)}: read udp [node]->${f.server}: read: connection refused`,
  'dns.malformed': (f) => `${lookup(f)}: cannot unmarshal DNS message`,
  'tcp.refused': (f) => `dial tcp ${endpoint(f)}: connect: connection refused`,
  'tcp.timed_out': (f) => `dial tcp ${endpoint(f)}: i/o timeout`,
  'tcp.unreachable': (f) => `dial tcp ${endpoint(f)}: connect: ${f.why}`,
  'tcp.reset': (f) =>
    f.failurePoint === 'connecting'
      ? `dial tcp ${endpoint(f)}: connect: connection reset by peer`
      : `read tcp [node]->${endpoint(f)}: read: connection reset by peer`,
  'tcp.closed': (f) => (f.failurePoint === 'body' ? 'unexpected EOF' : 'EOF'),
  'tls.untrusted': (f, engine) => x509(`certificate signed by unknown authority${hint(f, engine)}`, engine),
  'tls.expired': (f, engine) => x509(`${invalidNow} ${second(f.now)} is after ${second(f.notAfter)}`, engine),
  'tls.not_yet_valid': (f, engine) => x509(`${invalidNow} ${second(f.now)} is before ${second(f.notBefore)}`, engine),
  'tls.wrong_name': (f, engine) => x509(wrongName(f), engine),
  'tls.not_tls': () => 'http: server gave HTTP response to HTTPS client',
  'tls.client_rejected': (f) => `remote error: tls: ${f.alert}`,
  'tls.handshake_failed': (f, engine) => (f.why.startsWith('x509: ') ? x509(f.why.slice(6), engine) : f.why),
  'tls.timed_out': () => 'net/http: TLS handshake timeout',
  'proxy.unreachable': (f, engine) => `proxyconnect tcp: ${goError(f.cause, engine)}`,
  'proxy.refused': (f) => f.reason,
  'proxy.malformed': (f) => `invalid proxy address: ${f.why}`,
  'api.timed_out': () => 'net/http: timeout awaiting response headers',
  'api.malformed': (f) => `net/http: HTTP/1.x transport connection broken: ${f.why}`,
  'api.redirect_failed': (f) => f.why,
};

/** The text for a fault of the wire; the code itself for a fault that Go has no words for. */
export function goError(fault: Fault, engine: Engine): string {
  return textIn(fault, engine) ?? fault.code;
}

function textIn<C extends FaultCode>(fault: FaultOf<C>, engine: Engine): string | undefined {
  const textOf: Texts[C] = texts[fault.code];
  return textOf?.(fault, engine);
}

const invalidNow = 'certificate has expired or is not yet valid: current time';

function lookup(fault: { readonly host: string; readonly server: string }): string {
  return `dial tcp: lookup ${fault.host}${fault.server === '' ? '' : ` on ${fault.server}`}`;
}

function endpoint(fault: { readonly address: string; readonly port: number }): string {
  return fault.address.includes(':') ? `[${fault.address}]:${fault.port}` : `${fault.address}:${fault.port}`;
}

function x509(text: string, engine: Engine): string {
  return `${engine.texts.tlsPrefix ? 'tls: failed to verify certificate: ' : ''}x509: ${text}`;
}

/** crypto/x509 UnknownAuthorityError.Error; until Go 1.23 InsecureAlgorithmError says how to let SHA-1 pass. */
function hint({ nearMiss }: FaultOf<'tls.untrusted'>, engine: Engine): string {
  if (nearMiss === undefined) return '';
  const { why, authority } = nearMiss;
  const offers = engine.texts.offersSha1 && /insecure algorithm .*SHA1/.test(why);
  const detail = offers ? `${why} (temporarily override with GODEBUG=x509sha1=1)` : why;
  return ` (possibly because of ${goQuote(detail)} while trying to verify candidate authority certificate ${goQuote(authority)})`;
}

/** crypto/x509 HostnameError.Error. */
function wrongName(fault: FaultOf<'tls.wrong_name'>): string {
  if (fault.commonNameOnly) return 'certificate relies on legacy Common Name field, use SANs instead';
  if (/^[\d.]+$|:/.test(fault.host) && !fault.names.some((name) => /^[\d.]+$|:/.test(name))) {
    return `cannot validate certificate for ${fault.host} because it doesn't contain any IP SANs`;
  }
  if (fault.names.length === 0) return `certificate is not valid for any names, but wanted to match ${fault.host}`;
  return `certificate is valid for ${fault.names.join(', ')}, not ${fault.host}`;
}

/** time.RFC3339 to the second, as x509 prints it. */
function second(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}
