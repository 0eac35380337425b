/** /etc/hosts gives an address that the name servers no longer give: pulls work until the old address is switched off. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from './role.ts';

export const hostsFileOutdated: ImageRule = {
  name: 'hosts-file-outdated',
  meta: {
    title: '/etc/hosts has an old address',
    why: "An entry in the node's /etc/hosts that the name servers no longer confirm works until the old address is switched off, as after a move of the registry.",
    needs: 'History in which the name servers gave the address that /etc/hosts still has.',
    remedy: 'Remove the host from /etc/hosts, or write the new address there.',
  },
  evaluate,
};

function evaluate({ rehearsal, history }: ImageFacts): readonly Prediction[] {
  const steps = exchangesOf(rehearsal).flatMap((exchange) => exchange.steps);
  return rehearsal.evidence.flatMap(({ of, host, outcome }): readonly Prediction[] => {
    if (of !== 'pinned_name' || !outcome.ok) return [];
    const reported = outcome.value.addresses ?? [];
    const pinned = steps.flatMap((step) =>
      step.step === 'dns' && step.target === host && step.outcome.ok && step.outcome.value.answeredBy === '/etc/hosts'
        ? step.outcome.value.addresses
        : [],
    );
    const named = valueAt(history.hosts, host)?.named ?? {};
    // An address that is pinned on purpose is one that name servers never gave.
    const old = pinned.find((address) => Object.hasOwn(named, address) && !reported.includes(address));
    if (old === undefined || reported.length === 0) return [];
    const until = named[old]?.seenMs ?? NaN;
    return [
      {
        about: host,
        fault: 'tcp.timed_out',
        likelihood: 'likely',
        effect: 'fails',
        assuming: 'the old address is switched off, as after a move',
        because: `/etc/hosts maps ${host} to ${old}, which its name server gave until ${Number.isNaN(until) ? 'recently' : minuteText(until)}; now it gives ${reported.join(', ')}`,
        remedy: `Remove ${host} from the node's /etc/hosts, or write the new address there.`,
      },
    ];
  });
}
