/**
 * A host that is trusted by roots alone that root programs have taken away, or will soon (pull/leaving-roots.ts): what updates the
 * node's trusted certificates takes them from this node, too. What a file of hosts.toml holds stays.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { leavingRoots, type LeavingRoot } from './distrusted-roots.ts';
import type { AnchorFacts } from '#report/rehearsal.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { certificatesIn, othersThan, standIns } from '#forecast/host/role.ts';
import { dayS } from '#forecast/times.ts';

/** Whoever shows certificates of such a root has changed by then, or is late: nobody gets one that outlives it. */
const soonS = 90 * dayS;

/** By a list of one's own. */
export function rootLeavesBy(leaving: readonly LeavingRoot[]): ImageRule {
  const rows = new Map(leaving.map((row) => [row.sha256.slice(0, 16), row]));
  return { name: 'root-leaves', evaluate: (facts) => evaluate(facts, rows) };
}

export const rootLeaves: ImageRule = rootLeavesBy(leavingRoots);

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
    const when = leftS > 0 ? `is to be taken away on ${row.since}` : `was taken away on ${row.since}`;
    found.set(host, {
      about: host,
      fault: 'tls.untrusted',
      likelihood: 'possible',
      effect: 'fails',
      ...(leftS > 0 ? { withinS: leftS } : {}),
      assuming: `the node's trusted certificates (ca-certificates) are updated${leftS > 0 ? ' then' : ''}, and containerd is restarted`,
      because: `${host} is trusted only by ${row.name} in ${anchor.file}, which ${when} (${row.source})${standIns(others)}`,
      remedy: `Have the owner of ${host} show a chain to another root, or trust this one by a ca file in its hosts.toml, which no update touches.`,
    });
  }
  return [...found.values()];
}

/** Of roots that all go, the one that goes last; undefined where one stays. */
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
