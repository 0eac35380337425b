/** Whose turn it is, over all passes of one agent: its share of every registry, who waits, and what was last known of whom. */
import { firstDelayMs, isTagDue } from '#budget/cadence.ts';
import { costsOf, budgetKeyOf, privateBudgetKeys } from '#budget/key.ts';
import { demandId, reportId } from '#report/ledger.ts';
import { phaseOf } from '#budget/phase.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import type { AgentDependencies } from './agent.ts';
import type { AgentState } from './state.ts';
import { choose, dueBudgetKeys, isShutOut, type Prober, type ProbeResults, type Known } from '#budget/choose.ts';
import type { Config } from '#config/config.ts';
import { endedBefore, FallThrough } from '#budget/fall-through.ts';
import { Pacer, type Rule } from '#budget/pacer.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import type { Log } from '#output/log.ts';
import { within } from './with-timeout.ts';

/** What is said about manners: see tell/pace-metrics.ts. */
export interface PaceReading {
  readonly agents: number;
  /** How long it takes at best to ask for every image of a registry once. */
  readonly cadences: readonly { readonly budgetKey: string; readonly cadenceMs: number }[];
}

export interface PacingDependencies {
  readonly node: string;
  readonly state: AgentState;
  readonly config: () => Config;
  readonly agent: Pick<AgentDependencies, 'clock' | 'fleet' | 'spent' | 'reservations'>;
}

export class Pacing {
  readonly #dependencies: PacingDependencies;
  readonly #pacer: Pacer;
  /** Images whose turn has not come, and when it may. */
  #waits: ReadonlyMap<string, number> = new Map();
  readonly #fallThrough = new FallThrough();
  /** Of each image the last report that rests on more than a host that did not open. */
  readonly #reached = new Map<string, PullReport>();

  constructor(dependencies: PacingDependencies) {
    this.#dependencies = dependencies;
    this.#pacer = new Pacer(dependencies.node, this.#rule());
  }

