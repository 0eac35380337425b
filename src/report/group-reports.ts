/**
 * The reports of many nodes, told as few as they are: nodes with the same answer are one group, with a label that tells them from
 * the others where one does. Pure.
 */
import { rootOf } from './fault.ts';
import type { PullReport } from './report.ts';
import { poolOf, zoneOf, type SampledNode } from '#check/sample-nodes.ts';
import type { Verdict } from './verdict.ts';

export interface NodeGroup {
  readonly is: Verdict['is'];
  /** `tls.untrusted at mirror.internal`; empty for what pulls. */
  readonly fault: string;
  readonly nodes: readonly string[];
  /** `pool=gpu`: all nodes with that label are in this group, and no other. Empty where nothing tells them apart. */
  readonly apart: string;
  /** One of them, for what to do. */
  readonly report: PullReport;
}

export interface ImageGroups {
  readonly images: readonly string[];
  readonly groups: readonly NodeGroup[];
}

const order: { readonly [V in Verdict['is']]: number } = { pulls: 0, at_risk: 1, fails: 2, unknown: 3 };

/** In the order of `reports`, images with equal groups together. */
export function groupReports(
  reports: readonly PullReport[],
  nodes: ReadonlyMap<string, SampledNode>,
): readonly ImageGroups[] {
  // The same image may be asked for twice, with other secrets or another policy.
  const byDemand = Map.groupBy(reports, ({ image, policy, requestedBy }) =>
    JSON.stringify([image, policy, requestedBy]),
  );
  const rows = [...byDemand.values()].map((same) => ({ image: same[0]?.image ?? '', groups: groupsOf(same, nodes) }));
  return [...Map.groupBy(rows, ({ groups }) => keyOf(groups)).values()].map((equal) => ({
    images: equal.map(({ image }) => image),
    groups: equal[0]?.groups ?? [],
  }));
}

function groupsOf(reports: readonly PullReport[], nodes: ReadonlyMap<string, SampledNode>): readonly NodeGroup[] {
  const all = new Set(reports.map(({ node }) => node));
  const byAnswer = Map.groupBy(reports, (report) => JSON.stringify([report.verdict.is, faultText(report)]));
  return [...byAnswer.values()]
    .flatMap((same) => {
      const [report] = same;
      if (report === undefined) return [];
      const names = [...new Set(same.map(({ node }) => node))].toSorted();
      const group = { is: report.verdict.is, fault: faultText(report), nodes: names, report };
      return [{ ...group, apart: apartOf(names, all, nodes) }];
    })
    .toSorted((a, b) => order[a.is] - order[b.is] || b.nodes.length - a.nodes.length);
}

/** The code, and where it was met. */
function faultText({ verdict, registry }: PullReport): string {
  if (verdict.is === 'at_risk') return verdict.forecasts[0]?.fault ?? '';
  if (verdict.is === 'pulls') return '';
  const root = rootOf(verdict.fault);
  const where = 'host' in root ? root.host : 'address' in root ? root.address : registry;
  const isOurs = verdict.fault.code.startsWith('agent.');
  return isOurs || where === undefined || where === '' ? verdict.fault.code : `${verdict.fault.code} at ${where}`;
}

function apartOf(names: readonly string[], all: ReadonlySet<string>, nodes: ReadonlyMap<string, SampledNode>): string {
  if (names.length === all.size) return '';
  const inside = new Set(names);
  const distinguishes = [
    poolOf,
    (node: SampledNode): string | undefined => (zoneOf(node) === '' ? undefined : `zone=${zoneOf(node)}`),
    (node: SampledNode): string | undefined => `arch=${node.architecture}`,
    (node: SampledNode): string | undefined => `runtime=${node.runtime}`,
  ];
  for (const isDistinctive of distinguishes) {
    const of = (name: string): string | undefined => {
      const node = nodes.get(name);
      return node === undefined ? undefined : isDistinctive(node);
    };
    const labels = new Set(names.map(of));
    const [only] = labels;
    if (labels.size !== 1 || only === undefined) continue;
    if ([...all].every((name) => inside.has(name) || of(name) !== only)) return only;
  }
  return '';
}

function keyOf(groups: readonly NodeGroup[]): string {
  return JSON.stringify(groups.map(({ is, fault, nodes }) => [is, fault, nodes]));
}
