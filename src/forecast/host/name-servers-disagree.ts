/** Name servers that say different things of one name: Go believes the first that answers, and an answer of "no such name" too. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const nameServersDisagree: ImageRule = { name: 'name-servers-disagree', evaluate };

function evaluate({ rehearsal }: ImageFacts): readonly Prediction[] {
  const byHost = Map.groupBy(
    rehearsal.evidence.filter(({ of }) => of === 'name_server'),
    ({ host }) => host,
  );
  return [...byHost].flatMap(([host, judged]) => [
    ...judged.flatMap((one) => denying(host, one, judged)),
    ...judged.flatMap((one) => misleading(host, one, { judged, evidence: rehearsal.evidence })),
  ]);
}

/** One knows the name and another denies it: whoever is asked first decides. */
function denying(host: string, one: Evidence, judged: readonly Evidence[]): readonly Prediction[] {
  const knows = judged.find(({ outcome }) => outcome.ok);
  if (one.outcome.ok || one.outcome.fault.code !== 'dns.not_found' || knows === undefined) return [];
  return [
    {
      about: one.target,
      fault: 'dns.not_found',
      likelihood: 'possible',
      effect: 'fails',
      because: `name server ${one.target} says that ${host} does not exist, and ${knows.target} knows it: a look-up fails as soon as the first is asked before the second`,
      remedy: `Make name server ${one.target} resolve ${host}, or take it out of the node's resolv.conf.`,
    },
  ];
}

/** Every address that one of them gives fails, and another's do not: an old set, or another network's. */
function misleading(
  host: string,
  { target, outcome }: Evidence,
  { judged, evidence }: { readonly judged: readonly Evidence[]; readonly evidence: readonly Evidence[] },
): readonly Prediction[] {
  const given = outcome.ok ? (outcome.value.addresses ?? []) : [];
  const tried = given.flatMap((address) => evidence.filter((one) => isAddress(one, host, address)));
  const [first] = tried.flatMap((one) => (one.outcome.ok ? [] : [one.outcome.fault.code]));
  const works = evidence.some((one) => one.of === 'address' && one.host === host && one.outcome.ok);
  const differs = judged.some((one) => one.outcome.ok && one.target !== target && !sameSet(one, given));
  if (first === undefined || tried.length < given.length || tried.some((one) => one.outcome.ok)) return [];
  if (!works || !differs) return [];
  return [
    {
      about: target,
      fault: first,
      likelihood: 'possible',
      effect: 'fails',
      because: `name server ${target} leads ${host} to ${given.join(', ')}, where nothing works (${first}), and another one to an address that does`,
      remedy: `Have name server ${target} forget its old answer for ${host}, or take it out of the node's resolv.conf.`,
    },
  ];
}

function isAddress({ of, host: its, target }: Evidence, host: string, address: string): boolean {
  return of === 'address' && its === host && (target.startsWith(`${address}:`) || target.startsWith(`[${address}]:`));
}

function sameSet({ outcome }: Evidence, given: readonly string[]): boolean {
  const other = outcome.ok ? (outcome.value.addresses ?? []) : [];
  return other.length === given.length && other.every((address) => given.includes(address));
}
