/**
 * Door: what a person or a program reads of reports: a table, a story, a JSON document, a JUnit file, and progress meanwhile.
 * Returns text; where it goes is not its business.
 */
import type { Fault } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';
import type { Doubt, NodeView, Unseen } from '#node/view.ts';
import { counted, platformText } from './measures.ts';

export { fleetTable } from '#output/terminal/fleet-table.ts';
export { explanationText } from '#output/terminal/explanation.ts';
export { junit } from './junit.ts';
export { nodesTable, readNodeLine } from '#output/terminal/nodes-table.ts';
export type { NodeLine } from '#output/terminal/nodes-table.ts';
export { columnsOf, progress } from '#output/terminal/progress.ts';
export type { ProgressStream } from '#output/terminal/progress.ts';
export { story } from '#output/terminal/details.ts';
export { table } from '#output/terminal/table.ts';

/** What leaves the house about the node. */
export interface PublicNode {
  readonly name: string;
  /** As in node.status.nodeInfo. */
  readonly runtime: string;
  readonly engine?: string;
  readonly platform: string;
  /** `k3s`; absent where none was recognised. */
  readonly distribution?: string;
  /** Where the flags of its programs were read. */
  readonly flags?: NonNullable<NodeView['launches']>;
  /** What may decide a pull, and could not be seen; absent: nothing. */
  readonly unseen?: readonly Unseen[];
  readonly warnings: readonly Fault[];
  readonly doubts: readonly Doubt[];
}

export interface Document {
  readonly version: 1;
  readonly node: PublicNode;
  readonly reports: readonly PullReport[];
}

export function document(node: PublicNode, reports: readonly PullReport[]): Document {
  return { version: 1, node, reports };
}

export function publicNode(view: NodeView): PublicNode {
  const { name, runtime, platform, warnings, doubts, distribution, launches, unseen } = view;
  const { version, config } = runtime;
  return {
    name,
    runtime: `${version.name}://${version.text}`,
    ...(config.ok ? { engine: config.value.engine } : {}),
    platform: platformText(platform),
    ...(distribution === undefined ? {} : { distribution: distribution.distribution.name }),
    ...(launches === undefined ? {} : { flags: launches }),
    ...(unseen === undefined ? {} : { unseen }),
    warnings,
    doubts,
  };
}

/** `5 images on 3 nodes: …`: counted by image and node. */
export function fleetSummary(reports: readonly PullReport[]): string {
  const nodes = new Set(reports.map(({ node }) => node)).size;
  return summary(counted(nodes, 'node'), reports);
}

/** `5 images on node-7: 2 pull, 1 at risk, 1 fails, 1 unknown`. */
export function summary(node: string, reports: readonly PullReport[]): string {
  const of = (is: PullReport['verdict']['is']): number => reports.filter(({ verdict }) => verdict.is === is).length;
  const parts = [
    [of('pulls'), of('pulls') === 1 ? 'pulls' : 'pull'],
    [of('at_risk'), 'at risk'],
    [of('fails'), of('fails') === 1 ? 'fails' : 'fail'],
    [of('unknown'), 'unknown'],
  ] as const;
  const heard = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  const images = new Set(reports.map(({ image, policy, requestedBy }) => JSON.stringify([image, policy, requestedBy])))
    .size;
  return `${counted(images, 'image')} on ${node}: ${heard.length === 0 ? 'nothing to tell' : heard.join(', ')}`;
}
