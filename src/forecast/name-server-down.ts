/** One of the node's name servers does not answer while another does: look-ups are slow now and fail with the next one. */
import type { Forecast } from '#pull/forecast.ts';
import type { Facts } from './foresee.ts';

export function nameServerDown({ rehearsal }: Facts): readonly Forecast[] {
  const judged = rehearsal.evidence.filter(({ of }) => of === 'name_server');
  return judged.flatMap((evidence): Forecast[] => {
    if (evidence.outcome.ok || !judged.some(({ outcome, host }) => outcome.ok && host === evidence.host)) return [];
    return [
      {
        rule: 'name-server-down',
        fault: evidence.outcome.fault.code,
        likelihood: 'possible',
        because: `name server ${evidence.target} fails for ${evidence.host} (${evidence.outcome.fault.code}) while another answers`,
        remedy: `Mend name server ${evidence.target} or take it out of the node's resolv.conf.`,
      },
    ];
  });
}
