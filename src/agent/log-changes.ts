/** The agent's facts as log lines: one for each change of verdict, and one for each prediction that was held against the kubelet. */
import type { Score } from '#report/score.ts';
import type { Change } from './state.ts';
import type { Log, LogFacts } from '#output/log.ts';

/** Of those who want an image; all of them are in the report. */
const mostWanters = 5;

export function logChange(log: Log, { was, wasFault, entry: { report } }: Change): void {
  const { verdict, advice, requestedBy } = report;
  const cause =
    verdict.is === 'fails' || verdict.is === 'unknown' ? { fault: verdict.fault, stage: verdict.stage } : {};
  const facts = {
    image: report.image,
    id: report.id,
    registry: report.registry,
    policy: report.policy,
    requestedBy: requestedBy.slice(0, mostWanters),
    verdict: verdict.is,
    confidence: verdict.confidence.is,
    ...cause,
    was,
    wasFault,
    advice,
  };
  if (verdict.is === 'pulls') log.info(facts, 'verdict changed');
  else log.warn(facts, 'verdict changed');
}

/** A miss is a test not yet written: it is said with both texts. */
export function logScore(log: Log, score: Score): void {
  const { image, namespace, pod, part, result, reason, message } = score.outcome;
  const outcome = { image, namespace, pod, part, result, reason };
  if (score.is === 'unscored') {
    log.debug({ ...outcome, why: score.why }, 'a pull was not predicted');
    return;
  }
  const { report } = score.prediction;
  const facts: LogFacts = { score: score.is, actual: score.actual, ...outcome, leadS: score.leadS, judged: report.at };
  if (score.is === 'hit' || score.is === 'correct_rejection') {
    log.info(facts, 'prediction scored');
    return;
  }
  const fault = report.verdict.is === 'fails' ? report.verdict.fault : undefined;
  const texts = { predicted: report.kubelet?.waitingMessage, message: message === '' ? undefined : message };
  log.warn({ ...facts, fault, ...texts }, 'prediction scored');
}
