/**
 * A name with fewer dots than `ndots` is asked for with each suffix of the search list first, by every connection, since Go keeps
 * no answers (net/dnsclient_unix.go nameList). A slow suffix is paid for each time, and counts towards the dialler's 30 s.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { DnsFacts } from '#report/rehearsal.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { exchangesOf } from './role.ts';

export const namesSearched: ImageRule = { name: 'names-searched', evaluate };

/** Below it nobody notices. */
const feltMs = 1000;
/** containerd's net.Dialer.Timeout is for the look-up and the connection together. */
const perilousShare = 0.5;

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
  const isPerilous = ms >= limitMs * perilousShare;
  const questions = `${names.length * 2} questions`;
  return {
    about: host,
    fault: 'dns.timed_out',
    likelihood: isPerilous ? 'possible' : 'certain',
    effect: isPerilous ? 'fails' : 'delays',
    because: `every look-up of ${host} first asks ${questions} about names that do not exist (${names.join(' ')}), which took ${spanText(ms)} of the ${spanText(limitMs)} that a connection may take`,
    remedy: `Take the search suffix that answers late out of the node's resolv.conf, or lower its options ndots:${ndots}.`,
  };
}
