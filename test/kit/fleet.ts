/**
 * A fleet on virtual time: every agent has the real Pacer, its own phase and its passes, and all of them stand behind one address.
 * No wire: what is counted is when they would ask whom.
 */
import { perMinuteOf } from '#budget/budgets.ts';
import { firstDelayMs } from '#budget/cadence.ts';
import { isPrivateName } from '#budget/key.ts';
import { phaseOf } from '#budget/phase.ts';
import * as reservations from '#budget/reservations.ts';
import { fleetPauseMs } from '#kubernetes/fleet-size.ts';
import { readinessAt } from '#budget/choose.ts';
import { FallThrough } from '#budget/fall-through.ts';
import { Pacer, type Rule } from '#budget/pacer.ts';

export const minuteMs = 60_000;
const cadenceMs = 5 * minuteMs;
/** Requests of one rehearsal follow each other so closely. */
const betweenMs = 100;
export const sliceMs = 5_000;

export interface SimulatedRegistry {
  readonly budgetKey: string;
  /** Images of it on each node. */
  readonly images: number;
  /** Requests for one of them. */
  readonly cost: number;
  /** A host of one's own that is asked first. */
  readonly mirror?: string;
}

/** What a node of an ordinary cluster runs. Costs as measured: challenge, token, HEAD, and where nothing is metered manifest and blobs. */
export const ordinary: readonly SimulatedRegistry[] = [
  { budgetKey: 'docker.io', images: 8, cost: 3 },
  { budgetKey: 'quay.io', images: 3, cost: 8 },
  { budgetKey: 'registry.k8s.io', images: 3, cost: 6 },
  { budgetKey: 'ghcr.io', images: 2, cost: 7 },
  { budgetKey: 'public.ecr.aws', images: 1, cost: 5 },
  { budgetKey: 'harbor.corp.internal', images: 5, cost: 6 },
];

/** All of them behind one mirror of the cluster's own. */
export const mirrored: readonly SimulatedRegistry[] = ordinary.map((registry) =>
  isPrivateName(registry.budgetKey) ? registry : { ...registry, mirror: 'mirror.corp.internal' },
);

/** What a mirror is asked before it is given up: once for each credential, and a token. */
const failedCost = 2;

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
  /** Mirrors answer 404 or 500 from, to. */
  readonly mirrorsFail?: readonly [fromMs: number, toMs: number];
  /** As it would be without the gate in front of a lane that was not foreseen. */
  readonly ungated?: boolean;
  /** Turns are booked with the fleet. */
  readonly together?: boolean;
  /** The agents' clocks are wrong by up to so much, either way. */
  readonly skewMs?: number;
  /** Every node wants one new image of each registry. */
  readonly newImagesMs?: number;
}

export interface Told {
  /** The most requests in any sixty seconds, by registry, against its budget. */
  readonly peaks: readonly { readonly budgetKey: string; readonly perMinute: number; readonly budget: number }[];
  readonly requests: number;
  /** Connections that were opened in the worst second, all registries together. */
  readonly handshakesPerSecond: number;
  /** Of agents asking how many they are. */
  readonly apiCallsPerSecond: number;
  /** Of agents that book turns: on average, and in the worst minute. */
  readonly turnCalls: { readonly perSecond: number; readonly worstPerSecond: number };
  /** The same as `seen`, by registry. */
  readonly seenAt: Readonly<Record<string, number>>;
  /** Images that were rehearsed at least once, of all. */
  readonly seen: number;
  /** Images of which nobody can say whether they pull, because a mirror failed and the turn of what is behind has not come. */
  readonly open: number;
}

interface Held {
  readonly registry: SimulatedRegistry;
  readonly ids: string[];
  readonly lastMs: number[];
  /** Who was asked for it last, in that order. */
  readonly budgetKeys: (readonly string[])[];
  /** What is behind its mirror has answered before. */
  readonly answered: boolean[];
  readonly open: boolean[];
  /** Its last rehearsal found nobody. */
  readonly shut: boolean[];
  waitsMs: number;
}

