/** This agent's share of each registry over all passes: which images wait, and the last report on each that reached its hosts. */
import { firstDelayMs, isTagDue } from '#budget/cadence.ts';
import { isShutOut, type KnownDemand, type ProbeResults } from '#budget/connectivity-probe.ts';
import { endedBefore, FallThrough } from '#budget/fall-through.ts';
import { phaseOf } from '#budget/hash.ts';
import { budgetKeyOf, costsOf, privateBudgetKeys } from '#budget/key.ts';
import { Pacer, type Rule } from '#budget/pacer.ts';
import type { Config } from '#config/config.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { Log } from '#output/log.ts';
import { demandId, reportId } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import { withTimeout } from '#timing.ts';
import { choose, dueBudgetKeys, type Prober } from './choose.ts';
import type { Clock, Fleet } from './collaborators.ts';
import type { AgentState } from './state.ts';

/** For the metrics. */
interface PaceReading {
  readonly agents: number;
  /** The shortest time between two rehearsals of each image of a registry. */
  readonly cadences: readonly { readonly budgetKey: string; readonly cadenceMs: number }[];
}

interface PacingDependencies {
  readonly node: string;
  readonly state: AgentState;
  readonly clock: Clock;
  readonly fleet?: Fleet;
  readonly spent: () => readonly Spent[];
}

export class Pacing {
  readonly #dependencies: PacingDependencies;
  readonly #pacer: Pacer;
  #config: Config;
  /** Images that have to wait for their share, and until when. */
  #waits: ReadonlyMap<string, number> = new Map();
  readonly #fallThrough = new FallThrough();
  /** For each image the last report that rests on more than a host that did not open. */
  readonly #reached = new Map<string, PullReport>();

  constructor(config: Config, dependencies: PacingDependencies) {
    this.#config = config;
    this.#dependencies = dependencies;
    this.#pacer = new Pacer(dependencies.node, this.#rule());
  }

  adopt(config: Config): void {
    this.#config = config;
  }

