/**
 * TLS over an open socket as Go's crypto/tls (≥ 1.22) does it within net/http: TLS 1.2 at least, no HTTP/2, ten seconds.
 * OpenSSL is asked to complete every handshake so that the chain is on record also where it is refused; it is then judged
 * here in Go's order: dates of the leaf, name, chain.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Fault } from '#pull/fault.ts';
import { bad, good, type Outcome } from '#pull/outcome.ts';
import type { LeafFacts, StepOf, TlsFacts } from '#pull/rehearsal.ts';
import type { SystemRoots, TlsRule } from '#pull/view.ts';
import { inARow, wrongName } from './certificate.ts';
import { ignore } from './ignore.ts';
import { anchorsNamed, secureContextOf, trustedFrom } from './trust.ts';
import { wireFault } from './wire-fault.ts';

/** net/http Transport.TLSHandshakeTimeout, as containerd sets it. */
const handshakeLimitMs = 10_000;

export interface Greeting {
  readonly host: string;
  /** As dialled, for faults. */
  readonly address: string;
  readonly port: number;
  readonly rule: TlsRule;
  readonly roots: SystemRoots;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
  /** Ten seconds where it is not given. */
  readonly limitMs?: number;
}

export interface Greeted {
  readonly step: StepOf<'tls', TlsFacts>;
  readonly outcome: Outcome<TLSSocket>;
}

export async function shakeHands(socket: Socket, greeting: Greeting): Promise<Greeted> {
  const startMs = greeting.elapsedMs();
  const opened = await open(socket, greeting);
  const judged: Outcome<TlsFacts> = opened.ok ? judge(opened.value, greeting) : opened;
  if (!judged.ok) socket.destroy();
  const ms = greeting.elapsedMs() - startMs;
  const step = { step: 'tls', target: greeting.host, startMs, ms, outcome: judged } as const;
  return { step, outcome: judged.ok ? opened : judged };
}

async function open(socket: Socket, greeting: Greeting): Promise<Outcome<TLSSocket>> {
  const { host, roots, rule, signal, limitMs = handshakeLimitMs } = greeting;
  const context = secureContextOf(roots, rule);
  if (!context.ok) return context;
  const startMs = greeting.elapsedMs();
  const afterMs = (): number => Math.round(greeting.elapsedMs() - startMs);
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
      settle(bad(openingFault(error, { ...greeting, afterMs: afterMs() })));
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
function openingFault(error: Error, at: Greeting & { readonly afterMs: number }): Fault {
  const { host, address, port, afterMs } = at;
  const fault = wireFault(error, { host, address, port, moment: 'handshake', afterMs });
  if (fault.code === 'tcp.reset' && !('syscall' in error)) {
    return { code: 'tcp.closed', address, port, moment: 'handshake' };
  }
  return fault;
}

function judge(secured: TLSSocket, greeting: Greeting): Outcome<TlsFacts> {
  const { host, rule } = greeting;
  const leaf = secured.getPeerX509Certificate();
  if (leaf === undefined) {
    return bad({ code: 'tls.handshake_failed', host, why: 'tls: received empty certificates message' });
  }
  const chain = chainFrom(leaf);
  const fault = rule.verify ? faultOf(chain, secured, greeting) : undefined;
  if (fault !== undefined) return bad(fault);
  return good({
    version: secured.getProtocol() ?? 'unknown',
    subject: inARow(leaf.subject),
    issuer: inARow(leaf.issuer),
    notAfter: earliestEnd(chain),
    verified: rule.verify,
    leaf: leafFacts(leaf),
  });
}

/** crypto/x509 Certificate.Verify: the leaf's dates (isValid), VerifyHostname, then the chain. */
function faultOf(chain: Chain, secured: TLSSocket, greeting: Greeting): Fault | undefined {
  const { host } = greeting;
  const now = greeting.now();
  const [leaf] = chain;
  const outdated = outsideItsDates(leaf, host, now);
  if (outdated !== undefined) return outdated;
  const misnamed = wrongName(leaf, host);
  if (misnamed !== undefined) return { code: 'tls.wrong_name', host, ...misnamed };
  return chainFault(chain, secured, greeting);
}

/** OpenSSL's judgement of the chain; its clock is the machine's, so what it says of dates is looked up in the chain. */
function chainFault(chain: Chain, secured: TLSSocket, greeting: Greeting): Fault | undefined {
  const { host, roots, rule } = greeting;
  const code = verdictOf(secured);
  if (code === undefined) return undefined;
  const [leaf] = chain;
  const top = chain.at(-1) ?? leaf;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const now = greeting.now();
    const suspects = [...chain, ...anchorsNamed(top.issuer, roots, rule)];
    return suspects.map((one) => outsideItsDates(one, host, now)).find((found) => found !== undefined);
  }
  const trusted = trustedFrom(roots, rule);
  return {
    code: 'tls.untrusted',
    host,
    subject: inARow(leaf.subject),
    issuer: inARow(top.issuer),
    trustedFrom: trusted,
  };
}

/** Node's types say Error; it is the code of OpenSSL's verify result, or null. */
function verdictOf(secured: TLSSocket): string | undefined {
  if (secured.authorized) return undefined;
  const error: unknown = secured.authorizationError;
  return typeof error === 'string' ? error : 'UNSPECIFIED';
}

function leafFacts(leaf: X509Certificate): LeafFacts {
  const iso = (date: string): string => new Date(date).toISOString();
  const fingerprint = leaf.fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase();
  return { fingerprint, notBefore: iso(leaf.validFrom), notAfter: iso(leaf.validTo) };
}

function outsideItsDates(certificate: X509Certificate, host: string, now: Date): Fault | undefined {
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
