/**
 * A fleet on virtual time in which every agent has its real state, its real choice of images and its real back-off after a 429:
 * retries, connectivity probes and cadences are the agent's own. Its passes are those of agent/passes.ts without timers; a table
 * decides what each registry answers when.
 */
import { perMinuteOf } from '#budget/budgets.ts';
import type { Fault, FaultOf } from '#report/fault.ts';
import type { ConnectivityProbe } from '#budget/connectivity-probe.ts';
import { isPrivateName, budgetKeyOf } from '#budget/key.ts';
import { demandId } from '#report/ledger.ts';
import { defaultPace } from '#budget/pace.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { phaseOf } from '#budget/hash.ts';
import { reserve } from '#budget/reservations.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#kubelet/demand.ts';
import { AgentState } from '#agent/state.ts';
import type { ProbeResults, KnownDemand } from '#budget/connectivity-probe.ts';
import { jitterMs, parseConfig, type Config } from '#config/config.ts';
import { Pacing } from '#agent/pacing.ts';
import type { Reservations } from '#agent/collaborators.ts';
import { Limits } from '#runtime/attempt/limits.ts';
import { askedReport, shutFault, type AskedReport } from './asked-report.ts';
import { minuteMs, peakOf, Queue, sliceMs, type SimulatedRegistry } from './fleet.ts';

export type Fate = 'well' | 'shut' | 'broken' | 'limiting' | 'gone';

export interface Episode {
  /** A registry or a mirror. */
  readonly host: string;
  readonly is: Exclude<Fate, 'well'>;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface FleetScenario {
  readonly nodes: number;
  readonly registries: readonly SimulatedRegistry[];
  readonly forMs: number;
  readonly episodes?: readonly Episode[];
  /** Agents share reservations. */
  readonly together?: boolean;
}

export interface FleetResult {
  readonly peaks: readonly { readonly budgetKey: string; readonly perMinute: number; readonly budget: number }[];
  readonly requests: number;
  readonly probes: number;
  /** Early rehearsals. */
  readonly early: number;
  /** Of all images of the fleet at the end, how many have which verdict: `pulls`, `fails api.unavailable`, `none`. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Images of each registry that have a verdict at the end, of all. */
  readonly seenAt: Readonly<Record<string, number>>;
}

const began = Date.parse('2026-03-04T12:00:00Z');
const betweenMs = 100;
const costOf: Readonly<Record<Fate, number | undefined>> = {
  well: undefined,
  shut: 0,
  broken: 2,
  limiting: 2,
  gone: 3,
};

/** What the fleet shares: the clock, the registries, and the count of requests to them. */
class World {
  nowMs = began;
  requests = 0;
  probes = 0;
  early = 0;
  readonly story: FleetScenario;
  readonly #slices = new Map<string, Uint32Array>();
  readonly #leases = new Map<string, string>();

  constructor(story: FleetScenario) {
    this.story = story;
  }

  fateOf(host: string): Fate {
    const atMs = this.nowMs - began;
    return this.story.episodes?.find((one) => one.host === host && one.fromMs <= atMs && atMs < one.toMs)?.is ?? 'well';
  }

  ask(budgetKey: string, requests: number): void {
    const slices = this.#slices.get(budgetKey) ?? new Uint32Array(this.story.forMs / sliceMs + 100);
    this.#slices.set(budgetKey, slices);
    for (let k = 0; k < requests; k += 1) {
      const slot = Math.floor((this.nowMs - began + k * betweenMs) / sliceMs);
      slices[slot] = (slices[slot] ?? 0) + 1;
    }
    this.requests += requests;
  }

  /** As kubernetes/lease-reservations.ts does. */
  readonly reserve: Reservations['reserve'] = (budgetKey, ask) => {
    const booking = reserve(this.#leases.get(budgetKey), { ...ask, nowMs: this.nowMs });
    if (booking.is === 'full') return Promise.resolve(undefined);
    this.#leases.set(budgetKey, booking.text);
    return Promise.resolve(booking.atMs - this.nowMs);
  };

  peaks(): FleetResult['peaks'] {
    return [...this.#slices].map(([budgetKey, slices]) => ({
      budgetKey,
      perMinute: peakOf(slices),
      budget: perMinuteOf(budgetKey, { own: {}, isPrivate: isPrivateName(budgetKey) }),
    }));
  }
}

