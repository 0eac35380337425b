/** What the kubelet got, scored against the sample node's verdicts: of every kind at least one. */
import type { Scores } from '#report/ledger.ts';
import { noScores, score } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import { scoreOutcome, type PullOutcome, type Score } from '#report/score.ts';
import { now, reports } from './ledger.ts';

const minute = 60_000;

/** The kubelet tried so many minutes ago what had been rehearsed before. */
export function tried(report: PullReport, minutesAgo: number, over: Partial<PullOutcome> = {}): Score {
  const atMs = now - minutesAgo * minute;
  const stood = { ...report, at: new Date(atMs - 2 * minute).toISOString() };
  const outcome: PullOutcome = {
    image: report.image,
    namespace: 'shop',
    pod: 'web-7d9c5b8f6d-x2x7k',
    part: 'container web',
    result: 'pulled',
    reason: '',
    message: '',
    begun: new Date(atMs - minute),
    at: new Date(atMs),
    ...over,
  };
  return scoreOutcome(outcome, [{ report: stood, since: new Date(atMs - 14 * minute) }]);
}

export function failed(reason: string, message: string): Partial<PullOutcome> {
  return { result: 'failed', reason, message };
}

const refusedWords = reports.refused.kubelet?.waitingMessage ?? '';

export const scored: readonly Score[] = [
  tried(reports.pulls, 300),
  tried(reports.fine[0] ?? reports.pulls, 290),
  tried(
    reports.pulls,
    190,
    failed(
      'ErrImagePull',
      'failed to pull and unpack image "registry.example.com/shop/web:1.29": failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example.com/v2/shop/web/blobs/sha256:0c6b…: 503 Service Unavailable',
    ),
  ),
  tried(reports.untrusted, 60),
  tried(reports.refused, 45, failed('ErrImagePull', refusedWords)),
  tried(reports.atRisk, 30, failed('ErrImagePull', 'tls: failed to verify certificate: x509: certificate has expired')),
  tried(reports.denied, 20, failed('InvalidImageName', 'Failed to apply default image tag')),
  tried(reports.unknown, 10),
];

export const scores: Scores = scored.reduce(score, noScores);
