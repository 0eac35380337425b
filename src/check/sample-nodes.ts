/**
 * A sample of very many nodes with a few of each kind. Nodes pull differently by architecture, zone, runtime and pool. The sample
 * depends on the nodes' names alone: it is the same for the same fleet. Pure.
 */
import { poolOf, zoneOf, type LabelledNode } from '#report/node-labels.ts';

export interface Sample<N> {
  readonly nodes: readonly N[];
  /** The number of all nodes, and of their kinds. */
  readonly of: number;
  readonly kinds: number;
}

/** With fewer nodes, all of them are in the sample. */
const sampleFrom = 300;
/** Finds a fault on one node in fifty of a kind with a probability of 95 %. */
const most = 150;
/** One may be down and another faulty; the third shows which. */
const leastOfKind = 3;

export function sampleNodes<N extends LabelledNode>(nodes: readonly N[]): Sample<N> {
  const kinds = [...Map.groupBy(nodes, kindOf).entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (nodes.length < sampleFrom) return { nodes, of: nodes.length, kinds: kinds.length };
  const chosen = new Set(kinds.flatMap(([, members]) => spreadOut(members).slice(0, shareOf(members, nodes.length))));
  return { nodes: nodes.filter((node) => chosen.has(node)), of: nodes.length, kinds: kinds.length };
}

/** In proportion, and enough that one faulty node does not decide for its kind. */
function shareOf(members: readonly unknown[], all: number): number {
  return Math.max(leastOfKind, Math.round((most * members.length) / all));
}

function kindOf(node: LabelledNode): string {
  return JSON.stringify([node.architecture, zoneOf(node), node.runtime, poolOf(node) ?? '']);
}

/** Nodes with consecutive names often share a rack or a creation date; their hashes do not follow each other. */
function spreadOut<N extends LabelledNode>(nodes: readonly N[]): readonly N[] {
  return nodes
    .map((node) => ({ node, hash: fnv1a(node.name) }))
    .toSorted((a, b) => a.hash - b.hash || (a.node.name < b.node.name ? -1 : 1))
    .map(({ node }) => node);
}

/** FNV-1a, 32 bits, and a final mix, which separates names that differ only in their last letter. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