class Node {
  readonly state: AgentState;
  readonly #world: World;
  readonly #pacing: Pacing;
  readonly #config: Config;
  readonly #limits = new Limits();
  readonly #phase: number;
  readonly #registries = new Map<string, SimulatedRegistry>();
  #regularMs: number;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(name: string, world: World, config: Config) {
    this.#world = world;
    this.#config = config;
    this.#phase = phaseOf(name);
    const { cadenceMs } = config.schedule;
    const keep = config.historyPerImage;
    this.state = new AgentState({
      node: name,
      startedMs: began,
      cadenceMs,
      keep,
      silenceMs: minuteMs,
      history: emptyNodeHistory,
    });
    const reservations = { isOpen: () => true, reserve: world.reserve };
    this.#pacing = new Pacing(config, {
      node: name,
      state: this.state,
      clock: { now: () => world.nowMs, random: () => this.#dice() },
      spent: () => [],
      ...(world.story.together === true ? { fleet: { size: () => undefined, reservations } } : {}),
    });
    for (const registry of world.story.registries) {
      for (let i = 0; i < registry.images; i += 1) this.#registries.set(`${registry.budgetKey}/app-${i}:1`, registry);
    }
    this.state.setDemands([...this.#registries].map(([written, { budgetKey }]) => demandOf(written, budgetKey)));
    this.#regularMs = began + this.#pacing.firstDelayMs();
  }

  #dices = 0;
  /** The same in every run. */
  #dice(): number {
    this.#dices += 1;
    return phaseOf(`${this.#phase} ${this.#dices}`);
  }

  get wakesMs(): number {
    return Math.min(this.#regularMs, this.#timerMs);
  }

  async pass(): Promise<void> {
    const { nowMs } = this.#world;
    const kind = nowMs >= this.#regularMs ? 'regular' : 'early';
    if (kind === 'regular') this.#regularMs = this.#nextBeginMs(nowMs);
    const { now, again } = await this.#pacing.choose(kind, (known) => Promise.resolve(this.#probe(known)));
    for (const report of again) this.#note(report);
    for (const demand of now) {
      if (kind === 'early') this.#world.early += 1;
      const shown = this.#pacing.entered(this.#rehearse(demand));
      if (shown !== undefined) this.#note(shown);
    }
    if (kind === 'regular') this.state.passed({ endedMs: nowMs, ms: 0, images: now.length });
    const due = this.#pacing.nextDueMs();
    this.#timerMs = due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, nowMs + 1_000);
  }

  #nextBeginMs(nowMs: number): number {
    const { cadenceMs } = this.#config.schedule;
    const delayMs = jitterMs(this.#config) * this.#phase;
    return (Math.floor((nowMs - delayMs) / cadenceMs) + 1) * cadenceMs + delayMs;
  }

  #note(report: PullReport): void {
    const pace = { ...defaultPace, cadenceMs: this.#config.schedule.cadenceMs };
    this.state.enter(report, { pace, dice: this.#dice() });
  }

  #probe(known: readonly KnownDemand[]): ProbeResults {
    const seen = new Set<string>();
    const heard = known.map(({ demand }) => {
      const id = demandId(demand);
      const probes = this.#routes(id).map(({ host, budgetKey }): ConnectivityProbe => {
        seen.add(host);
        const is = this.#world.fateOf(host) === 'shut' ? 'tcp.refused' : 'opened';
        return { origin: `https://${host}`, budgetKey, resolves: true, is, isPrivate: isPrivateName(host) };
      });
      return [id, probes] as const;
    });
    this.#world.probes += seen.size;
    return new Map(heard);
  }

  #routes(id: string): readonly { readonly host: string; readonly budgetKey: string }[] {
    const registry = this.#registries.get(id);
    if (registry === undefined) return [];
    const { budgetKey, mirror } = registry;
    const origin = { host: budgetKey, budgetKey: budgetKeyOf(budgetKey, { role: 'origin', authority: budgetKey }) };
    return mirror === undefined ? [origin] : [{ host: mirror, budgetKey: mirror }, origin];
  }

  /** Host by host as a rehearsal does: the share, the back-off, the connection, the answer. */
  #rehearse(demand: Demand): PullReport {
    const id = demandId(demand);
    const { budgetKey: registry, cost, ...rest } = this.#registries.get(id) ?? { budgetKey: '', cost: 0 };
    const { nowMs } = this.#world;
    const asked: AskedReport['asked'][number][] = [];
    let fault: Fault | undefined;
    for (const { host, budgetKey } of this.#routes(id)) {
      const fate = this.#world.fateOf(host);
      if (fate !== 'shut' && !this.#pacing.enters(id, budgetKey)) {
        fault = { code: 'agent.over_budget', registry: budgetKey };
        break;
      }
      fault = this.#limits.at(host, nowMs);
      if (fault !== undefined) continue;
      const requests = costOf[fate] ?? cost;
      this.#world.ask(budgetKey, requests);
      fault = faultOf(fate, host);
      asked.push({ host, requests, status: statusOf[fate] });
      if (fault?.code === 'api.rate_limited') this.#limits.keep(host, fault, nowMs);
      else if (fate !== 'shut') this.#limits.lift(host, nowMs);
      if (fault === undefined) break;
    }
    const { mirror } = { mirror: undefined, ...rest };
    const to = { image: demand.written, registry, atMs: nowMs, asked };
    return askedReport({
      ...to,
      ...(mirror === undefined ? {} : { mirror }),
      ...(fault === undefined ? {} : { fault }),
    });
  }
}

