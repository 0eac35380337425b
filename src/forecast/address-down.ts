/** A host with several addresses of which some refuse: half up is not up. */
import type { ImageFacts } from '#pull/facts.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const addressDown: ImageRule = { name: 'address-down', foresee };

function foresee({ rehearsal }: ImageFacts): readonly Foreseen[] {
  return rehearsal.evidence.flatMap((evidence): Foreseen[] => {
    if (evidence.of !== 'address' || evidence.outcome.ok) return [];
    const siblings = rehearsal.evidence.filter((other) => other.of === 'address' && other.host === evidence.host);
    if (!siblings.some(({ outcome }) => outcome.ok)) return [];
    return [
      {
        about: evidence.host,
        fault: evidence.outcome.fault.code,
        likelihood: 'possible',
        effect: 'fails',
        because: `${evidence.target}, one of ${siblings.length} addresses of ${evidence.host}, fails (${evidence.outcome.fault.code})`,
        remedy: `Have the owner of ${evidence.host} mend or withdraw that address, or the network let it through.`,
      },
    ];
  });
}
