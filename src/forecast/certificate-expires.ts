/** A certificate that was good today and ends soon. */
import type { Forecast } from '#pull/forecast.ts';
import type { Facts } from './foresee.ts';

/** Renewals that should happen by themselves have happened by then: ACME clients renew 30 days ahead, others later. */
const soonS = 14 * 24 * 3600;

export function certificateExpires({ rehearsal, now }: Facts): readonly Forecast[] {
  const ends = new Map<string, number>();
  for (const { exchanges } of rehearsal.performances) {
    for (const step of exchanges.flatMap((exchange) => exchange.steps)) {
      if (step.step !== 'tls' || !step.outcome.ok || !step.outcome.value.verified) continue;
      ends.set(step.target, Date.parse(step.outcome.value.notAfter));
    }
  }
  return [...ends].flatMap(([host, end]): Forecast[] => {
    const withinS = Math.round((end - now.getTime()) / 1000);
    if (!(withinS < soonS)) return [];
    return [
      {
        rule: 'certificate-expires',
        fault: 'tls.expired',
        likelihood: 'likely',
        withinS: Math.max(0, withinS),
        because: `the certificate of ${host} ends on ${new Date(end).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
        remedy: `Have the owner of ${host} renew its certificate.`,
      },
    ];
  });
}
