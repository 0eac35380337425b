/**
 * A fleet on virtual time: every agent has the real Pacer, its own phase and its passes, and all of them stand behind one address.
 * No wire: what is counted is when they would ask whom.
 */
import { perMinuteOf } from '#pull/budgets.ts';
import { firstDelayMs } from '#pull/cadence.ts';
import { isPrivateName } from '#pull/lane.ts';
import { phaseOf } from '#pull/phase.ts';
import { fleetPauseMs } from '../../src/cluster/fleet.ts';
import { Pacer, type Rule } from '../../src/pacer.ts';

export const minuteMs = 60_000;
const cadenceMs = 5 * minuteMs;
/** Requests of one rehearsal follow each other so closely. */
const betweenMs = 100;
const sliceMs = 5_000;

export interface SimulatedRegistry {
  readonly lane: string;
  /** Images of it on each node. */
  readonly images: number;
  /** Requests for one of them. */
  readonly cost: number;
}

/** What a node of an ordinary cluster runs. Costs as measured: challenge, token, HEAD, and where nothing is metered manifest and blobs. */
export const ordinary: readonly SimulatedRegistry[] = [
  { lane: 'docker.io', images: 8, cost: 3 },
  { lane: 'quay.io', images: 3, cost: 8 },
  { lane: 'registry.k8s.io', images: 3, cost: 6 },
  { lane: 'ghcr.io', images: 2, cost: 7 },
  { lane: 'public.ecr.aws', images: 1, cost: 5 },
  { lane: 'harbor.corp.internal', images: 5, cost: 6 },
];

export interface Story {
  readonly nodes: number;
  /** How many each agent takes them for. Default: as many as there are. */
  readonly believed?: number;
  readonly registries: readonly SimulatedRegistry[];
  readonly forMs: number;
  /** The DaemonSet is rolled out: a tenth of the agents is restarted each minute. */
  readonly rollOutMs?: number;
  /** No registry opens from, to. */
  readonly outage?: readonly [fromMs: number, toMs: number];
  /** Every node wants one new image of each registry. */
  readonly newImagesMs?: number;
}

export interface Told {
  /** The most requests in any sixty seconds, by registry, against its budget. */
  readonly peaks: readonly { readonly lane: string; readonly perMinute: number; readonly budget: number }[];
  readonly requests: number;
  /** Connections that were opened in the worst second, all registries together. */
  readonly handshakesPerSecond: number;
  /** Of agents asking how many they are. */
  readonly apiCallsPerSecond: number;
  /** Images that were rehearsed at least once, of all. */
  readonly seen: number;
}

interface Held {
  readonly registry: SimulatedRegistry;
  readonly ids: string[];
  readonly lastMs: number[];
  /** Its last rehearsal found nobody. */
  readonly shut: boolean[];
  waitsMs: number;
}

interface Agent {
  readonly name: string;
  readonly phase: number;
  pacer: Pacer;
  readonly held: readonly Held[];
  nextRegularMs: number;
  /** When it wakes next; what the queue says besides is of the past. */
  wakesMs: number;
}

