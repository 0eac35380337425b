/**
 * The prediction, scored: what the kubelet then got, against the verdict that stood before it tried. A tally is a confusion
 * matrix with lead times, and every miss is kept with its evidence, because a miss is a test not yet written.
 */
import type { PullReport } from './report.ts';
import type { Verdict } from './verdict.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { PullPolicy } from '#kubelet/pull-policy.ts';

/** One act of the kubelet, read from a container's status. */
export interface PullOutcome {
  /** As written in the Pod. */
  readonly image: string;
  readonly namespace: string;
  readonly pod: string;
  /** `container web`, as in Wanter.part. */
  readonly part: string;
  readonly policy?: PullPolicy;
  /** The Pod's own pull secrets, by name and in order; absent where nobody said. */
  readonly secrets?: readonly string[];
  readonly result: 'pulled' | 'failed';
  /** The waiting reason, or the raw error text where a pull secret could not be decoded; empty when pulled. */
  readonly reason: string;
  readonly message: string;
  /** When the kubelet may have begun: a verdict that came later is hindsight. */
  readonly begun: Date;
  /** When it was seen. */
  readonly at: Date;
}

/** A verdict, and since when it had been the same. */
export interface StandingPrediction {
  readonly report: PullReport;
  readonly since: Date;
}

/**
 * The verdicts on one image that a later outcome may be held against, oldest first: the first and the last of each of the two
 * latest stretches of the same verdict, so that what stood at any moment of them is known. Only the newest keeps its steps.
 */
export function record(
  prediction: readonly StandingPrediction[],
  report: PullReport,
  since: Date,
): readonly StandingPrediction[] {
  const older = prediction.map((each) => ({ ...each, report: withoutSteps(each.report) }));
  const [before, last] = older.slice(-2);
  const same = (one: StandingPrediction | undefined): boolean => one?.since.getTime() === since.getTime();
  const kept = same(before) && same(last) ? older.slice(0, -1) : older;
  return [...kept, { report, since }].slice(-4);
}

/** Whether a demand asks for what the kubelet then did: the same image, policy and secrets, whichever Pod wants it. */
export function isAbout(outcome: PullOutcome, demand: Demand): boolean {
  const { image, namespace, policy, secrets = [] } = outcome;
  if (demand.written !== image || demand.policy !== policy || demand.secrets.length !== secrets.length) return false;
  return demand.secrets.every((secret, index) => secret.namespace === namespace && secret.name === secrets[index]);
}

/** What had been said of the image when the kubelet may have begun. */
export function predictionAt(prediction: readonly StandingPrediction[], begun: Date): StandingPrediction | undefined {
  return prediction.findLast(({ report }) => Date.parse(report.at) <= begun.getTime());
}

function withoutSteps(report: PullReport): PullReport {
  return report.attempts.length === 0 ? report : { ...report, attempts: [], evidence: [] };
}

export type ScoreKind = 'hit' | 'miss' | 'false_alarm' | 'correct_rejection';
export const scoreKinds: readonly ScoreKind[] = ['hit', 'miss', 'false_alarm', 'correct_rejection'];

export type Score = Scored | Unscored;
export interface Scored {
  readonly is: ScoreKind;
  readonly predicted: Verdict['is'];
  readonly outcome: PullOutcome;
  readonly prediction: StandingPrediction;
  /** Seconds between the first warning and the kubelet's failure; of a hit only. */
  readonly leadS?: number;
  /** Of a failure that was foretold: whether the waiting reason was, too. */
  readonly sameReason?: boolean;
}
interface Unscored {
  readonly is: 'unscored';
  readonly why: 'no_verdict' | 'verdict_unknown' | 'verdicts_differ';
  readonly outcome: PullOutcome;
}

/**
 * `stood`: the verdicts on this image that stood before, one for each list of pull secrets it is wanted with. The Pod's own
 * counts first; a new Pod's image may have been judged for others, which counts where they all say the same.
 */
