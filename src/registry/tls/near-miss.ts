/**
 * The certificate that bears the issuer's name and is not the issuer: what Go names as a possible reason where nobody trusted
 * signed (verify.go buildChains, hintErr and hintCert; Go 1.26). An authority that was made anew under its old name, as a rule.
 */
import type { X509Certificate } from 'node:crypto';
import type { NearMiss } from '#report/fault.ts';
import type { SystemRoots, TlsRule } from '#node/view.ts';
import { maySignBelow, objection } from './signature.ts';
import { anchorsNamed } from './trust.ts';

type Chain = readonly [X509Certificate, ...X509Certificate[]];

const mostLinks = 6;

/** The first that was met; where another one did sign, it is that one's own issuer that counts. */
export function nearMiss(
  [leaf, ...others]: Chain,
  { roots, rule }: { readonly roots: SystemRoots; readonly rule: TlsRule },
): NearMiss | undefined {
  const climb = (below: Chain): NearMiss | undefined => {
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
      else if (below.length < mostLinks) higher = { found: climb([next, ...below]) };
    }
    return higher === undefined ? first : higher.found;
  };
  return climb([leaf]);
}

const unauthorized = 'x509: certificate is not authorized to sign other certificates';

/** UnknownAuthorityError.Error: the common name, the first organization, or the serial number. */
function nameOf({ subject, serialNumber }: X509Certificate): string {
  const attribute = (name: string): string | undefined => new RegExp(`^${name}=(.+)$`, 'm').exec(subject)?.[1];
  return attribute('CN') ?? attribute('O') ?? `serial:${BigInt(`0x${serialNumber}`)}`;
}