  /** Who goes in a pass that begins now, and reports of old that hold again because their hosts open again. */
  async choose(
    kind: 'regular' | 'early',
    probe: Prober,
  ): Promise<{ readonly now: readonly Demand[]; readonly again: readonly PullReport[] }> {
    const { state, config, agent } = this.#dependencies;
    const { now } = agent.clock;
    this.#pacer.rule(this.#rule());
    this.#keep(new Set(state.demands().map(demandId)));
    const { perRegistryPass } = config();
    const waits = this.#waits;
    const own = { state, pacer: this.#pacer, fallThrough: this.#fallThrough };
    await this.#reserve(dueBudgetKeys(kind, { ...own, nowMs: now(), waits }));
    const chosen = await choose(kind, { ...own, nowMs: now(), waits, perRegistryPass, probe });
    state.progressed(now());
    this.#waits = chosen.waits;
    const again = chosen.lifted.flatMap((id) => this.#reached.get(id) ?? []);
    for (const id of chosen.lifted) if (!this.#reached.has(id)) state.drop(id);
    return { now: chosen.now, again };
  }

  async #reserve(budgetKeys: ReadonlySet<string>): Promise<void> {
    const { reservations, clock } = this.#dependencies.agent;
    for (const budgetKey of budgetKeys) {
      const ask = reservations?.isOpen() === true ? this.#pacer.reservationDue(budgetKey, clock.now()) : undefined;
      if (reservations === undefined || ask === undefined) continue;
      const inMs = await reservations.state(budgetKey, ask);
      const nowMs = clock.now();
      this.#pacer.booked(budgetKey, nowMs, inMs === undefined ? undefined : nowMs + inMs);
    }
    // It may have turned out that nothing can be booked.
    this.#pacer.rule(this.#rule());
  }

  /** A report came in a pass. What is to be written down: it, what was known before and holds again, or nothing. */
  entered(report: PullReport): PullReport | undefined {
    const id = reportId(report);
    this.#settle(id, report);
    const { clock } = this.#dependencies.agent;
    const { cadenceMs } = this.#dependencies.config().schedule;
    const budgetKey = endedBefore(report);
    this.#fallThrough.note(id, budgetKey, { nowMs: clock.now(), cadenceMs });
    const known = this.#reached.get(id);
    if (budgetKey === undefined) {
      if (!isShutOut(report)) this.#reached.set(id, report);
      return report;
    }
    // The hosts before it fail as they did then, or worse, and what it said then is the last word.
    if (known === undefined || !costsOf(known).has(budgetKey)) return wasAsked(report) ? report : undefined;
    return this.#dependencies.state.last(id) === known ? undefined : known;
  }

  /** A check counts like everything else; nobody asks it to wait. */
  checked(report: PullReport): void {
    this.#settle('a check', report);
  }

  /** Before an image that is under way is asked for in a lane. */
  readonly enters = (id: string, budgetKey: string): boolean =>
    this.#pacer.enters(id, budgetKey, this.#dependencies.agent.clock.now());

  #settle(id: string, report: PullReport): void {
    for (const budgetKey of privateBudgetKeys(report)) this.#pacer.learnPrivate(budgetKey);
    // One that was made up does not say what was asked.
    if (report.plan === undefined) this.#pacer.abandon(id);
    else this.#pacer.settle(id, costsOf(report), this.#dependencies.agent.clock.now());
  }

  /** So long an agent that has just started waits, lest a fleet that has just started does everything at once. */
  firstDelayMs(): number {
    this.#pacer.rule(this.#rule());
    const { config, node } = this.#dependencies;
    return firstDelayMs(this.#pacer.agents, config().schedule.cadenceMs) * phaseOf(node);
  }

  /** Requests beside the rehearsals, counted in the same share. */
  readonly admit = (registry: string, requests: number): boolean => {
    const nowMs = this.#dependencies.agent.clock.now();
    const asking = {
      id: 'a look beside',
      budgetKeys: [budgetKeyOf(registry, { role: 'origin', authority: registry })],
    };
    if (!this.#pacer.admits(asking, nowMs)) return false;
    this.#pacer.settle(asking.id, new Map(asking.budgetKeys.map((budgetKey) => [budgetKey, requests])), nowMs);
    return true;
  };

  /** For one pass: whether mirrors are to be asked for a tag itself. */
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

  readonly spent = (): readonly Spent[] => this.#dependencies.agent.spent?.() ?? [];

  readonly pace = (): PaceReading => {
    const { state, config } = this.#dependencies;
    const images = new Map<string, number>();
    for (const demand of state.demands()) {
      for (const budgetKey of budgetKeysOf(demand, state.known(demand).report))
        images.set(budgetKey, (images.get(budgetKey) ?? 0) + 1);
    }
    const { cadenceMs } = config().schedule;
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
    const { fleetSize, requestsPerMinute: budgets } = this.#dependencies.config();
    const { fleet, reservations } = this.#dependencies.agent;
    const together = reservations?.isOpen() === true;
    return { agents: fleetSize === 'auto' ? (fleet?.() ?? 1) : fleetSize, budgets, together };
  }
}

/** One that was stopped at the first host already says nothing of its image. */
function wasAsked(report: PullReport): boolean {
  return costsOf(report).size > 0;
}

function budgetKeysOf(demand: Demand, report: PullReport | undefined): readonly string[] {
  const asked = report === undefined ? [] : [...costsOf(report).keys()];
  if (asked.length > 0 || !demand.image.ok) return asked;
  const { registry } = demand.image.value;
  return [budgetKeyOf(registry, { role: 'origin', authority: registry })];
}

/** Waits for knocks so long and no longer; without them one goes on with what was known. */
export function patient(
  probe: (at: readonly Known[]) => Promise<ProbeResults> | undefined,
  { waitMs, log }: { readonly waitMs: number; readonly log: Log },
): Prober {
  return async (at) => {
    try {
      return await within(probe(at) ?? Promise.resolve(undefined), waitMs);
    } catch (error) {
      log.error({ error }, 'could not knock: going on with what was known');
      return undefined;
    }
  };
}