export function simulate(story: Story): Told {
  const began = Date.parse('2026-03-04T12:00:00Z');
  const tally = new Tally(began, story);
  const rule = { agents: story.believed ?? story.nodes, budgets: {} };
  const agents = Array.from({ length: story.nodes }, (_, i): Agent =>
    agentOf(`node-${i}.eu-1.example`, { story, rule, began }),
  );
  const queue = new Queue();
  // Nodes that come up together put off their first pass, the more of them the longer (rounds.ts).
  const wake = (agent: Agent, index: number, atMs: number): void => {
    agent.wakesMs = atMs;
    queue.push(atMs, index);
  };
  agents.forEach((agent, i) => wake(agent, i, began + firstDelayMs(story.nodes, cadenceMs) * agent.phase));
  const waves = story.rollOutMs === undefined ? [] : Array.from({ length: 10 }, (_, i) => i);
  const restarts = waves.map((wave) => ({ wave, atMs: began + (story.rollOutMs ?? 0) + wave * minuteMs }));
  let grown = false;
  for (let next = queue.pop(); next !== undefined && next.atMs < began + story.forMs; next = queue.pop()) {
    for (const { wave } of restarts.splice(0, restarts.filter(({ atMs }) => atMs <= next.atMs).length)) {
      for (const [i, agent] of agents.entries()) {
        if (i % 10 !== wave) continue;
        restart(agent, rule);
        wake(agent, i, next.atMs + firstDelayMs(story.nodes, cadenceMs) * agent.phase);
      }
    }
    if (!grown && next.atMs >= began + (story.newImagesMs ?? Number.POSITIVE_INFINITY)) {
      grown = true;
      for (const [i, agent] of agents.entries()) {
        grow(agent);
        // Controllers create Pods one after another: the first agents hear of it at once, the last a minute later.
        wake(agent, i, Math.max(next.atMs, Math.min(agent.wakesMs, next.atMs + minuteMs * agent.phase)));
      }
    }
    const agent = agents[next.index];
    if (agent === undefined || agent.wakesMs !== next.atMs) continue;
    const [from, to] = story.outage ?? [0, 0];
    const isOut = next.atMs - began >= from && next.atMs - began < to;
    wake(agent, next.index, pass(agent, { nowMs: next.atMs, isOut, tally }));
  }
  return tally.read(agents);
}

function agentOf(name: string, at: { readonly story: Story; readonly rule: Rule; readonly began: number }): Agent {
  const { story, rule, began } = at;
  const held = story.registries.map((registry): Held => {
    const ids = Array.from({ length: registry.images }, (_, i) => `${registry.lane}/${i}`);
    return { registry, ids, lastMs: ids.map(() => -Infinity), shut: ids.map(() => false), waitsMs: -Infinity };
  });
  const pacer = new Pacer(name, rule);
  return { name, phase: phaseOf(name), pacer, held, nextRegularMs: began, wakesMs: began };
}

/** A process that knows nothing begins anew, with a pass at once. */
function restart(agent: Agent, rule: Rule): void {
  agent.pacer = new Pacer(agent.name, rule);
  agent.nextRegularMs = 0;
  for (const held of agent.held) {
    held.lastMs.fill(-Infinity);
    held.shut.fill(false);
    held.waitsMs = -Infinity;
  }
}

function grow(agent: Agent): void {
  for (const { registry, ids, lastMs, shut } of agent.held) {
    ids.push(`${registry.lane}/new`);
    lastMs.push(-Infinity);
    shut.push(false);
  }
}

/** Returns when this agent wakes next. */
function pass(agent: Agent, at: { readonly nowMs: number; readonly isOut: boolean; readonly tally: Tally }): number {
  const { nowMs, isOut, tally } = at;
  const isRegular = nowMs >= agent.nextRegularMs;
  if (isRegular) {
    const stroke = Math.floor(nowMs / cadenceMs) * cadenceMs + agent.phase * cadenceMs;
    agent.nextRegularMs = stroke > nowMs ? stroke : stroke + cadenceMs;
  }
  let wakesMs = agent.nextRegularMs;
  for (const held of agent.held) {
    const isNew = held.lastMs.includes(-Infinity);
    if (!isRegular && held.waitsMs > nowMs && !isNew) {
      wakesMs = Math.min(wakesMs, held.waitsMs);
      continue;
    }
    if (isRegular) tally.handshake(nowMs);
    held.waitsMs = laneTurn(agent, held, { nowMs, isOut, tally, isRegular });
    wakesMs = Math.min(wakesMs, Math.max(held.waitsMs, nowMs + 1_000));
  }
  return Math.max(wakesMs, nowMs + 1);
}

