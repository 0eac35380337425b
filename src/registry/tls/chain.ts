/**
 * Every chain from a server's certificate to one that the node trusts, as Go's crypto/x509 builds them (verify.go buildChains,
 * Go 1.26): by any of the certificates that were sent, to any that is trusted, self-signed or not. A connection is trusted for as
 * long as one of them holds, so that a cross-signed root that ends beside a good one is no news.
 */
import type { X509Certificate } from 'node:crypto';
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

interface Path {
  readonly below: readonly X509Certificate[];
  readonly anchor: Anchor;
}

/** Far above what real chains need; Go stops after a hundred signatures. */
const mostPaths = 16;
const mostLinks = 6;

/** Of a chain that is good now: until when, by which certificate, and whether by luck. undefined: no chain is good now. */
export function trustIn(
  sent: readonly [leaf: X509Certificate, ...X509Certificate[]],
  by: { readonly roots: SystemRoots; readonly rule: TlsRule; readonly now: Date },
): Trust | undefined {
  const holding = pathsOf(sent, by).filter(
    (path) => startOf(path) <= by.now.getTime() && endOf(path) > by.now.getTime(),
  );
  const [longest] = holding.toSorted((one, other) => endOf(other) - endOf(one));
  if (longest === undefined) return undefined;
  const end = endOf(longest);
  const ending = longest.below.find((one) => dateOf(one.validTo) === end);
  const root = { is: 'root', subject: inARow(longest.anchor.certificate.subject), file: longest.anchor.file } as const;
  const [leaf] = sent;
  const endsWith = ending === undefined ? root : ({ is: 'intermediate', subject: inARow(ending.subject) } as const);
  const luck = luckOf(sent, holding);
  return {
    notAfter: new Date(end).toISOString(),
    anchors: anchorsOf(holding, by.rule),
    ...(ending === leaf ? {} : { endsWith }),
    ...(luck === undefined ? {} : { luck }),
  };
}

function anchorsOf(holding: readonly Path[], rule: TlsRule): readonly AnchorFacts[] {
  const own = new Set(rule.extraRoots.map(({ path }) => path));
  const found = holding.map(({ anchor: { certificate, file } }): AnchorFacts => {
    const fingerprint = fingerprintOf(certificate);
    return { fingerprint, subject: inARow(certificate.subject), file, from: own.has(file) ? 'rule' : 'system' };
  });
  return [...new Map(found.map((one) => [`${one.fingerprint} ${one.from}`, one])).values()];
}

/** One that is trusted itself and sends nobody along hangs on a file that holds its issuer: the next issuer is not in it. */
function luckOf(sent: readonly X509Certificate[], holding: readonly Path[]): ChainLuck | undefined {
  const [first] = holding;
  const isWhole = ({ anchor: { certificate } }: Path): boolean => certificate.subject === certificate.issuer;
  if (first === undefined || sent.length > 1 || holding.some(isWhole)) return undefined;
  const { certificate, file } = first.anchor;
  return { is: 'intermediate_not_sent', subject: inARow(certificate.subject), file };
}

function pathsOf(
  [leaf, ...others]: readonly [X509Certificate, ...X509Certificate[]],
  { roots, rule }: { readonly roots: SystemRoots; readonly rule: TlsRule },
): readonly Path[] {
  const found: Path[] = [];
  const climb = (below: readonly [X509Certificate, ...X509Certificate[]]): void => {
    const [top] = below;
    for (const anchor of anchorsNamed(top.issuer, roots, rule)) {
      if (found.length < mostPaths && objection(anchor.certificate, top) === undefined) found.push({ below, anchor });
    }
    if (below.length >= mostLinks || found.length >= mostPaths) return;
    for (const next of others) {
      const isNext = next.subject === top.issuer && !below.includes(next);
      if (isNext && maySignBelow(next) && objection(next, top) === undefined) climb([next, ...below]);
    }
  };
  const own = anchorsNamed(leaf.subject, roots, rule).find(({ certificate }) => certificate.raw.equals(leaf.raw));
  if (own !== undefined) found.push({ below: [leaf], anchor: own });
  climb([leaf]);
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