  /** The images of a pass that begins now, and earlier reports that hold again because their hosts open again. */
  async choose(
    kind: 'regular' | 'early',
    probe: Prober,
  ): Promise<{ readonly now: readonly Demand[]; readonly again: readonly PullReport[] }> {
    const { state, clock } = this.#dependencies;
    this.#pacer.rule(this.#rule());
    this.#keep(new Set(state.demands().map(demandId)));
    const shares = { state, pacer: this.#pacer, fallThrough: this.#fallThrough, waits: this.#waits };
    await this.#reserve(dueBudgetKeys(kind, { ...shares, nowMs: clock.now() }));
    const { perRegistryPass } = this.#config;
    const chosen = await choose(kind, { ...shares, nowMs: clock.now(), perRegistryPass }, probe);
    state.progressed(clock.now());
    this.#waits = chosen.waits;
    const again = chosen.lifted.flatMap((id) => this.#reached.get(id) ?? []);
    for (const id of chosen.lifted) if (!this.#reached.has(id)) state.drop(id);
    return { now: chosen.now, again };
  }

  async #reserve(budgetKeys: ReadonlySet<string>): Promise<void> {
    const { fleet, clock } = this.#dependencies;
    const reservations = fleet?.reservations;
    for (const budgetKey of budgetKeys) {
      const request = reservations?.isOpen() === true ? this.#pacer.reservationDue(budgetKey, clock.now()) : undefined;
      if (reservations === undefined || request === undefined) continue;
      const inMs = await reservations.reserve(budgetKey, request);
      const nowMs = clock.now();
      this.#pacer.reserved(budgetKey, nowMs, inMs === undefined ? undefined : nowMs + inMs);
    }
    // A failed reservation closes them.
    this.#pacer.rule(this.#rule());
  }

  /** What to record for a report of a pass: it, the earlier report that holds again, or nothing. */
  entered(report: PullReport): PullReport | undefined {
    const id = reportId(report);
    this.#settle(id, report);
    const { clock, state } = this.#dependencies;
    const { cadenceMs } = this.#config.schedule;
    const budgetKey = endedBefore(report);
    this.#fallThrough.note(id, budgetKey, { nowMs: clock.now(), cadenceMs });
    const known = this.#reached.get(id);
    if (budgetKey === undefined) {
      if (!isShutOut(report)) this.#reached.set(id, report);
      return report;
    }
    // The first hosts fail as they did then, or worse: the answer of the later host still decides.
    if (known === undefined || !costsOf(known).has(budgetKey)) return sentRequests(report) ? report : undefined;
    return state.last(id) === known ? undefined : known;
  }

  /** Counts the requests of a check. Checks never wait for a share. */
  checked(report: PullReport): void {
    this.#settle('a check', report);
  }

  /** Whether the rehearsal of an image may send requests under this budget key now. */
  readonly enters = (id: string, budgetKey: string): boolean =>
    this.#pacer.enters(id, budgetKey, this.#dependencies.clock.now());

  #settle(id: string, report: PullReport): void {
    for (const budgetKey of privateBudgetKeys(report)) this.#pacer.learnPrivate(budgetKey);
    // A report without a plan stands in for a rehearsal that failed: it does not show which requests were sent.
    if (report.plan === undefined) this.#pacer.abandon(id);
    else this.#pacer.settle(id, costsOf(report), this.#dependencies.clock.now());
  }

  /** How long a new agent waits before its first pass, so that a fleet that starts at once does not send all its requests at once. */
  firstDelayMs(): number {
    this.#pacer.rule(this.#rule());
    return firstDelayMs(this.#pacer.agents, this.#config.schedule.cadenceMs) * phaseOf(this.#dependencies.node);
  }

  /** Admits requests outside of rehearsals and counts them against the same share. */
  readonly admit = (registry: string, requests: number): boolean => {
    const nowMs = this.#dependencies.clock.now();
    const budgetKey = budgetKeyOf(registry, { role: 'origin', authority: registry });
    const asking = { id: 'a sample', budgetKeys: [budgetKey] };
    if (!this.#pacer.admits(asking, nowMs)) return false;
    this.#pacer.settle(asking.id, new Map([[budgetKey, requests]]), nowMs);
    return true;
  };

  /** For one pass: whether mirrors are to be queried for a tag again. */
  tagsDue(): (tag: TagAsked) => boolean {
    const images = new Map<string, number>();
    for (const { image } of this.#dependencies.state.demands()) {
      if (image.ok) images.set(image.value.registry, (images.get(image.value.registry) ?? 0) + 1);
    }
    return ({ registry, reference, askedMs, nowMs }) => {
      const budgetKey = budgetKeyOf(registry, { role: 'origin', authority: registry });
      const restMs = this.#pacer.tagRestMs(budgetKey, images.get(registry) ?? 1);
      return isTagDue({ restMs, name: `${this.#dependencies.node} ${reference}` }, { askedMs, nowMs });
    };
  }

  nextDueMs(): number | undefined {
    return this.#dependencies.state.nextDueMs(this.#waits);
  }

  readonly spent = (): readonly Spent[] => this.#dependencies.spent();

  readonly pace = (): PaceReading => {
    const { state } = this.#dependencies;
    const images = new Map<string, number>();
    for (const demand of state.demands()) {
      for (const budgetKey of budgetKeysOf(demand, state.known(demand).report))
        images.set(budgetKey, (images.get(budgetKey) ?? 0) + 1);
    }
    const { cadenceMs } = this.#config.schedule;
    const cadences = [...images].map(([budgetKey, count]) => ({
      budgetKey,
      cadenceMs: Math.max(cadenceMs, this.#pacer.roundMs(budgetKey, count)),
    }));
    return { agents: this.#pacer.agents, cadences };
  };

  #keep(ids: ReadonlySet<string>): void {
    this.#pacer.keep(ids);
    this.#fallThrough.keep(ids);
    for (const id of this.#reached.keys()) if (!ids.has(id)) this.#reached.delete(id);
  }

  #rule(): Rule {
    const { fleetSize, requestsPerMinute: budgets } = this.#config;
    const { fleet } = this.#dependencies;
    const isShared = fleet?.reservations?.isOpen() === true;
    return { agents: fleetSize === 'auto' ? (fleet?.size() ?? 1) : fleetSize, budgets, isShared };
  }
}

/** A rehearsal that was stopped before its first host shows nothing about its image. */
function sentRequests(report: PullReport): boolean {
  return costsOf(report).size > 0;
}

function budgetKeysOf(demand: Demand, report: PullReport | undefined): readonly string[] {
  const used = report === undefined ? [] : [...costsOf(report).keys()];
  if (used.length > 0 || !demand.image.ok) return used;
  const { registry } = demand.image.value;
  return [budgetKeyOf(registry, { role: 'origin', authority: registry })];
}

/** Makes connectivity probes, for no longer than `ms`. Without results the pass goes on with what is known. */
export function probeWithin(
  ms: number,
  probe: (known: readonly KnownDemand[]) => Promise<ProbeResults>,
  log: Log,
): Prober {
  return async (known) => {
    try {
      return await withTimeout(probe(known), ms);
    } catch (error) {
      log.error({ error }, 'connectivity probes failed: the pass goes on with what is known');
      return undefined;
    }
  };
}
