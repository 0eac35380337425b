/**
 * A smaller fleet on virtual time in which every agent has the real book, the real choice of who goes, and the real back-off from
 * hosts that said "too many": re-tries, knocks and cadences are the agent's own. Its rounds are those of rounds.ts without timers;
 * its wire is a table of what each registry answers when.
 */
import { perMinuteOf } from '#budget/budgets.ts';
import type { Fault, FaultOf } from '#report/fault.ts';
import type { ConnectivityProbe } from '#budget/connectivity-probe.ts';
import { isPrivateName, budgetKeyOf } from '#budget/key.ts';
import { demandId } from '#report/ledger.ts';
import { defaultPace } from '#budget/pace.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { phaseOf } from '#budget/phase.ts';
import { reserve } from '#budget/reservations.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { AgentState } from '#agent/state.ts';
import type { ProbeResults, Known } from '#budget/choose.ts';
import { jitterMs, parseConfig, type Config } from '#config/config.ts';
import { Pacing } from '#agent/pacing.ts';
import type { ReservationDesk } from '#agent/shared-reservations.ts';
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

export interface BookStory {
  readonly nodes: number;
  readonly registries: readonly SimulatedRegistry[];
  readonly forMs: number;
  readonly episodes?: readonly Episode[];
  /** Turns are booked with the fleet. */
  readonly together?: boolean;
}

export interface BooksTold {
  readonly peaks: readonly { readonly budgetKey: string; readonly perMinute: number; readonly budget: number }[];
  readonly requests: number;
  readonly probes: number;
  /** Rehearsals out of turn. */
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

/** What the fleet shares: the clock, the registries, and the tally of what they were asked. */
class DialDependencies {
  nowMs = began;
  requests = 0;
  probes = 0;
  early = 0;
  readonly story: BookStory;
  readonly #slices = new Map<string, Uint32Array>();
  readonly #leases = new Map<string, string>();

  constructor(story: BookStory) {
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

  /** As cluster/turns.ts does. */
  readonly state: ReservationDesk['state'] = (budgetKey, ask) => {
    const booking = reserve(this.#leases.get(budgetKey), { ...ask, nowMs: this.nowMs });
    if (booking.is === 'full') return Promise.resolve(undefined);
    this.#leases.set(budgetKey, booking.text);
    return Promise.resolve(booking.atMs - this.nowMs);
  };

  peaks(): BooksTold['peaks'] {
    return [...this.#slices].map(([budgetKey, slices]) => ({
      budgetKey,
      perMinute: peakOf(slices),
      budget: perMinuteOf(budgetKey, { own: {}, isPrivate: isPrivateName(budgetKey) }),
    }));
  }
}

class Node {
  readonly state: AgentState;
  readonly #dialing: DialDependencies;
  readonly #pacing: Pacing;
  readonly #config: Config;
  readonly #limits = new Limits();
  readonly #phase: number;
  readonly #registries = new Map<string, SimulatedRegistry>();
  #regularMs: number;
  #timerMs = Number.POSITIVE_INFINITY;