export function scoreOutcome(outcome: PullOutcome, prediction: readonly StandingPrediction[]): Score {
  const before = prediction.filter(
    ({ report }) => report.image === outcome.image && Date.parse(report.at) <= outcome.begun.getTime(),
  );
  const own = before.filter(({ report }) =>
    report.requestedBy.some(
      (requester) =>
        requester.namespace === outcome.namespace && requester.name === outcome.pod && requester.part === outcome.part,
    ),
  );
  const counting = own.length > 0 ? own : before;
  const newest = counting.reduce<StandingPrediction | undefined>(newer, undefined);
  if (newest === undefined) return { is: 'unscored', why: 'no_verdict', outcome };
  if (own.length === 0 && new Set(before.map(({ report }) => resultOf(report))).size > 1)
    return { is: 'unscored', why: 'verdicts_differ', outcome };
  return scoreAgainst(outcome, newest);
}

function newer(one: StandingPrediction | undefined, other: StandingPrediction): StandingPrediction {
  return one !== undefined && Date.parse(one.report.at) >= Date.parse(other.report.at) ? one : other;
}

/** At risk is a warning where the pull then fails, and a pull that works where it does not. */
function resultOf(report: PullReport): 'yes' | 'warned' | 'no' | 'unknown' {
  switch (report.verdict.is) {
    case 'pulls':
      return 'yes';
    case 'at_risk':
      return 'warned';
    case 'fails':
      return 'no';
    case 'unknown':
      return 'unknown';
  }
}

function scoreAgainst(outcome: PullOutcome, prediction: StandingPrediction): Score {
  const predicted = prediction.report.verdict.is;
  const scored = { predicted, outcome, prediction };
  switch (resultOf(prediction.report)) {
    case 'unknown':
      return { is: 'unscored', why: 'verdict_unknown', outcome };
    case 'yes':
      return { is: outcome.result === 'pulled' ? 'correct_rejection' : 'miss', ...scored };
    case 'no':
      return outcome.result === 'pulled'
        ? { is: 'false_alarm', ...scored }
        : { is: 'hit', ...scored, ...hitFacts(scored) };
    case 'warned':
      return outcome.result === 'pulled'
        ? { is: 'correct_rejection', ...scored }
        : { is: 'hit', ...scored, ...hitFacts(scored) };
  }
}

function hitFacts({
  outcome,
  prediction,
}: {
  outcome: PullOutcome;
  prediction: StandingPrediction;
}): Pick<Scored, 'leadS' | 'sameReason'> {
  const leadS = Math.max(0, (outcome.at.getTime() - prediction.since.getTime()) / 1000);
  const predicted = prediction.report.kubelet?.waitingReason;
  return { leadS, ...(predicted === undefined ? {} : { sameReason: sameReason(predicted, outcome.reason) }) };
}

/** A back-off follows any pull error, and may be all that was seen of it. */
function sameReason(predicted: string, got: string): boolean {
  return predicted === got || (predicted === 'ErrImagePull' && got === 'ImagePullBackOff');
}

export interface Tally {
  readonly counts: Readonly<Record<ScoreKind, number>>;
  readonly unscored: number;
  /** Newest last. */
  readonly misses: readonly Scored[];
}

export const emptyTally: Tally = {
  counts: { hit: 0, miss: 0, false_alarm: 0, correct_rejection: 0 },
  unscored: 0,
  misses: [],
};

/** Misses are reports, some of them long: the newest few are kept. */
const keptMisses = 20;

export function addScore(tally: Tally, score: Score): Tally {
  if (score.is === 'unscored') return { ...tally, unscored: tally.unscored + 1 };
  const counts = { ...tally.counts, [score.is]: tally.counts[score.is] + 1 };
  const misses = score.is === 'miss' ? [...tally.misses, score].slice(-keptMisses) : tally.misses;
  return { ...tally, counts, misses };
}
