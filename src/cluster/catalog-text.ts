/**
 * The catalog as text: one JSON object a line, a demand or a node each, and back. What is read may be anybody's: whatever it is,
 * reading it throws nothing.
 */
import { type CatalogDemand, type FleetNode } from '#pull/catalog.ts';
import { type Placement, placementOf } from '#pull/placement.ts';
import { memberOf } from '#pull/rendezvous.ts';
import type { Wanter } from '#pull/view.ts';
import { at, fieldsOf, listAt, parseJson, textAt } from './json.ts';
import type { Workload } from './workload.ts';

export interface Entry {
  /** Says in which chunk it goes, and so does not change with who wants it. */
  readonly key: string;
  readonly line: string;
}

/** A node with an agent on it, as its Pod tells. */
export interface AgentNode {
  readonly name: string;
  readonly zone: string;
}

/** Of one demand; the rest is counted. A label on a thousand Deployments need not be a thousand names on every node. */
const mostWanters = 50;

interface Draft {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly placed: string;
  readonly wantedBy: string[];
  wanters: number;
}

/** Each image once for each way in which it is asked for. In no particular order. */
export function demandEntries(workloads: Iterable<Workload>): readonly Entry[] {
  const drafts = new Map<string, Draft>();
  for (const workload of workloads) addWorkload(workload, drafts);
  return [...drafts].map(([key, { fields, placed, wantedBy, wanters }]) => {
    const own = JSON.stringify({ ...fields, wanters });
    // What is JSON already goes in as it is.
    const by = wantedBy.toSorted().slice(0, mostWanters).join(',');
    return { key, line: `{"demand":${own.slice(0, -1)},"pod":${placed},"wantedBy":[${by}]}}` };
  });
}

function addWorkload({ kind, namespace, name, pods }: Workload, drafts: Map<string, Draft>): void {
  for (const { uses, secretNames: pullSecrets, account: serviceAccount, placed } of pods) {
    const at = JSON.stringify([namespace, serviceAccount, pullSecrets]);
    for (const { written: image, policy, part } of uses) {
      const key = `${image} ${policy} ${at} ${placed}`;
      let draft = drafts.get(key);
      if (draft === undefined) {
        const fields = { image, policy, namespace, pullSecrets, serviceAccount };
        drafts.set(key, (draft = { fields, placed, wantedBy: [], wanters: 0 }));
      }
      draft.wanters += 1;
      draft.wantedBy.push(JSON.stringify({ kind, name, part }));
    }
  }
}

export function nodeEntries(nodes: Iterable<AgentNode>): readonly Entry[] {
  return [...nodes].map(({ name, zone }) => ({ key: name, line: JSON.stringify({ node: { name, zone } }) }));
}

export interface CatalogPart {
  readonly demands: readonly CatalogDemand[];
  readonly nodes: readonly FleetNode[];
}

/** Placements that say the same are one object, across all texts that one reader reads. */
export class CatalogReader {
  readonly #placements = new Map<string, Placement>();

  read(text: string): CatalogPart {
    const demands: CatalogDemand[] = [];
    const nodes: FleetNode[] = [];
    for (const line of text.split('\n')) {
      const entry = line === '' ? undefined : parseJson(line);
      const name = textAt(entry, 'node', 'name');
      if (name !== '') nodes.push({ ...memberOf(name), stratum: textAt(entry, 'node', 'zone') });
      const demand = this.#demand(at(entry, 'demand'));
      if (demand !== undefined) demands.push(demand);
    }
    return { demands, nodes };
  }

  #demand(demand: unknown): CatalogDemand | undefined {
    const [written, namespace] = [textAt(demand, 'image'), textAt(demand, 'namespace')];
    const policy = policies.find((one) => one === textAt(demand, 'policy'));
    if (written === '' || namespace === '' || policy === undefined) return undefined;
    const secretNames = listAt(demand, 'pullSecrets').filter((name): name is string => typeof name === 'string');
    const account = textAt(demand, 'serviceAccount') || 'default';
    const wantedBy = listAt(demand, 'wantedBy').map((by): Wanter => {
      const [kind, name, part] = [textAt(by, 'kind'), textAt(by, 'name'), textAt(by, 'part')];
      return { kind, namespace, name, part, coming: true };
    });
    const placement = this.#placement(at(demand, 'pod'));
    return { written, policy, namespace, secretNames, account, placement, wantedBy };
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

const policies = ['Always', 'IfNotPresent', 'Never'] as const;
const mostPlacements = 20_000;
