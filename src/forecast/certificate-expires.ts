/** A certificate that was good today and ends soon. */
import type { ImageFacts } from '#pull/facts.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const certificateExpires: ImageRule = { name: 'certificate-expires', foresee };

/** Renewals that should happen by themselves have happened by then: ACME clients renew 30 days ahead, others later. */
const soonS = 14 * 24 * 3600;

function foresee({ rehearsal, now }: ImageFacts): readonly Foreseen[] {
  const ends = new Map<string, number>();
  for (const { exchanges } of rehearsal.performances) {
    for (const step of exchanges.flatMap((exchange) => exchange.steps)) {
      if (step.step !== 'tls' || !step.outcome.ok || !step.outcome.value.verified) continue;
      ends.set(step.target, Date.parse(step.outcome.value.notAfter));
    }
  }
  return [...ends].flatMap(([host, end]): Foreseen[] => {
    const withinS = Math.round((end - now.getTime()) / 1000);
    if (!(withinS < soonS)) return [];
    return [
      {
        about: host,
        fault: 'tls.expired',
        likelihood: 'likely',
        effect: 'fails',
        withinS: Math.max(0, withinS),
        because: `the certificate of ${host} ends on ${new Date(end).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
        remedy: `Have the owner of ${host} renew its certificate.`,
      },
    ];
  });
}