  constructor(name: string, dialing: DialDependencies, config: Config) {
    this.#dialing = dialing;
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
    const reservations =
      dialing.story.together === true ? { reservations: { isOpen: () => true, state: dialing.state } } : {};
    const agent = { clock: { now: () => dialing.nowMs, random: () => this.#dice() }, ...reservations };
    this.#pacing = new Pacing({ node: name, state: this.state, config: () => config, agent });
    for (const registry of dialing.story.registries) {
      for (let i = 0; i < registry.images; i += 1) this.#registries.set(`${registry.budgetKey}/app-${i}:1`, registry);
    }
    this.state.ask([...this.#registries].map(([written, { budgetKey }]) => demandOf(written, budgetKey)));
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
    const { nowMs } = this.#dialing;
    const kind = nowMs >= this.#regularMs ? 'regular' : 'early';
    if (kind === 'regular') this.#regularMs = this.#nextStroke(nowMs);
    const { now, again } = await this.#pacing.choose(kind, (known) => Promise.resolve(this.#knock(known)));
    for (const report of again) this.#note(report);
    for (const demand of now) {
      if (kind === 'early') this.#dialing.early += 1;
      const shown = this.#pacing.entered(this.#rehearse(demand));
      if (shown !== undefined) this.#note(shown);
    }
    if (kind === 'regular') this.state.passed({ endedMs: nowMs, ms: 0, images: now.length });
    const due = this.#pacing.nextDueMs();
    this.#timerMs = due === undefined ? Number.POSITIVE_INFINITY : Math.max(due, nowMs + 1_000);
  }

  #nextStroke(nowMs: number): number {
    const { cadenceMs } = this.#config.schedule;
    const delayMs = jitterMs(this.#config) * this.#phase;
    return (Math.floor((nowMs - delayMs) / cadenceMs) + 1) * cadenceMs + delayMs;
  }

  #note(report: PullReport): void {
    const pace = { ...defaultPace, cadenceMs: this.#config.schedule.cadenceMs };
    this.state.enter(report, { pace, dice: this.#dice() });
  }

  #knock(known: readonly Known[]): ProbeResults {
    const seen = new Set<string>();
    const heard = known.map(({ demand }) => {
      const id = demandId(demand);
      const probes = this.#routes(id).map(({ host, budgetKey }): ConnectivityProbe => {
        seen.add(host);
        const is = this.#dialing.fateOf(host) === 'shut' ? 'tcp.refused' : 'opened';
        return { origin: `https://${host}`, budgetKey, resolves: true, is, isPrivate: isPrivateName(host) };
      });
      return [id, probes] as const;
    });
    this.#dialing.probes += seen.size;
    return new Map(heard);
  }

  #routes(id: string): readonly { readonly host: string; readonly budgetKey: string }[] {
    const registry = this.#registries.get(id);
    if (registry === undefined) return [];
    const { budgetKey, mirror } = registry;
    const origin = { host: budgetKey, budgetKey: budgetKeyOf(budgetKey, { role: 'origin', authority: budgetKey }) };
    return mirror === undefined ? [origin] : [{ host: mirror, budgetKey: mirror }, origin];
  }

  /** Host by host as the stage does: a gate, a host that asked to be left alone, a door, an answer. */
  #rehearse(demand: Demand): PullReport {
    const id = demandId(demand);
    const { budgetKey: registry, cost, ...rest } = this.#registries.get(id) ?? { budgetKey: '', cost: 0 };
    const { nowMs } = this.#dialing;
    const asked: AskedReport['asked'][number][] = [];
    let fault: Fault | undefined;
    for (const { host, budgetKey } of this.#routes(id)) {
      const fate = this.#dialing.fateOf(host);
      if (fate !== 'shut' && !this.#pacing.enters(id, budgetKey)) {
        fault = { code: 'agent.over_budget', registry: budgetKey };
        break;
      }
      fault = this.#limits.at(host, nowMs);
      if (fault !== undefined) continue;
      const requests = costOf[fate] ?? cost;
      this.#dialing.ask(budgetKey, requests);
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

export async function simulateBooks(story: BookStory): Promise<BooksTold> {
  const parsed = parseConfig(`schedule: 5m\nfleetSize: ${story.nodes}`, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const dialing = new DialDependencies(story);
  const nodes = Array.from(
    { length: story.nodes },
    (_, i) => new Node(`node-${i}.eu-1.example`, dialing, parsed.config),
  );
  const queue = new Queue();
  for (const [i, node] of nodes.entries()) queue.push(node.wakesMs, i);
  for (let next = queue.pop(); next !== undefined && next.atMs < began + story.forMs; next = queue.pop()) {
    const node = nodes[next.index];
    dialing.nowMs = next.atMs;
    await node?.pass();
    queue.push(Math.max(node?.wakesMs ?? 0, next.atMs + 1), next.index);
  }
  const { requests, probes, early } = dialing;
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
  return { peaks: dialing.peaks(), requests, probes, early, verdicts, seenAt };
}