/** Those that are due, the oldest first; returns when the next of them may go. */
function laneTurn(
  agent: Agent,
  held: Held,
  at: { readonly nowMs: number; readonly isOut: boolean; readonly tally: Tally; readonly isRegular: boolean },
): number {
  const { nowMs, isOut, tally } = at;
  const { lane, cost } = held.registry;
  const due = held.ids
    .map((id, i) => ({ id, i, lastMs: held.lastMs[i] ?? -Infinity, shut: held.shut[i] ?? false }))
    .filter(({ lastMs, shut }) => shut || nowMs - lastMs >= cadenceMs - 1_000)
    .toSorted((a, b) => a.lastMs - b.lastMs);
  for (const { id, i } of due) {
    if (isOut) {
      held.shut[i] = true;
      continue;
    }
    const asking = { id, lanes: [lane] };
    if (!agent.pacer.admits(asking, nowMs)) return agent.pacer.nextMs(asking, nowMs);
    for (let k = 0; k < cost; k += 1) tally.request(lane, nowMs + k * betweenMs);
    tally.handshake(nowMs);
    agent.pacer.settle(id, new Map([[lane, cost]]), nowMs);
    held.lastMs[i] = nowMs;
    held.shut[i] = false;
  }
  return Number.POSITIVE_INFINITY;
}

class Tally {
  readonly #began: number;
  readonly #story: Story;
  readonly #slices = new Map<string, Uint32Array>();
  readonly #seconds: Uint32Array;
  #requests = 0;

  constructor(began: number, story: Story) {
    this.#began = began;
    this.#story = story;
    this.#seconds = new Uint32Array(story.forMs / 1000 + 10);
    for (const { lane } of story.registries) this.#slices.set(lane, new Uint32Array(story.forMs / sliceMs + 100));
  }

  request(lane: string, atMs: number): void {
    const slices = this.#slices.get(lane);
    const slot = Math.floor((atMs - this.#began) / sliceMs);
    if (slices !== undefined) slices[slot] = (slices[slot] ?? 0) + 1;
    this.#requests += 1;
  }

  handshake(atMs: number): void {
    const second = Math.floor((atMs - this.#began) / 1000);
    this.#seconds[second] = (this.#seconds[second] ?? 0) + 1;
  }

  read(agents: readonly Agent[]): Told {
    const peaks = this.#story.registries.map(({ lane }) => ({
      lane,
      perMinute: peakOf(this.#slices.get(lane) ?? new Uint32Array(0)),
      budget: perMinuteOf(lane, { own: {}, isPrivate: isPrivateName(lane) }),
    }));
    const all = agents.flatMap(({ held }) => held.flatMap(({ lastMs }) => lastMs));
    return {
      peaks,
      requests: this.#requests,
      handshakesPerSecond: this.#seconds.reduce((most, one) => Math.max(most, one), 0),
      apiCallsPerSecond: agents.length / (fleetPauseMs(agents.length, 0) / 1000),
      seen: all.filter((ms) => ms > -Infinity).length / all.length,
    };
  }
}

/** The most in any sixty seconds that begin with a slice. */
function peakOf(slices: Uint32Array): number {
  const width = minuteMs / sliceMs;
  let sum = 0;
  let most = 0;
  for (const [i, count] of slices.entries()) {
    sum += count - (slices[i - width] ?? 0);
    most = Math.max(most, sum);
  }
  return most;
}

/** Who wakes next. */
class Queue {
  readonly #heap: { readonly atMs: number; readonly index: number }[] = [];

  push(atMs: number, index: number): void {
    const heap = this.#heap;
    heap.push({ atMs, index });
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfEarlier(i, parent)) return;
      i = parent;
    }
  }

  pop(): { readonly atMs: number; readonly index: number } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    heap[0] = last;
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      const child = (heap[left + 1]?.atMs ?? Infinity) < (heap[left]?.atMs ?? Infinity) ? left + 1 : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, i)) return first;
      i = child;
    }
  }

  #swapIfEarlier(child: number, parent: number): boolean {
    const [one, other] = [this.#heap[child], this.#heap[parent]];
    if (one === undefined || other === undefined || one.atMs >= other.atMs) return false;
    this.#heap[child] = other;
    this.#heap[parent] = one;
    return true;
  }
}