interface Agent {
  readonly name: string;
  readonly phase: number;
  pacer: Pacer;
  fallThrough: FallThrough;
  readonly held: readonly Held[];
  nextRegularMs: number;
  /** Its clock is ahead by so much. */
  readonly aheadMs: number;
  /** When it wakes next; what the queue says besides is of the past. */
  wakesMs: number;
}

export function simulate(story: Story): Told {
  const began = Date.parse('2026-03-04T12:00:00Z');
  const tally = new Tally(began, story);
  const rule = { agents: story.believed ?? story.nodes, budgets: {}, together: story.together === true };
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
    const during = ([from, to]: readonly [number, number]): boolean =>
      next.atMs - began >= from && next.atMs - began < to;
    const isOut = during(story.outage ?? [0, 0]);
    const mirrorsFail = during(story.mirrorsFail ?? [0, 0]);
    const isGated = story.ungated !== true;
    wake(agent, next.index, pass(agent, { nowMs: next.atMs, isOut, mirrorsFail, isGated, tally }));
  }
  return tally.read(agents);
}

function agentOf(name: string, at: { readonly story: Story; readonly rule: Rule; readonly began: number }): Agent {
  const { story, rule, began } = at;
  const held = story.registries.map((registry): Held => {
    const ids = Array.from({ length: registry.images }, (_, i) => `${registry.budgetKey}/${i}`);
    const no = (): boolean[] => ids.map(() => false);
    const budgetKeys = ids.map(() => [firstOf(registry)]);
    const lastMs = ids.map(() => -Infinity);
    return { registry, ids, lastMs, budgetKeys, answered: no(), open: no(), shut: no(), waitsMs: -Infinity };
  });
  const pacer = new Pacer(name, rule);
  const fallThrough = new FallThrough();
  const aheadMs = (story.skewMs ?? 0) * (2 * phaseOf(`clock of ${name}`) - 1);
  return { name, phase: phaseOf(name), pacer, fallThrough, held, nextRegularMs: began, wakesMs: began, aheadMs };
}

/** A process that knows nothing begins anew, with a pass at once. */
function restart(agent: Agent, rule: Rule): void {
  agent.pacer = new Pacer(agent.name, rule);
  agent.fallThrough = new FallThrough();
  agent.nextRegularMs = 0;
  for (const held of agent.held) {
    held.lastMs.fill(-Infinity);
    for (const each of [held.shut, held.answered, held.open]) each.fill(false);
    held.budgetKeys.fill([firstOf(held.registry)]);
    held.waitsMs = -Infinity;
  }
}

function grow(agent: Agent): void {
  for (const { registry, ids, lastMs, budgetKeys, answered, open, shut } of agent.held) {
    ids.push(`${registry.budgetKey}/new`);
    lastMs.push(-Infinity);
    budgetKeys.push([firstOf(registry)]);
    for (const each of [answered, open, shut]) each.push(false);
  }
}

interface Passing {
  readonly nowMs: number;
  readonly isOut: boolean;
  readonly mirrorsFail: boolean;
  readonly isGated: boolean;
  readonly tally: Tally;
}

/** Returns when this agent wakes next. */
function pass(agent: Agent, at: Passing): number {
  const { nowMs, tally } = at;
  const isRegular = nowMs >= agent.nextRegularMs;
  if (isRegular) {
    const stroke = Math.floor(nowMs / cadenceMs) * cadenceMs + agent.phase * cadenceMs;
    agent.nextRegularMs = stroke > nowMs ? stroke : stroke + cadenceMs;
  }
  let wakesMs = agent.nextRegularMs;
  for (const held of inOrder(agent.held)) {
    const isNew = held.lastMs.includes(-Infinity);
    if (!isRegular && held.waitsMs > nowMs && !isNew) {
      wakesMs = Math.min(wakesMs, held.waitsMs);
      continue;
    }
    if (isRegular) tally.handshake(nowMs);
    held.waitsMs = laneTurn(agent, held, at);
    wakesMs = Math.min(wakesMs, Math.max(held.waitsMs, nowMs + 1_000));
  }
  return Math.max(wakesMs, nowMs + 1);
}