const statusOf: Readonly<Record<Fate, number | 'shut'>> = {
  well: 200,
  shut: 'shut',
  broken: 503,
  limiting: 429,
  gone: 404,
};

function faultOf(fate: Fate, host: string): Fault | undefined {
  const limited: FaultOf<'api.rate_limited'> = {
    code: 'api.rate_limited',
    host,
    status: 429,
    limit: { scope: 'abuse' },
    message: '',
  };
  switch (fate) {
    case 'well':
      return undefined;
    case 'shut':
      return shutFault;
    case 'broken':
      return { code: 'api.unavailable', host, status: 503, message: '' };
    case 'limiting':
      return limited;
    case 'gone':
      return { code: 'manifest.unknown_tag', image: host, host, message: '' };
  }
}

function demandOf(written: string, registry: string): Demand {
  const value = { written, sent: written, registry, path: 'x', repository: written, runtime: written };
  return { image: { ok: true, value }, written, policy: 'IfNotPresent', requestedBy: [], secrets: [], present: 'no' };
}

export async function simulateAgents(story: FleetScenario): Promise<FleetResult> {
  const parsed = parseConfig(`schedule: 5m\nfleetSize: ${story.nodes}`, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const world = new World(story);
  const nodes = Array.from({ length: story.nodes }, (_, i) => new Node(`node-${i}.eu-1.example`, world, parsed.config));
  const queue = new Queue();
  for (const [i, node] of nodes.entries()) queue.push(node.wakesMs, i);
  for (let next = queue.pop(); next !== undefined && next.atMs < began + story.forMs; next = queue.pop()) {
    const node = nodes[next.index];
    world.nowMs = next.atMs;
    await node?.pass();
    queue.push(Math.max(node?.wakesMs ?? 0, next.atMs + 1), next.index);
  }
  const { requests, probes, early } = world;
  const verdicts: Record<string, number> = {};
  const seenAt: Record<string, number> = {};
  for (const { state } of nodes) {
    for (const demand of state.demands()) {
      const verdict = state.known(demand).report?.verdict;
      const name =
        verdict === undefined ? 'none' : 'fault' in verdict ? `${verdict.is} ${verdict.fault.code}` : verdict.is;
      verdicts[name] = (verdicts[name] ?? 0) + 1;
      const registry = story.registries.find(({ budgetKey }) => demand.written.startsWith(`${budgetKey}/`));
      const part = verdict === undefined || registry === undefined ? 0 : 1 / (registry.images * story.nodes);
      if (registry !== undefined) seenAt[registry.budgetKey] = (seenAt[registry.budgetKey] ?? 0) + part;
    }
  }
  return { peaks: world.peaks(), requests, probes, early, verdicts, seenAt };
}
