/**
 * The catalog as text: one JSON object a line, a demand or a node each, and back. What is read may be anybody's: whatever it is,
 * reading it throws nothing.
 */
import { createHash } from 'node:crypto';
import { type CatalogDemand, type FleetNode } from './share.ts';
import { type Placement, placementOf } from '#kubelet/placement.ts';
import { memberOf } from '#budget/rendezvous.ts';
import type { Requester } from '#node/view.ts';
import { at, fieldsOf, listAt, parseJson, stringsAt, textAt } from '#kubernetes/api/json.ts';
import type { AgentNode } from '#kubernetes/agent-nodes.ts';
import { taintsOf } from '#kubernetes/node-facts.ts';
import type { Workload } from './workload.ts';

export interface Entry {
  /** Of what it is about, whoever wants it: says in which chunk it goes. */
  readonly hash: number;
  /** The length of its line, about. */
  readonly size: number;
  /** Made when it is needed: twenty thousand lines are not held at one time. */
  line(): string;
}

/** Of one demand; the rest is counted. A label on a thousand Deployments need not be a thousand names on every node. */
const mostWanters = 50;

/** Each image once for each way in which it is asked for. In no particular order. */
export function demandEntries(workloads: Iterable<Workload>): readonly Entry[] {
  const drafts: Draft[] = [];
  const byHash = new Map<number, Draft>();
  for (const workload of workloads) {
    for (const { uses, terms, placed } of workload.pods) {
      for (const { written: image, policy, part } of uses) {
        const about = { image, policy, terms, placed };
        const hash = hashOf(`${image} ${policy} ${terms} ${placed}`);
        let draft = byHash.get(hash);
        while (draft !== undefined && !draft.isAbout(about)) draft = draft.next;
        if (draft === undefined) {
          draft = new Draft(about, hash, byHash.get(hash));
          byHash.set(hash, draft);
          drafts.push(draft);
        }
        draft.add(workload, part);
      }
    }
  }
  return drafts;
}

interface DemandText {
  readonly image: string;
  readonly policy: string;
  readonly terms: string;
  readonly placed: string;
}

class Draft implements Entry {
  readonly #about: DemandText;
  readonly #requestedBy: { readonly workload: Workload; readonly part: string }[] = [];
  readonly hash: number;
  /** Another one of the same hash. */
  readonly next: Draft | undefined;

  constructor(about: DemandText, hash: number, next: Draft | undefined) {
    this.#about = about;
    this.hash = hash;
    this.next = next;
  }

  isAbout({ image, policy, terms, placed }: DemandText): boolean {
    const own = this.#about;
    return own.image === image && own.policy === policy && own.terms === terms && own.placed === placed;
  }

  add(workload: Workload, part: string): void {
    this.#requestedBy.push({ workload, part });
  }

  get size(): number {
    const { image, terms, placed } = this.#about;
    return 100 + image.length + terms.length + placed.length + 80 * Math.min(this.#requestedBy.length, mostWanters);
  }

  line(): string {
    const { image, policy, terms, placed } = this.#about;
    const own = JSON.stringify({ image, policy, wanters: this.#requestedBy.length });
    const by = this.#requestedBy.map(({ workload: { kind, name }, part }) => JSON.stringify({ kind, name, part }));
    const first = by.sort().slice(0, mostWanters).join(',');
    // What is JSON already goes in as it is.
    return `{"demand":${own.slice(0, -1)},${terms.slice(1, -1)},"pod":${placed},"wantedBy":[${first}]}}`;
  }
}

export function nodeEntries(nodes: Iterable<AgentNode>): readonly Entry[] {
  return [...nodes].map((node) => {
    const line = JSON.stringify({ node });
    return { hash: hashOf(node.name), size: line.length, line: () => line };
  });
}

/** Readers of before there were any pass them over. */
export function platformEntries(platforms: readonly string[]): readonly Entry[] {
  return platforms.map((platform) => {
    const line = JSON.stringify({ platform });
    return { hash: hashOf(platform), size: line.length, line: () => line };
  });
}

/** 32 bits of SHA-256. */
function hashOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

export interface CatalogPart {
  readonly demands: readonly CatalogDemand[];
  readonly nodes: readonly FleetNode[];
  /** What nodes of the cluster need builds for, `linux/arm64`. */
  readonly platforms: readonly string[];
}

/** Placements that say the same are one object, across all texts that one reader reads. */
export class CatalogReader {
  readonly #placements = new Map<string, Placement>();

  read(text: string): CatalogPart {
    const demands: CatalogDemand[] = [];
    const nodes: FleetNode[] = [];
    const platforms: string[] = [];
    for (const line of text.split('\n')) {
      const entry = line === '' ? undefined : parseJson(line);
      const node = readNode(at(entry, 'node'));
      if (node !== undefined) nodes.push(node);
      const platform = textAt(entry, 'platform');
      if (/^[\w/]{1,60}$/.test(platform) && platforms.length < mostPlatforms) platforms.push(platform);
      const demand = this.#demand(at(entry, 'demand'));
      if (demand !== undefined) demands.push(demand);
    }
    return { demands, nodes, platforms };
  }

  #demand(demand: unknown): CatalogDemand | undefined {
    const [written, namespace] = [textAt(demand, 'image'), textAt(demand, 'namespace')];
    const policy = policies.find((one) => one === textAt(demand, 'policy'));
    if (written === '' || namespace === '' || policy === undefined) return undefined;
    const secretNames = listAt(demand, 'pullSecrets').filter((name): name is string => typeof name === 'string');
    const account = textAt(demand, 'serviceAccount') || 'default';
    const requestedBy = listAt(demand, 'wantedBy').map((by): Requester => {
      const [kind, name, part] = [textAt(by, 'kind'), textAt(by, 'name'), textAt(by, 'part')];
      return { kind, namespace, name, part, coming: true };
    });
    const placement = this.#placement(at(demand, 'pod'));
    return { written, policy, namespace, secretNames, account, placement, requestedBy };
  }

  #placement(pod: unknown): Placement {
    const key = JSON.stringify(pod ?? null);
    const known = this.#placements.get(key);
    if (known !== undefined) return known;
    const placement = placementOf(fieldsOf(at(pod, 'spec')) ?? {}, at(pod, 'isDaemon') === true ? 'DaemonSet' : 'Pod');
    if (this.#placements.size >= mostPlacements) this.#placements.clear();
    this.#placements.set(key, placement);
    return placement;
  }
}

function readNode(node: unknown): FleetNode | undefined {
  const name = textAt(node, 'name');
  if (name === '') return undefined;
  const member = { ...memberOf(name), stratum: textAt(node, 'stratum') };
  const place = at(node, 'place');
  if (place === undefined) return member;
  const labels = stringsAt(place, 'labels');
  return {
    ...member,
    place: { name, labels, taints: taintsOf(place), unschedulable: at(place, 'unschedulable') === true },
  };
}

const policies = ['Always', 'IfNotPresent', 'Never'] as const;
const mostPlacements = 20_000;
const mostPlatforms = 16;
