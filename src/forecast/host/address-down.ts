/**
 * Some addresses of a host fail. When a whole address family fails and the other works, Go's dialer hides it (Happy Eyeballs,
 * net/dial.go dialParallel): each connection waits 300 ms for the family that it tries first, and fails when a lookup returns no
 * address of the other family. A node that has no connectivity in that family at all is not reported.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { FaultCode } from '#report/fault.ts';
import { bare } from '#forecast/history/hosts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const addressDown: ImageRule = {
  name: 'address-down',
  meta: {
    title: 'Some addresses of a host fail',
    why: 'A host that resolves to several addresses is only half available when some of them fail: a pull works or fails by the address that the runtime picks. When a whole address family (IPv4 or IPv6) fails, each connection waits 300 ms for it and fails when a lookup returns only that family.',
    needs: 'At least one address of the host that works. drypull probes every address beside the pull.',
    remedy: 'Fix or withdraw the failing address, or allow it in the firewall.',
  },
  evaluate,
};

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
      remedy: `Have the owner of ${host} fix or withdraw that address, or allow it in the firewall.`,
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
  const elsewhere = isUsed ? ', though this node reaches other hosts that way' : '';
  return [
    {
      about: host,
      fault: code,
      likelihood: 'possible',
      effect: 'delays',
      because: `${host} cannot be reached by ${family}${elsewhere} (${code}); only ${left} works, and a connection fails when a lookup returns no ${left} address`,
      remedy: `Allow ${family} traffic to ${host}, or remove the ${family} route from the node.`,
    },
  ];
}
