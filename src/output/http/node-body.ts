/** The JSON of /node: the answer, the counts, and the worst reports in brief. */
import { isComing } from '#catalog/share.ts';
import { ownerOf } from '#report/fault.ts';
import type { NodeAnswer } from '#report/node-answer.ts';
import type { ClusterState, Entry, Ledger } from '#report/ledger.ts';
import { upcomingForecasts, type UpcomingForecast } from '#forecast/upcoming.ts';
import { isoOf } from '#output/times.ts';

/** Enough to see the pattern; all of them are in /reports. */
const briefs = 20;

/** As much as node-problem-detector keeps of a plugin's output (max_output_length, in bytes). */
const longestLine = 80;

/** The answer in one short line of ASCII; without times and counts of what goes well, so that it changes only when the answer does. */
export function nodeLine({ because, is, against }: NodeAnswer): string {
  const faults = against.flatMap(({ report }) => (report.verdict.is === 'fails' ? [report.verdict.fault.code] : []));
  const line = is === 'not_ready' ? `${because}: ${[...new Set(faults)].toSorted().join(', ')}` : because;
  return line.length <= longestLine ? line : `${line.slice(0, longestLine - 3)}...`;
}

export function nodeBody(ledger: Ledger, answer: NodeAnswer, nowMs: number): unknown {
  return {
    ...head(ledger, answer),
    lastPass: ledger.pass === undefined ? null : new Date(ledger.pass.endedMs).toISOString(),
    cluster: ledger.cluster === undefined ? undefined : seen(ledger.cluster),
    /** What will break next, most urgent first. */
    upcoming: upcomingForecasts(ledger)
      .slice(0, briefs)
      .map((upcoming) => coming(upcoming, nowMs)),
    reasons: answer.against.slice(0, briefs).map(brief),
    /** Failures that do not count against the node: the workload's own. */
    elsewhere: answer.elsewhere.slice(0, briefs).map(brief),
    unknown: ledger.entries
      .filter(({ report }) => report.verdict.is === 'unknown')
      .slice(0, briefs)
      .map(brief),
  };
}

/** The node in numbers, for a table of many: no names of images. */
export function nodeSummary(ledger: Ledger, answer: NodeAnswer, nowMs: number): unknown {
  const { pass, scores } = ledger;
  const failing = [...answer.against, ...answer.elsewhere];
  return {
    ...head(ledger, answer),
    worst: failing.flatMap(({ report }) => (report.verdict.is === 'fails' ? [report.verdict.fault.code] : []))[0],
    /** Since the last pass over the images; null before the first has ended. */
    ageMs: pass === undefined ? null : Math.max(0, nowMs - pass.endedMs),
    predictions: scores?.tally.counts,
  };
}

function head({ node }: Ledger, answer: NodeAnswer): object {
  const { is, because, counts } = answer;
  return { version: 1, node, is, because, line: nodeLine(answer), counts };
}

function coming({ forecast, byMs, images }: UpcomingForecast, nowMs: number): unknown {
  return {
    ...forecast,
    // As of now, not of the rehearsal.
    withinS: byMs === undefined ? undefined : Math.max(0, Math.round((byMs - nowMs) / 1000)),
    by: byMs === undefined ? undefined : isoOf(byMs),
    images: images.length,
    some: images.slice(0, 5),
  };
}

function seen({ isKnown, isStale, asOfMs, fault }: ClusterState): unknown {
  return { isKnown, isStale, asOf: new Date(asOfMs).toISOString(), fault: fault?.code };
}

function brief({ report, history }: Entry): unknown {
  const { verdict } = report;
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return { image: report.image };
  return {
    image: report.image,
    registry: report.registry,
    /** True where no Pod here wants it yet. */
    coming: isComing(report.requestedBy) ? true : undefined,
    fault: verdict.fault.code,
    stage: verdict.stage,
    owner: ownerOf(verdict.fault.code),
    since: history.sinceMs === undefined ? undefined : new Date(history.sinceMs).toISOString(),
    cause: report.advice?.cause,
    remedy: report.advice?.remedy,
  };
}
