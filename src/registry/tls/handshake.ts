/**
 * TLS over an open socket as Go's crypto/tls (≥ 1.22) does it within net/http: TLS 1.2 at least, no HTTP/2, ten seconds.
 * OpenSSL is asked to complete every handshake so that the chain is on record also where it is refused; it is then judged
 * here in Go's order: dates of the leaf, name, chain.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { LeafFacts, StepOf, TlsFacts } from '#report/rehearsal.ts';
import type { SystemRoots, TlsRule } from '#node/view.ts';
import { fingerprintOf, inARow, wrongName } from './certificate.ts';
import { trustIn, type Trust } from './chain.ts';
import { ignore } from '#registry/tcp/ignore.ts';
import { nearMiss } from './near-miss.ts';
import { anchorsNamed, secureContextOf, trustedFrom } from './trust.ts';
import { wireFault } from '#registry/fault.ts';

/** net/http Transport.TLSHandshakeTimeout, as containerd sets it. */
const handshakeLimitMs = 10_000;

export interface TlsOptions {
  readonly host: string;
  /** As dialled, for faults. */
  readonly address: string;
  readonly port: number;
  readonly rule: TlsRule;
  readonly roots: SystemRoots;
  /** Offered as well, where the runtime still does. */
  readonly rsaKeyExchange?: boolean;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
  /** Ten seconds where it is not given. */
  readonly limitMs?: number;
}

export interface TlsSession {
  readonly step: StepOf<'tls', TlsFacts>;
  readonly outcome: Outcome<TLSSocket>;
}

export async function handshake(socket: Socket, tlsOptions: TlsOptions): Promise<TlsSession> {
  const startMs = tlsOptions.elapsedMs();
  const opened = await open(socket, tlsOptions);
  const judged: Outcome<TlsFacts> = opened.ok ? judge(opened.value, tlsOptions) : opened;
  if (!judged.ok) socket.destroy();
  const ms = tlsOptions.elapsedMs() - startMs;
  const step = { step: 'tls', target: tlsOptions.host, startMs, ms, outcome: judged } as const;
  return { step, outcome: judged.ok ? opened : judged };
}

async function open(socket: Socket, tlsOptions: TlsOptions): Promise<Outcome<TLSSocket>> {
  const { host, roots, rule, signal, rsaKeyExchange = false, limitMs = handshakeLimitMs } = tlsOptions;
  const context = secureContextOf({ roots, rule, rsaKeyExchange });
  if (!context.ok) return context;
  const startMs = tlsOptions.elapsedMs();
  const afterMs = (): number => Math.round(tlsOptions.elapsedMs() - startMs);
  return new Promise((resolve) => {
    const secured = connect({
      socket,
      secureContext: context.value,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      // crypto/tls hostnameInSNI: no addresses, no trailing dot.
      servername: isIP(host.replace(/%.*$/, '')) === 0 ? host.replace(/\.+$/, '') : '',
    });
    const settle = (outcome: Outcome<TLSSocket>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      secured.off('secureConnect', onSecure).off('error', onError).on('error', ignore);
      if (!outcome.ok) secured.destroy();
      resolve(outcome);
    };
    const onSecure = (): void => {
      settle(good(secured));
    };
    const onError = (error: Error): void => {
      settle(bad(openingFault(error, { ...tlsOptions, afterMs: afterMs() })));
    };
    const onAbort = (): void => {
      settle(bad({ code: 'agent.out_of_time', step: 'tls', afterMs: afterMs() }));
    };
    const timer = setTimeout(() => {
      settle(bad({ code: 'tls.timed_out', host, afterMs: limitMs }));
    }, limitMs);
    signal.addEventListener('abort', onAbort);
    secured.on('secureConnect', onSecure).on('error', onError);
    if (signal.aborted) onAbort();
  });
}

/** Node calls an end of the stream in the middle of a handshake ECONNRESET too; only the real one names a system call. */
function openingFault(error: Error, at: TlsOptions & { readonly afterMs: number }): Fault {
  const { host, address, port, afterMs } = at;
  const fault = wireFault(error, { host, address, port, failurePoint: 'handshake', afterMs });
  if (fault.code === 'tcp.reset' && !('syscall' in error)) {
    return { code: 'tcp.closed', address, port, failurePoint: 'handshake' };
  }
  return fault;
}

function judge(secured: TLSSocket, tlsOptions: TlsOptions): Outcome<TlsFacts> {
  const { host, rule } = tlsOptions;
  const leaf = secured.getPeerX509Certificate();
  if (leaf === undefined) {
    return bad({ code: 'tls.handshake_failed', host, why: 'tls: received empty certificates message' });
  }
  const chain = chainFrom(leaf);
  const fault = rule.verify ? faultOf(chain, secured, tlsOptions) : undefined;
  if (fault !== undefined) return bad(fault);
  return good({
    version: secured.getProtocol() ?? 'unknown',
    subject: inARow(leaf.subject),
    issuer: inARow(leaf.issuer),
    verified: rule.verify,
    leaf: leafFacts(leaf),
    ...(rule.verify ? verifiedFacts(chain, tlsOptions) : unverifiedFacts(chain, tlsOptions)),
  });
}

function verifiedFacts(chain: Chain, { roots, rule, now }: TlsOptions): Trust {
  return trustIn(chain, { roots, rule, now: now() }) ?? { notAfter: earliestEnd(chain) };
}

