/** A host with several addresses of which some refuse: half up is not up. */
import type { Forecast } from '#pull/forecast.ts';
import type { Facts } from './foresee.ts';

export function addressDown({ rehearsal }: Facts): readonly Forecast[] {
  return rehearsal.evidence.flatMap((evidence): Forecast[] => {
    if (evidence.of !== 'address' || evidence.outcome.ok) return [];
    const siblings = rehearsal.evidence.filter((other) => other.of === 'address' && other.host === evidence.host);
    if (!siblings.some(({ outcome }) => outcome.ok)) return [];
    return [
      {
        rule: 'address-down',
        fault: evidence.outcome.fault.code,
        likelihood: 'possible',
        because: `${evidence.target}, one of ${siblings.length} addresses of ${evidence.host}, fails (${evidence.outcome.fault.code})`,
        remedy: `Have the owner of ${evidence.host} mend or withdraw that address, or the network let it through.`,
      },
    ];
  });
}
