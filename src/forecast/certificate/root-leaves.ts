/**
 * A host is trusted only by roots that root programs have removed, or will remove soon (distrusted-roots.ts): an update of the
 * node's trusted certificates removes them from this node too. A CA file that hosts.toml names stays.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { LeavingRoot } from './distrusted-roots.ts';
import type { AnchorFacts } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';
import { dayS } from '#forecast/times.ts';

/** A server with a certificate of such a root has changed by then, or is late: no certificate is issued beyond its removal. */
const soonS = 90 * dayS;

/** By a list of such roots. */
export function rootLeavesBy(leaving: readonly LeavingRoot[]): ImageRule {
  const rows = new Map(leaving.map((row) => [row.sha256.slice(0, 16), row]));
  return {
    name: 'root-leaves',
    meta: {
      title: 'The only trusted root is being removed',
      why: "Root programs (Mozilla, Chrome) remove roots, and the next update of the node's ca-certificates removes them from the node. A host that is trusted only by such a root then fails.",
      needs: 'A verified TLS handshake with the host, and the list of removed roots, each with day and source.',
      remedy: 'Have the host send a chain to another root, or trust this one with a ca file in hosts.toml.',
    },
    evaluate: (facts) => evaluate(facts, rows),
  };
}

type Rows = ReadonlyMap<string, LeavingRoot>;

function evaluate({ rehearsal, plan, now }: ImageFacts, rows: Rows): readonly Prediction[] {
  const found = new Map<string, Prediction>();
  for (const { host, tls } of certificatesIn(rehearsal)) {
    const gone = lastOf(tls.anchors ?? [], rows);
    if (gone === undefined || found.has(host)) continue;
    const { row, anchor } = gone;
    const leftS = Math.round((Date.parse(row.since) - now.getTime()) / 1000);
    if (!(leftS < soonS)) continue;
    const others = othersThan(plan, host);
    const when = leftS > 0 ? `will be removed on ${row.since}` : `was removed on ${row.since}`;
    found.set(host, {
      about: host,
      fault: 'tls.untrusted',
      likelihood: 'possible',
      effect: 'fails',
      ...(leftS > 0 ? { withinS: leftS } : {}),
      assuming: `the node's trusted certificates (ca-certificates) are updated${leftS > 0 ? ' then' : ''}, and containerd is restarted`,
      because: `${host} is trusted only by ${row.name} in ${anchor.file}, which ${when} (${row.source})${standIns(others)}`,
      remedy: `Have the owner of ${host} send a chain to another root, or trust this one with a ca file in its hosts.toml, which no update changes.`,
    });
  }
  return [...found.values()];
}

/** If all roots are being removed, the one that is removed last; undefined when one stays. */
function lastOf(
  anchors: readonly AnchorFacts[],
  rows: Rows,
): { readonly row: LeavingRoot; readonly anchor: AnchorFacts } | undefined {
  const going = anchors.flatMap((anchor) => {
    const row = anchor.from === 'system' ? rows.get(anchor.fingerprint) : undefined;
    return row === undefined ? [] : [{ row, anchor }];
  });
  if (going.length < anchors.length) return undefined;
  return going.toSorted((one, other) => Date.parse(other.row.since) - Date.parse(one.row.since))[0];
}
