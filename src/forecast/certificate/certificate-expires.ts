/**
 * A server's certificate, or one above it, that is good today and ends soon: by the chain that holds longest. Whoever renews in
 * time is left alone: an automatic renewal that has happened, for a third of the life at the latest, is no news.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { CertificateHistory } from '#forecast/history/certificates.ts';
import type { TlsFacts } from '#report/rehearsal.ts';
import { minuteText, spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import { issuerSoonS, likelihoodOf, renewalWindowS } from './renewal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';

export const certificateExpires: ImageRule = { name: 'certificate-expires', evaluate };

/** A renewal later than all that were seen before, and by that much, is late. */
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
        assuming: 'nobody renews it',
        because: `the ${whose(tls)} of ${host} ends on ${minuteText(endMs)}${rhythm(tls, known)}${standIns(others)}`,
        remedy: remedyFor(host, tls),
      },
    ];
  });
}

/** Seconds before the end from which on it should have been renewed. */
function windowOf(tls: TlsFacts, known: CertificateHistory | undefined): number {
  if (tls.endsWith !== undefined) return issuerSoonS;
  const lifeS = lifeOf(tls);
  const usual = known?.renewedWithS ?? [];
  const window = renewalWindowS(lifeS);
  // One renewal may have been an accident; two are a habit.
  return usual.length < 2 ? window : Math.min(Math.min(...usual) * lateShare, issuerSoonS);
}

function lifeOf({ leaf }: TlsFacts): number {
  const lifeS = leaf === undefined ? NaN : (Date.parse(leaf.notAfter) - Date.parse(leaf.notBefore)) / 1000;
  return Number.isFinite(lifeS) ? lifeS : Number.MAX_SAFE_INTEGER;
}

function whose({ endsWith }: TlsFacts): string {
  if (endsWith === undefined) return 'certificate';
  const from = endsWith.file === undefined ? '' : ` in ${endsWith.file}`;
  return `${endsWith.is} certificate (${endsWith.subject}${from}) behind that`;
}

function rhythm({ endsWith }: TlsFacts, known: CertificateHistory | undefined): string {
  const usual = known?.renewedWithS ?? [];
  if (endsWith !== undefined || usual.length < 2) return '';
  return `, and those before it were renewed with ${spanText(Math.min(...usual) * 1000)} left at least`;
}

function remedyFor(host: string, { endsWith }: TlsFacts): string {
  if (endsWith === undefined) return `Have the owner of ${host} renew its certificate.`;
  if (endsWith.is === 'intermediate')
    return `Have the owner of ${host} send the issuer's present intermediate certificate.`;
  return `Add the issuer's next root to the node's trusted certificates before that day.`;
}
