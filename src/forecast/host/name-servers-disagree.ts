/** Name servers give different answers for one name: Go accepts the first answer, including "no such name". */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const nameServersDisagree: ImageRule = {
  name: 'name-servers-disagree',
  meta: {
    title: 'Name servers give different answers',
    why: 'The resolver accepts the first answer, including "no such name". When name servers disagree about a registry, pulls work or fail by the order in which the servers are asked.',
    needs: "At least two name servers in the node's resolv.conf.",
    remedy: "Correct the server that is wrong, or remove it from the node's resolv.conf.",
  },
  evaluate,
};

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

/** One knows the name and another says that it does not exist: the server that is queried first decides. */
function denying(host: string, one: Evidence, judged: readonly Evidence[]): readonly Prediction[] {
  const knows = judged.find(({ outcome }) => outcome.ok);
  if (one.outcome.ok || one.outcome.fault.code !== 'dns.not_found' || knows === undefined) return [];
  return [
    {
      about: one.target,
      fault: 'dns.not_found',
      likelihood: 'possible',
      effect: 'fails',
      because: `name server ${one.target} says that ${host} does not exist, but ${knows.target} knows it: a lookup fails when the first server is queried before the second`,
      remedy: `Make name server ${one.target} resolve ${host}, or remove it from the node's resolv.conf.`,
    },
  ];
}

/** Every address that one server gives fails, while another server's work: an old set, or another network's. */
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
      because: `name server ${target} resolves ${host} to ${given.join(', ')}, where nothing works (${first}); another server gives an address that works`,
      remedy: `Clear the old answer for ${host} from name server ${target}, or remove it from the node's resolv.conf.`,
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