/** What would be said of it if anybody verified. */
function unverifiedFacts(chain: Chain, { host, roots, rule, now }: TlsOptions): Trust {
  const notAfter = earliestEnd(chain);
  const [leaf] = chain;
  const fault = ownFault(leaf, host, now())?.code;
  const isTrusted = trustIn(chain, { roots, rule, now: now() }) !== undefined;
  if (fault === undefined && isTrusted) return { notAfter };
  return { notAfter, luck: { is: 'unverified', fault: fault ?? 'tls.untrusted' } };
}

/** crypto/x509 Certificate.Verify: the leaf's dates (isValid), VerifyHostname, then the chain. */
function faultOf(chain: Chain, secured: TLSSocket, tlsOptions: TlsOptions): Fault | undefined {
  const [leaf] = chain;
  return ownFault(leaf, tlsOptions.host, tlsOptions.now()) ?? chainFault(chain, secured, tlsOptions);
}

function ownFault(leaf: X509Certificate, host: string, now: Date): Fault | undefined {
  const outdated = isOutsideValidity(leaf, host, now);
  if (outdated !== undefined) return outdated;
  const misnamed = wrongName(leaf, host);
  return misnamed === undefined ? undefined : { code: 'tls.wrong_name', host, ...misnamed };
}

/**
 * OpenSSL's judgement of the chain, but for dates: its clock is the machine's, and it may have tried another chain than the one
 * that holds.
 */
function chainFault(chain: Chain, secured: TLSSocket, tlsOptions: TlsOptions): Fault | undefined {
  const { host, roots, rule } = tlsOptions;
  const now = tlsOptions.now();
  const code = verdictOf(secured);
  const [leaf] = chain;
  const top = chain.at(-1) ?? leaf;
  if (code === undefined || code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    if (trustIn(chain, { roots, rule, now }) !== undefined) return undefined;
    const anchors = anchorsNamed(top.issuer, roots, rule).map(({ certificate }) => certificate);
    const suspects = [...chain, ...anchors];
    return suspects.map((one) => isOutsideValidity(one, host, now)).find((found) => found !== undefined);
  }
  if (code === 'INVALID_PURPOSE') {
    // OpenSSL minds keyUsage, too; Go does not look at it (verify.go checkChainForKeyUsage).
    if (!chain.every(servesAnyClient))
      return { code: 'tls.handshake_failed', host, why: 'x509: certificate specifies an incompatible key usage' };
    if (trustIn(chain, { roots, rule, now }) !== undefined) return undefined;
  }
  if (code === 'PATH_LENGTH_EXCEEDED')
    return { code: 'tls.handshake_failed', host, why: 'x509: too many intermediates for path length constraint' };
  if (foundNoIssuer.has(code) && trustIn(chain, { roots, rule, now }) !== undefined) return undefined;
  const near = nearMiss(chain, { roots, rule });
  return {
    code: 'tls.untrusted',
    host,
    subject: inARow(leaf.subject),
    issuer: inARow(top.issuer),
    trustedFrom: trustedFrom(roots, rule),
    ...(near === undefined ? {} : { nearMiss: near }),
  };
}

/** OpenSSL passes over an issuer whose serial number or key identifier is another than the one written; Go takes it. */
const foundNoIssuer: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';

/** Its extended key usages, where it has any, let a server show it. */
function servesAnyClient(certificate: X509Certificate): boolean {
  const usages: unknown = certificate.keyUsage;
  return !Array.isArray(usages) || usages.includes(serverAuth) || usages.includes(anyUsage);
}

/** Node's types say Error; it is the code of OpenSSL's verify result, or null. */
function verdictOf(secured: TLSSocket): string | undefined {
  if (secured.authorized) return undefined;
  const error: unknown = secured.authorizationError;
  return typeof error === 'string' ? error : 'UNSPECIFIED';
}

function leafFacts(leaf: X509Certificate): LeafFacts {
  const iso = (date: string): string => new Date(date).toISOString();
  return { fingerprint: fingerprintOf(leaf), notBefore: iso(leaf.validFrom), notAfter: iso(leaf.validTo) };
}

function isOutsideValidity(certificate: X509Certificate, host: string, now: Date): Fault | undefined {
  const notBefore = new Date(certificate.validFrom);
  const notAfter = new Date(certificate.validTo);
  const about = { host, subject: inARow(certificate.subject), now: now.toISOString() };
  if (now < notBefore) return { code: 'tls.not_yet_valid', ...about, notBefore: notBefore.toISOString() };
  if (now > notAfter) return { code: 'tls.expired', ...about, notAfter: notAfter.toISOString() };
  return undefined;
}

type Chain = readonly [leaf: X509Certificate, ...issuers: X509Certificate[]];

function chainFrom(leaf: X509Certificate): Chain {
  const chain: [X509Certificate, ...X509Certificate[]] = [leaf];
  let next = leaf.issuerCertificate;
  // A self-signed certificate may be given as its own issuer.
  while (next !== undefined && chain.length < 12 && chain.at(-1)?.fingerprint256 !== next.fingerprint256) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function earliestEnd(chain: Chain): string {
  const [leaf] = chain;
  const ends = chain.map((one) => new Date(one.validTo).getTime()).filter((end) => !Number.isNaN(end));
  return new Date(ends.length === 0 ? leaf.validTo : Math.min(...ends)).toISOString();
}
