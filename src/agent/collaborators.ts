/** What the agent works with. Each collaborator has one job; commands/agent.ts makes the real ones, tests make their own. */
import type { KnownDemand, ProbeResults } from '#budget/connectivity-probe.ts';
import type { ReservationRequest } from '#budget/reservations.ts';
import type { Config, ParsedConfig } from '#config/config.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { NodeView } from '#node/view.ts';
import type { Admit, Pems } from '#output/http/open-listener.ts';
import type { Vitals } from '#output/metrics/metrics.ts';
import type { ClusterState, Entry, Ledger } from '#report/ledger.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { PullOutcome } from '#report/score.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import type { Change } from './state.ts';
import type { Demand } from '#kubelet/demand.ts';

/** Rehearses pulls as this node would make them, and sends nothing else. */
export interface NodeRehearser {
  /** One report for each demand, in any order. */
  rehearse(demands: readonly Demand[], config: Config, limits: RehearsalLimits): AsyncIterable<PullReport>;
  /** For POST /check: as `rehearse`, without what the agent remembers. */
  check(demands: readonly Demand[], signal: AbortSignal): AsyncIterable<PullReport>;
  /** Opens a connection to every host that these images would use, and sends no request. */
  probe(known: readonly KnownDemand[], config: Config, signal: AbortSignal): Promise<ProbeResults>;
  /** Samples the pull quotas that are due and that no rehearsal has shown. */
  sampleQuotas(config: Config, limits: SamplingLimits): Promise<readonly QuotaSample[]>;
  /** The requests sent so far. */
  spent(): readonly Spent[];
}

/** What a pass allows a rehearsal to do. */
export interface RehearsalLimits {
  readonly signal: AbortSignal;
  readonly history: () => NodeHistory;
  /** Whether requests for an image may be counted against a budget key now. */
  readonly mayRequest: (id: string, budgetKey: string) => boolean;
  readonly tagIsDue: (tag: TagAsked) => boolean;
}

export interface SamplingLimits {
  readonly signal: AbortSignal;
  readonly history: () => NodeHistory;
  readonly demands: readonly Demand[];
  readonly entries: readonly Entry[];
  /** Whether this many requests may go to the registry now. */
  readonly admit: (registry: string, requests: number) => boolean;
}

/** The images that this node is asked for. Read again before each pass, so that pull secrets are current. */
export interface DemandSource {
  demands(config: Config): Promise<readonly Demand[]>;
}

/** The node's files and disks as they are now. */
export interface NodeReader {
  readView(config: Config): Promise<NodeView>;
}

/** The history that outlives the process. */
export interface HistoryStore {
  readonly first: NodeHistory;
  save(history: NodeHistory): Promise<void>;
}

/** The other agents that share a way out to the registries. */
export interface Fleet {
  /** Undefined while it is not known. */
  size(): number | undefined;
  /** Absent where reservations are not shared. */
  readonly reservations?: Reservations;
}

/** Reservations of scarce registries, shared with the fleet. */
export interface Reservations {
  /** False after a failure, until it is time to try again. */
  isOpen(): boolean;
  /** Milliseconds until this agent's reservation begins; undefined: it gets none now. */
  reserve(budgetKey: string, request: Pick<ReservationRequest, 'perMinute' | 'cost'>): Promise<number | undefined>;
}

/** A cluster: events come from it, and the node's status is published to it. */
export interface ClusterLink {
  clusterState(): ClusterState;
  /** For one reader. */
  readonly events: AsyncIterable<ClusterEvent>;
  /** Publishes the node's status and, with a change, an Event, as far as the configuration asks for them. */
  publish(ledger: Ledger, change?: Change): void;
  close(): Promise<void>;
}

export type ClusterEvent =
  | { readonly is: 'demands_changed' }
  | { readonly is: 'pull_outcome'; readonly outcome: PullOutcome }
  /** The published status may be out of date although nothing changed. */
  | { readonly is: 'status_due' };

/** Who may read the open listener, and its certificate. */
export interface ListenerAccess {
  /** Absent: every reader may. */
  readonly admit?: Admit;
  /** For HTTPS: the first certificate and key, and each later reading of them, good or bad. */
  readonly pair?: { readonly first: Pems; readonly changes: AsyncIterable<Pair> };
}

/** A certificate and its key, or why they cannot be read. */
export type Pair = { readonly ok: true; readonly pems: Pems } | { readonly ok: false; readonly why: string };

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  random(): number;
}

/** What the process costs its node. */
export interface ProcessUsage {
  readonly vitals: () => Vitals;
  readonly collectGarbage?: () => void;
}

export interface AgentSettings {
  readonly config: Config;
  readonly node: string;
  readonly version: string;
  /** Each reading of a configuration file that changed, good or bad. */
  readonly changes?: AsyncIterable<ParsedConfig>;
}
