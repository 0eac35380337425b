/** One of the node's name servers does not answer while another does: look-ups are slow now and fail with the next one. */
import type { ImageFacts } from '#pull/facts.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const nameServerDown: ImageRule = { name: 'name-server-down', foresee };

function foresee({ rehearsal }: ImageFacts): readonly Foreseen[] {
  const judged = rehearsal.evidence.filter(({ of }) => of === 'name_server');
  return judged.flatMap((evidence): Foreseen[] => {
    if (evidence.outcome.ok || !judged.some(({ outcome, host }) => outcome.ok && host === evidence.host)) return [];
    return [
      {
        about: evidence.target,
        fault: evidence.outcome.fault.code,
        likelihood: 'possible',
        effect: 'fails',
        because: `name server ${evidence.target} fails for ${evidence.host} (${evidence.outcome.fault.code}) while another answers`,
        remedy: `Mend name server ${evidence.target} or take it out of the node's resolv.conf.`,
      },
    ];
  });
}
