/** A name that /etc/hosts answers with an address that its own name servers gave up: it works until the old address is switched off. */
import type { ImageFacts } from '#forecast/facts.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from './role.ts';

export const hostsFileOutdated: ImageRule = { name: 'hosts-file-outdated', evaluate };

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
    // Whoever writes another address on purpose writes one that name servers never gave.
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
        because: `/etc/hosts leads ${host} to ${old}, which its name server gave until ${Number.isNaN(until) ? 'lately' : minuteText(until)}; it says ${reported.join(', ')} now`,
        remedy: `Take ${host} out of the node's /etc/hosts, or write the new address there.`,
      },
    ];
  });
}
