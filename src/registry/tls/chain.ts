/**
 * Every chain from a server's certificate to one that the node trusts, as Go's crypto/x509 builds them (verify.go buildChains,
 * Go 1.26): through any of the certificates that were sent, to any that is trusted, self-signed or not. A connection is trusted as
 * long as one chain is valid: a cross-signed root that expires beside a valid one changes nothing.
 */
import type { X509Certificate } from 'node:crypto';
import type { NearMiss } from '#report/fault.ts';
import type { AnchorFacts, ChainLuck, TlsFacts } from '#report/rehearsal.ts';
import type { SystemRoots, TlsRule } from '#node/view.ts';
import { fingerprintOf, inARow } from './certificate.ts';
import { maySignBelow, objection } from './signature.ts';
import { anchorsNamed, type Anchor } from './trust.ts';

export interface Trust {
  readonly notAfter: string;
  readonly endsWith?: NonNullable<TlsFacts['endsWith']>;
  readonly anchors?: readonly AnchorFacts[];
  readonly luck?: ChainLuck;
}

type Chain = readonly [leaf: X509Certificate, ...X509Certificate[]];

interface Path {
  readonly below: readonly X509Certificate[];
  readonly anchor: Anchor;
}

/** Far more than real chains need; Go stops after a hundred signatures. */
const mostPaths = 16;
const mostLinks = 6;

/** For the valid chain that lasts longest: its end, the certificate that ends first, and its weakness. undefined: no chain is valid. */
export function trustIn(
  sent: Chain,
  by: { readonly roots: SystemRoots; readonly rule: TlsRule; readonly now: Date },
): Trust | undefined {
  const valid = pathsOf(sent, by).filter((path) => startOf(path) <= by.now.getTime() && endOf(path) > by.now.getTime());
  const [longest] = valid.toSorted((one, other) => endOf(other) - endOf(one));
  if (longest === undefined) return undefined;
  const end = endOf(longest);
  const ending = longest.below.find((one) => dateOf(one.validTo) === end);
  const root = { is: 'root', subject: inARow(longest.anchor.certificate.subject), file: longest.anchor.file } as const;
  const [leaf] = sent;
  const endsWith = ending === undefined ? root : ({ is: 'intermediate', subject: inARow(ending.subject) } as const);
  const luck = luckOf(sent, valid);
  return {
    notAfter: new Date(end).toISOString(),
    anchors: anchorsOf(valid, by.rule),
    ...(ending === leaf ? {} : { endsWith }),
    ...(luck === undefined ? {} : { luck }),
  };
}

function anchorsOf(valid: readonly Path[], rule: TlsRule): readonly AnchorFacts[] {
  const own = new Set(rule.extraRoots.map(({ path }) => path));
  const found = valid.map(({ anchor: { certificate, file } }): AnchorFacts => {
    const fingerprint = fingerprintOf(certificate);
    return { fingerprint, subject: inARow(certificate.subject), file, from: own.has(file) ? 'rule' : 'system' };
  });
  return [...new Map(found.map((one) => [`${one.fingerprint} ${one.from}`, one])).values()];
}

/** A server that sends no intermediate is trusted only because a file of the node contains it; the next one will not be in it. */
function luckOf(sent: readonly X509Certificate[], valid: readonly Path[]): ChainLuck | undefined {
  const [first] = valid;
  const isWhole = ({ anchor: { certificate } }: Path): boolean => certificate.subject === certificate.issuer;
  if (first === undefined || sent.length > 1 || valid.some(isWhole)) return undefined;
  const { certificate, file } = first.anchor;
  return { is: 'intermediate_not_sent', subject: inARow(certificate.subject), file };
}

function pathsOf(
  [leaf, ...others]: Chain,
  { roots, rule }: { readonly roots: SystemRoots; readonly rule: TlsRule },
): readonly Path[] {
  const found: Path[] = [];
  const extend = (below: Chain): void => {
    const [top] = below;
    for (const anchor of anchorsNamed(top.issuer, roots, rule)) {
      if (found.length < mostPaths && objection(anchor.certificate, top) === undefined) found.push({ below, anchor });
    }
    if (below.length >= mostLinks || found.length >= mostPaths) return;
    for (const next of others) {
      const isNext = next.subject === top.issuer && !below.includes(next);
      if (isNext && maySignBelow(next) && objection(next, top) === undefined) extend([next, ...below]);
    }
  };
  const own = anchorsNamed(leaf.subject, roots, rule).find(({ certificate }) => certificate.raw.equals(leaf.raw));
  if (own !== undefined) found.push({ below: [leaf], anchor: own });
  extend([leaf]);
  return found;
}

function endOf({ below, anchor }: Path): number {
  return Math.min(dateOf(anchor.certificate.validTo), ...below.map(({ validTo }) => dateOf(validTo)));
}

function startOf({ below, anchor }: Path): number {
  return Math.max(dateOf(anchor.certificate.validFrom), ...below.map(({ validFrom }) => dateOf(validFrom)));
}

function dateOf(written: string): number {
  return new Date(written).getTime();
}

/**
 * The certificate that has the issuer's name and is not the issuer: Go names it as a possible reason where no trusted certificate
 * signed (verify.go buildChains, hintErr and hintCert; Go 1.26). Usually an authority that was replaced under its old name. The
 * first one counts; where another one did sign, that one's own issuer counts.
 */
export function nearMiss(
  [leaf, ...others]: Chain,
  { roots, rule }: { readonly roots: SystemRoots; readonly rule: TlsRule },
): NearMiss | undefined {
  const extend = (below: Chain): NearMiss | undefined => {
    const [top] = below;
    let first: NearMiss | undefined;
    let higher: { readonly found: NearMiss | undefined } | undefined;
    for (const { certificate } of anchorsNamed(top.issuer, roots, rule)) {
      const why = objection(certificate, top);
      if (why !== undefined) first ??= { why, authority: nameOf(certificate) };
    }
    for (const next of others) {
      if (next.subject !== top.issuer || below.includes(next)) continue;
      const why = objection(next, top) ?? (maySignBelow(next) ? undefined : unauthorized);
      if (why !== undefined) first ??= { why, authority: nameOf(next) };
      else if (below.length < mostLinks) higher = { found: extend([next, ...below]) };
    }
    return higher === undefined ? first : higher.found;
  };
  return extend([leaf]);
}

const unauthorized = 'x509: certificate is not authorized to sign other certificates';

/** UnknownAuthorityError.Error: the common name, the first organization, or the serial number. */
function nameOf({ subject, serialNumber }: X509Certificate): string {
  const attribute = (name: string): string | undefined => new RegExp(`^${name}=(.+)$`, 'm').exec(subject)?.[1];
  return attribute('CN') ?? attribute('O') ?? `serial:${BigInt(`0x${serialNumber}`)}`;
}
