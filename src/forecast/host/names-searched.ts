/**
 * A name with fewer dots than `ndots` is first looked up with each suffix of the search list, by every connection, since Go caches
 * no answers (net/dnsclient_unix.go nameList). A slow suffix costs its time on each connection and counts towards the dialer's 30 s.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { DnsFacts } from '#report/rehearsal.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from './role.ts';

export const namesSearched: ImageRule = {
  name: 'names-searched',
  meta: {
    title: 'Lookups go through the search list first',
    why: 'A name with fewer dots than `ndots` is first looked up with each search suffix, on every connection. A suffix that answers slowly delays each connection and uses up the time that a connection may take (30 s).',
    needs: "A search list in the node's resolv.conf that the rehearsal had to go through.",
    remedy: "Remove the slow search suffix from the node's resolv.conf, or lower `ndots`.",
  },
  evaluate,
};

/** A shorter delay is not noticeable. */
const feltMs = 1000;
/** containerd's net.Dialer.Timeout covers the lookup and the connection together. */
const riskyShare = 0.5;

function evaluate({ rehearsal, plan }: ImageFacts): readonly Prediction[] {
  const found = new Map<string, Prediction>();
  for (const exchange of exchangesOf(rehearsal)) {
    const limitMs = (plan.routes.ok ? plan.routes.value[exchange.route]?.dialTimeoutMs : undefined) ?? 30_000;
    for (const step of exchange.steps) {
      if (step.step !== 'dns' || !step.outcome.ok || step.outcome.value.searched === undefined) continue;
      const { searched } = step.outcome.value;
      if (searched.ms >= feltMs && !found.has(step.target))
        found.set(step.target, costly(step.target, searched, { limitMs, ndots: plan.resolver.ndots }));
    }
  }
  return [...found.values()];
}

function costly(
  host: string,
  { names, ms }: NonNullable<DnsFacts['searched']>,
  { limitMs, ndots }: { readonly limitMs: number; readonly ndots: number },
): Prediction {
  const isRisky = ms >= limitMs * riskyShare;
  const queries = `${names.length * 2} queries`;
  return {
    about: host,
    fault: 'dns.timed_out',
    likelihood: isRisky ? 'possible' : 'certain',
    effect: isRisky ? 'fails' : 'delays',
    because: `every lookup of ${host} first sends ${queries} for names that do not exist (${names.join(' ')}), which took ${spanText(ms)} of the ${spanText(limitMs)} that a connection may take`,
    remedy: `Remove the search suffix that answers late from the node's resolv.conf, or lower its options ndots:${ndots}.`,
  };
}
