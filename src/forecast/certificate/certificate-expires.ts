/**
 * A server certificate, or one above it in the chain, that is valid today and expires soon, judged by the chain that is valid
 * longest. A certificate that is renewed in time is not reported: automatic renewal happens with a third of the lifetime left.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { CertificateHistory } from '#forecast/history/certificates.ts';
import type { TlsFacts } from '#report/rehearsal.ts';
import { minuteText, spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { issuerSoonS, likelihoodOf, renewalWindowS } from './renewal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';

export const certificateExpires: ImageRule = {
  name: 'certificate-expires',
  meta: {
    title: 'A certificate in the chain expires soon',
    why: "Once the last chain that the node trusts has expired, every pull from the host fails. The rule names the certificate that ends the chain: the server's, an intermediate, or a root in a file of the node. A certificate that renews automatically is reported only when its renewal is late, by the pattern of its owner once two renewals were seen.",
    needs: "A TLS handshake with the host; for the owner's renewal pattern, two renewals.",
    remedy: "Renew the certificate, send the current intermediate, or add the issuer's next root to the node.",
  },
  evaluate,
};

/** A renewal is late when less than this share is left of the shortest remaining time at which one happened before. */
const lateShare = 0.75;

function evaluate({ rehearsal, plan, history, now }: ImageFacts): readonly Prediction[] {
  const earliest = new Map<string, TlsFacts>();
  for (const { host, tls } of certificatesIn(rehearsal)) {
    const known = earliest.get(host);
    if (tls.verified && (known === undefined || Date.parse(tls.notAfter) < Date.parse(known.notAfter)))
      earliest.set(host, tls);
  }
  return [...earliest].flatMap(([host, tls]): Prediction[] => {
    const endMs = Date.parse(tls.notAfter);
    const withinS = Math.round((endMs - now.getTime()) / 1000);
    const known = valueAt(history.hosts, host)?.certificate;
    if (!(withinS < windowOf(tls, known))) return [];
    const others = othersThan(plan, host);
    return [
      {
        about: host,
        fault: 'tls.expired',
        likelihood: likelihoodOf(withinS, others),
        effect: 'fails',
        withinS: Math.max(0, withinS),
        assuming: 'it is not renewed',
        because: `the ${whose(tls)} of ${host} expires on ${minuteText(endMs)}${rhythm(tls, known)}${standIns(others)}`,
        remedy: remedyFor(host, tls),
      },
    ];
  });
}

/** Seconds before expiry by which it should have been renewed. */
function windowOf(tls: TlsFacts, known: CertificateHistory | undefined): number {
  if (tls.endsWith !== undefined) return issuerSoonS;
  const lifeS = lifeOf(tls);
  const usual = known?.renewedWithS ?? [];
  const window = renewalWindowS(lifeS);
  // One renewal may have been chance; two are a pattern.
  return usual.length < 2 ? window : Math.min(Math.min(...usual) * lateShare, issuerSoonS);
}

function lifeOf({ leaf }: TlsFacts): number {
  const lifeS = leaf === undefined ? NaN : (Date.parse(leaf.notAfter) - Date.parse(leaf.notBefore)) / 1000;
  return Number.isFinite(lifeS) ? lifeS : Number.MAX_SAFE_INTEGER;
}

function whose({ endsWith }: TlsFacts): string {
  if (endsWith === undefined) return 'certificate';
  const from = endsWith.file === undefined ? '' : ` in ${endsWith.file}`;
  return `${endsWith.is} certificate (${endsWith.subject}${from}) behind the certificate`;
}

function rhythm({ endsWith }: TlsFacts, known: CertificateHistory | undefined): string {
  const usual = known?.renewedWithS ?? [];
  if (endsWith !== undefined || usual.length < 2) return '';
  return `; earlier ones were renewed with at least ${spanText(Math.min(...usual) * 1000)} left`;
}

function remedyFor(host: string, { endsWith }: TlsFacts): string {
  if (endsWith === undefined) return `Have the owner of ${host} renew its certificate.`;
  if (endsWith.is === 'intermediate')
    return `Have the owner of ${host} send the issuer's current intermediate certificate.`;
  return `Add the issuer's next root to the node's trusted certificates before then.`;
}
