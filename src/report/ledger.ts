/**
 * What the agent knows right now, as a value for whoever tells it: the last report and the memory of every image that is asked
 * for, and how the passes go. The agent alone makes one; nothing in it changes after it was handed out.
 */
import type { DiskReading } from '#kubelet/disk-reading.ts';
import type { Fault } from './fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { History } from './verdict-history.ts';
import type { QuotasHistory } from '#forecast/history/quotas.ts';
import type { RoutesHistory } from '#forecast/history/routes.ts';
import type { PullReport } from './report.ts';
import { addScore, emptyTally, type Score, type Scored, type Tally } from './score.ts';
import type { Demand } from '#node/view.ts';

export interface Ledger {
  readonly node: string;
  readonly startedMs: number;
  /** In the order in which they were asked for. An image that has not been rehearsed yet has no entry. */
  readonly entries: readonly Entry[];
  /** Images asked for, rehearsed or not. */
  readonly asked: number;
  /** The last pass over the images that ended; absent until the first has. */
  readonly pass?: Pass;
  /** Between two regular passes. */
  readonly cadenceMs: number;
  /** When a report came or a pass ended last; the start before that. A long pass is no standstill. */
  readonly progressMs: number;
  /** What the node as a whole has coming, most urgent first; of single images their reports tell. */
  readonly forecasts: readonly Forecast[];
  /** As the last look at the node found them; absent before the first. */
  readonly disks?: readonly DiskReading[];
  /** What is left of pull quotas, as far as it was seen; absent where nobody remembers. */
  readonly quotas?: QuotasHistory;
  /** When `forecasts` were made; absent before the first look. */
  readonly forecastMs?: number;
  /** When each host that pulls ask answered and when not. */
  readonly routes?: RoutesHistory;
  /** Without progress for so long, the agent stands still and its reports describe another time. */
  readonly staleAfterMs: number;
  /** Verdicts against what the kubelet then got; absent where nobody watches the kubelet. */
  readonly scores?: Scores;
  /** How well the cluster is seen; absent where nobody asks it. */
  readonly cluster?: ClusterState;
}

export interface Entry {
  readonly id: string;
  readonly report: PullReport;
  readonly history: History;
  /** When it will be rehearsed out of turn; absent: with the next regular pass. */
  readonly dueMs?: number;
}

export interface Pass {
  readonly endedMs: number;
  readonly ms: number;
  readonly images: number;
}

/** The predictions, scored. Misses are kept in the tally with all their evidence. */
export interface Scores {
  readonly tally: Tally;
  /** The last ones of every kind, newest last. */
  readonly recent: readonly Scored[];
}

/** What the cluster asks of this node, as far as it is known. */
export interface ClusterState {
  /** False until the Pods of this node were listed for the first time. */
  readonly isKnown: boolean;
  /** When what is known was true for certain. */
  readonly asOfMs: number;
  /** The API server is away: what is asked for is what it said last. */
  readonly isStale: boolean;
  /** Why it is stale, or why nothing is known. */
  readonly fault?: Fault;
}

export const noScores: Scores = { tally: emptyTally, recent: [] };

const keptScores = 20;

export function score(scores: Scores, found: Score): Scores {
  const recent = found.is === 'unscored' ? scores.recent : [...scores.recent, found].slice(-keptScores);
  return { tally: addScore(scores.tally, found), recent };
}

/** The name under which a demand is remembered: its own, or the image as written where one image is asked for in one way only. */
export function demandId(demand: Demand): string {
  return demand.id ?? demand.written;
}

/** The name of the demand that a report answers. */
export function reportId(report: PullReport): string {
  return report.id ?? report.image;
}
