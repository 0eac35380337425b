/**
 * A host with several addresses of which some fail: half up is not up. Where a whole family fails and the other works, Go's dialler
 * hides it (Happy Eyeballs, net/dial.go dialParallel): a connection waits 300 ms for the family that is tried first, and fails with
 * it where a look-up brings no address of the other. A node that has no such family at all is no news.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { bare } from '#forecast/history/hosts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const addressDown: ImageRule = { name: 'address-down', evaluate };

type Family = 'IPv4' | 'IPv6';

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const byHost = Map.groupBy(
    facts.rehearsal.evidence.filter(({ of }) => of === 'address'),
    ({ host }) => host,
  );
  return [...byHost].flatMap(([host, judged]): readonly Prediction[] => {
    if (!judged.some(({ outcome }) => outcome.ok)) return [];
    const families = [...Map.groupBy(judged, familyOf)];
    return families.flatMap(([family, its]) => {
      if (its.some(({ outcome }) => outcome.ok)) return its.flatMap((one) => single(one, judged.length));
      return whole(host, { family, its }, facts);
    });
  });
}

function familyOf({ target }: Evidence): Family {
  return bare(target).includes(':') ? 'IPv6' : 'IPv4';
}

function single({ host, target, outcome }: Evidence, count: number): readonly Prediction[] {
  if (outcome.ok) return [];
  const { code } = outcome.fault;
  return [
    {
      about: host,
      fault: code,
      likelihood: 'possible',
      effect: 'fails',
      because: `${target}, one of ${count} addresses of ${host}, fails (${code})`,
      remedy: `Have the owner of ${host} mend or withdraw that address, or the network let it through.`,
    },
  ];
}

function whole(
  host: string,
  { family, its }: { readonly family: Family; readonly its: readonly Evidence[] },
  { history }: ImageFacts,
): readonly Prediction[] {
  const codes = its.flatMap(({ outcome }): readonly FaultCode[] => (outcome.ok ? [] : [outcome.fault.code]));
  const [code] = codes;
  if (code === undefined) return [];
  const tries = family === 'IPv6' ? 'v6' : 'v4';
  const isUsed = Object.values(history.hosts).some((known) => known[tries].good > 0);
  if (!isUsed && codes.every((one) => one === 'tcp.unreachable')) return [];
  const left = family === 'IPv6' ? 'IPv4' : 'IPv6';
  const elsewhere = isUsed ? `, which this node reaches others by` : '';
  return [
    {
      about: host,
      fault: code,
      likelihood: 'possible',
      effect: 'delays',
      because: `${host} cannot be reached by ${family}${elsewhere} (${code}); only ${left} is left, and a look-up that brings no ${left} address fails`,
      remedy: `Let ${family} through to ${host}, or take the ${family} route from the node.`,
    },
  ];
}
