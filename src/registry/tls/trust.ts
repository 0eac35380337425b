/**
 * Whom a TLS connection trusts and what it presents, as OpenSSL wants it. Parsing a bundle of 140 roots costs
 * milliseconds, so what was parsed is kept for as long as the node's roots are.
 */
import { X509Certificate, createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { SystemRoots, TlsRule } from '#node/view.ts';
import type { PemFile } from '#report/certificate.ts';
import { codeOf } from '#registry/fault.ts';

/**
 * crypto/tls cipher_suites.go cipherSuitesPreferenceOrder without what Go ≥ 1.22 leaves out by default: RSA key
 * exchange, CBC with SHA-256, RC4, 3DES. Level 1 lets in the RSA keys of 1024 bits that Go still takes.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  '@SECLEVEL=1',
].join(':');

/** What programs built for a Go before 1.22 still offer (internal/godebugs tlsrsakex). */
const withRsaKeyExchange = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-SHA', 'AES256-SHA', ciphers].join(':');

/** crypto/tls defaults.go defaultCurvePreferences: no X448 and no finite fields; the hybrid one where OpenSSL has it (3.5). */
const curves = ['?*X25519MLKEM768/?*X25519:P-256:P-384:P-521', 'X25519:P-256:P-384:P-521'] as const;

const kept = new WeakMap<SystemRoots, Map<string, Outcome<SecureContext>>>();
const bySubject = new WeakMap<SystemRoots, ReadonlyMap<string, readonly Anchor[]>>();
const parsed = new WeakMap<readonly PemFile[], readonly Anchor[]>();
const identities = new WeakMap<TlsRule, string>();

/** Equal for rules that say the same: connections and contexts are shared by it. */
export function identityOf(rule: TlsRule): string {
  const known = identities.get(rule);
  if (known !== undefined) return known;
  const identity = rule.extraRoots.length === 0 && rule.clients.length === 0 ? 'plain' : digestOf(rule);
  const whole = `${rule.verify ? 'verified' : 'unverified'} ${identity}`;
  identities.set(rule, whole);
  return whole;
}

export interface ContextRequest {
  readonly roots: SystemRoots;
  readonly rule: TlsRule;
  /** RSA key exchange is offered, too. */
  readonly rsaKeyExchange: boolean;
}

export function secureContextOf(request: ContextRequest): Outcome<SecureContext> {
  const { roots, rule, rsaKeyExchange } = request;
  const ofRoots = kept.get(roots) ?? new Map<string, Outcome<SecureContext>>();
  kept.set(roots, ofRoots);
  const identity = `${identityOf(rule)}${rsaKeyExchange ? ' with RSA' : ''}`;
  const known = ofRoots.get(identity);
  if (known !== undefined) return known;
  const made = makeContext(request);
  ofRoots.set(identity, made);
  return made;
}

/** Where the trusted certificates came from, the rule's own files first; the many files of a directory are cut short. */
export function trustedFrom(roots: SystemRoots, rule: TlsRule): readonly string[] {
  return [...rule.extraRoots, ...roots.pems].map(({ path }) => path).slice(0, rule.extraRoots.length + 3);
}

/** A trusted certificate, and the file that it was read from. */
export interface Anchor {
  readonly certificate: X509Certificate;
  readonly pem: string;
  readonly file: string;
}

/** The trusted certificates that bear this name, in the order in which they were read: the rule's own first. */
export function anchorsNamed(subject: string, roots: SystemRoots, rule: TlsRule): readonly Anchor[] {
  const own = anchorsIn(rule.extraRoots).filter(({ certificate }) => certificate.subject === subject);
  const known = new Set(own.map(({ pem }) => pem));
  const others = rootsBySubject(roots).get(subject) ?? [];
  return [...own, ...others.filter(({ pem }) => !known.has(pem))];
}

function poolOf(roots: SystemRoots, rule: TlsRule): readonly string[] {
  const anchors = [...anchorsIn(rule.extraRoots), ...[...rootsBySubject(roots).values()].flat()];
  return [...new Set(anchors.map(({ pem }) => pem))];
}

function makeContext({ roots, rule, rsaKeyExchange }: ContextRequest): Outcome<SecureContext> {
  const ca = rule.verify ? [...poolOf(roots, rule)] : [];
  const common = {
    ca,
    ciphers: rsaKeyExchange ? withRsaKeyExchange : ciphers,
    ecdhCurve: knownCurves(),
    minVersion: 'TLSv1.2',
    allowPartialTrustChain: true,
  } as const;
  // OpenSSL keeps one pair for each kind of key, the last one set; Go presents the first.
  const pairs = rule.clients.toReversed();
  try {
    const cert = pairs.map((pair) => pair.cert);
    const key = pairs.map((pair) => pair.key.reveal());
    return good(createSecureContext(pairs.length === 0 ? common : { ...common, cert, key }));
  } catch (error) {
    return bad(contextFault(rule, error));
  }
}

let knownToOpenSsl: string | undefined;

function knownCurves(): string {
  knownToOpenSsl ??= curves.find((ecdhCurve) => {
    try {
      createSecureContext({ ecdhCurve });
      return true;
    } catch {
      return false;
    }
  });
  return knownToOpenSsl ?? 'auto';
}

function contextFault(rule: TlsRule, error: unknown): ReturnType<typeof bad>['fault'] {
  const why = error instanceof Error ? `${error.name} ${codeOf(error)}`.trim() : typeof error;
  const [pair] = rule.clients;
  if (pair === undefined) return { code: 'agent.bug', where: 'trust', what: why };
  return { code: 'hosts.client_unreadable', file: pair.certPath, why: `no usable key pair: ${why}` };
}

/** Bundle and directory hold the same certificates as a rule: each is parsed once. */
function rootsBySubject(roots: SystemRoots): ReadonlyMap<string, readonly Anchor[]> {
  const known = bySubject.get(roots);
  if (known !== undefined) return known;
  const made = Map.groupBy(anchorsIn(roots.pems), ({ certificate }) => certificate.subject);
  bySubject.set(roots, made);
  return made;
}

/** crypto/x509 CertPool.AppendCertsFromPEM: other blocks and certificates that do not parse are passed over. */
function anchorsIn(files: readonly PemFile[]): readonly Anchor[] {
  const known = parsed.get(files);
  if (known !== undefined) return known;
  const seen = new Set<string>();
  const anchors = files.flatMap(({ path, pem: text }) =>
    blocksIn(text).flatMap((pem): readonly Anchor[] => {
      const certificate = seen.has(pem) ? undefined : parse(pem);
      seen.add(pem);
      return certificate === undefined ? [] : [{ certificate, pem, file: path }];
    }),
  );
  parsed.set(files, anchors);
  return anchors;
}

function blocksIn(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function parse(block: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(block);
    return certificate.raw.length > 0 ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(rule: TlsRule): string {
  const hash = createHash('sha256');
  for (const { pem } of rule.extraRoots) hash.update(pem).update('\0');
  for (const { cert, key } of rule.clients) hash.update('\x01').update(cert).update('\0').update(key.reveal());
  return hash.digest('base64');
}