/** Those that are due, the oldest first; returns when the next of them may go. */
function laneTurn(agent: Agent, held: Held, at: Passing): number {
  const { nowMs, isOut } = at;
  const { pacer, fallThrough } = agent;
  const due = held.ids
    .map((id, i) => ({ id, i, lastMs: held.lastMs[i] ?? -Infinity, shut: held.shut[i] ?? false }))
    .filter(({ lastMs, shut }) => shut || nowMs - lastMs >= cadenceMs - 1_000)
    .toSorted((a, b) => a.lastMs - b.lastMs);
  let waitsMs = Number.POSITIVE_INFINITY;
  for (const { id, i } of due) {
    if (isOut) {
      held.shut[i] = true;
      continue;
    }
    const ownMs = nowMs + agent.aheadMs;
    const budgetKeys = [...new Set([...(held.budgetKeys[i] ?? []), ...fallThrough.budgetKeys(id)])];
    reserve(agent, pacer.strictest(budgetKeys), at);
    const reservation = readinessAt({ id, budgetKeys }, { pacer, fallThrough, nowMs: ownMs });
    if (reservation.is === 'now') {
      rehearse(agent, { held, i, id }, at);
      continue;
    }
    waitsMs = Math.min(waitsMs, reservation.fromMs - agent.aheadMs);
    // All others of its kind have the same turn.
    if (held.registry.mirror === undefined) return waitsMs;
  }
  return waitsMs;
}

/** As cluster/turns.ts does: a Lease, and the API server's clock. */
function reserve(agent: Agent, budgetKey: string | undefined, { nowMs, tally }: Passing): void {
  const ownMs = nowMs + agent.aheadMs;
  const ask = budgetKey === undefined ? undefined : agent.pacer.reservationDue(budgetKey, ownMs);
  if (budgetKey === undefined || ask === undefined) return;
  const booking = reservations.reserve(tally.leases.get(budgetKey), { ...ask, nowMs });
  tally.call(nowMs, booking.is === 'booked' ? 2 : 1);
  agent.pacer.booked(budgetKey, ownMs, booking.is === 'booked' ? ownMs + booking.atMs - nowMs : undefined);
  if (booking.is === 'booked') tally.leases.set(budgetKey, booking.text);
}

function rehearse(
  agent: Agent,
  { held, i, id }: { readonly held: Held; readonly i: number; readonly id: string },
  { nowMs, mirrorsFail, isGated, tally }: Passing,
): void {
  const { budgetKey, cost, mirror } = held.registry;
  const costs = new Map<string, number>();
  const ownMs = nowMs + agent.aheadMs;
  let heldBack: string | undefined;
  const ask = (at: string, requests: number): void => {
    if (isGated && !agent.pacer.enters(id, at, ownMs)) {
      heldBack ??= at;
      return;
    }
    for (let k = 0; k < requests; k += 1) tally.request(at, nowMs + (k + costs.size) * betweenMs);
    costs.set(at, requests);
    tally.handshake(nowMs);
  };
  if (mirror !== undefined) ask(mirror, mirrorsFail ? failedCost : cost);
  if (heldBack === undefined && (mirror === undefined || mirrorsFail)) ask(budgetKey, cost);
  agent.pacer.settle(id, costs, ownMs);
  agent.fallThrough.note(id, heldBack, { nowMs: ownMs, cadenceMs });
  held.shut[i] = false;
  if (costs.size > 0) held.budgetKeys[i] = [...costs.keys()];
  if (costs.has(budgetKey)) held.answered[i] = true;
  held.open[i] = heldBack !== undefined && !(held.answered[i] ?? false);
  // As in the book: what stood before stands with its age.
  if (heldBack === undefined || held.open[i]) held.lastMs[i] = nowMs;
}

class Tally {
  readonly #began: number;
  readonly #slices = new Map<string, Uint32Array>();
  readonly #seconds: Uint32Array;
  #requests = 0;
  /** By lane. */
  readonly leases = new Map<string, string>();
  readonly #calls: Uint32Array;

  constructor(began: number, story: Story) {
    this.#began = began;
    this.#seconds = new Uint32Array(story.forMs / 1000 + 10);
    this.#calls = new Uint32Array(story.forMs / sliceMs + 100);
    const budgetKeys = story.registries.flatMap(({ budgetKey, mirror }) =>
      mirror === undefined ? [budgetKey] : [budgetKey, mirror],
    );
    for (const budgetKey of budgetKeys) this.#slices.set(budgetKey, new Uint32Array(story.forMs / sliceMs + 100));
  }

  request(budgetKey: string, atMs: number): void {
    const slices = this.#slices.get(budgetKey);
    const slot = Math.floor((atMs - this.#began) / sliceMs);
    if (slices !== undefined) slices[slot] = (slices[slot] ?? 0) + 1;
    this.#requests += 1;
  }

  /** Of the API server. */
  call(atMs: number, calls: number): void {
    const slot = Math.floor((atMs - this.#began) / sliceMs);
    this.#calls[slot] = (this.#calls[slot] ?? 0) + calls;
  }

  handshake(atMs: number): void {
    const second = Math.floor((atMs - this.#began) / 1000);
    this.#seconds[second] = (this.#seconds[second] ?? 0) + 1;
  }

  read(agents: readonly Agent[]): Told {
    const peaks = [...this.#slices].map(([budgetKey, slices]) => ({
      budgetKey,
      perMinute: peakOf(slices),
      budget: perMinuteOf(budgetKey, { own: {}, isPrivate: isPrivateName(budgetKey) }),
    }));
    const all = agents.flatMap(({ held }) => held.flatMap(({ lastMs }) => lastMs));
    const open = agents.flatMap(({ held }) => held.flatMap((each) => each.open));
    return {
      peaks,
      requests: this.#requests,
      handshakesPerSecond: this.#seconds.reduce((most, one) => Math.max(most, one), 0),
      turnCalls: {
        perSecond: this.#calls.reduce((sum, one) => sum + one, 0) / this.#seconds.length,
        worstPerSecond: peakOf(this.#calls) / 60,
      },
      seenAt: seenAt(agents),
      apiCallsPerSecond: agents.length / (fleetPauseMs(agents.length, 0) / 1000),
      seen: all.filter((ms) => ms > -Infinity).length / all.length,
      open: open.filter(Boolean).length / open.length,
    };
  }
}

/** The most in any sixty seconds that begin with a slice. */
export function peakOf(slices: Uint32Array): number {
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
export class Queue {
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

/** Who is asked first, as a knock would show. */
function firstOf({ budgetKey, mirror }: SimulatedRegistry): string {
  return mirror ?? budgetKey;
}

/** Behind one mirror the longest unseen goes first, whatever its registry; lanes of their own take nothing from each other. */
function inOrder(all: readonly Held[]): readonly Held[] {
  if (all.every(({ registry }) => registry.mirror === undefined)) return all;
  const oldest = new Map(all.map((held) => [held, Math.min(...held.lastMs)]));
  return all.toSorted((a, b) => (oldest.get(a) ?? 0) - (oldest.get(b) ?? 0));
}

function seenAt(agents: readonly Agent[]): Readonly<Record<string, number>> {
  const all = Map.groupBy(
    agents.flatMap(({ held }) => held),
    ({ registry }) => registry.budgetKey,
  );
  const share = (held: readonly Held[]): number => {
    const times = held.flatMap(({ lastMs }) => lastMs);
    return times.filter((ms) => ms > -Infinity).length / times.length;
  };
  return Object.fromEntries([...all].map(([budgetKey, held]) => [budgetKey, share(held)]));
}
