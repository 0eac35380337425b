/** What the cluster is told: the node's answer as a condition, a changed verdict as an Event. Only what was switched on. */
import { answerFor, isStale, type NodeAnswer } from '#report/node-answer.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import type { Change } from './state.ts';
import type { NodeNews, Publisher, Readiness } from '#kubernetes/publish.ts';
import type { Log } from '#output/log.ts';

export interface NodeStatusPublisher {
  readonly changed: (change: Change) => void;
  readonly publish: (ledger: Ledger) => void;
  readonly close: () => Promise<void>;
}

interface Dependencies {
  readonly condition: boolean;
  readonly events: boolean;
  readonly now: () => Date;
  readonly log: Log;
}

export function publishNodeStatus(
  publish: Publisher,
  { condition, events, now, log }: Dependencies,
): NodeStatusPublisher {
  let trouble = '';
  const logState = (): void => {
    const state = publish.state();
    const is = state.is === 'failing' ? `failing ${state.fault.code}` : state.is;
    if (is === trouble || state.is === 'silent') return;
    trouble = is;
    if (state.is === 'failing') log.warn({ fault: state.fault }, 'the Node condition could not be written');
    else if (state.is === 'yielded') log.warn({}, 'somebody else writes the Node condition: giving way');
    else log.info({}, 'the Node condition is written');
  };
  const write = async (news: NodeNews): Promise<void> => {
    const written = await publish.news(news);
    if (!written.ok) log.warn({ fault: written.fault, about: news.about }, 'an Event could not be written');
  };
  return {
    changed: (change) => {
      const news = events ? newsOf(change) : undefined;
      if (news !== undefined) void write(news);
    },
    publish: (ledger) => {
      if (!condition) return;
      logState();
      const nowMs = now().getTime();
      // What stood before a restart stands until there is something to say.
      if (ledger.pass === undefined && !isStale(ledger, nowMs)) return;
      publish.publish(readinessOf(answerFor(ledger, nowMs)));
    },
    close: () => publish.close(),
  };
}

/** Nothing that changes while nothing changes: no times, no counts that tick. */
export function readinessOf({ is, because, against }: NodeAnswer): Readiness {
  switch (is) {
    case 'ready':
      return { status: 'True', reason: 'ImagesWouldPull', message: because };
    case 'not_ready':
      return { status: 'False', reason: 'ImagesWouldNotPull', message: `${because}: ${causesOf(against)}` };
    case 'unknown':
      return { status: 'Unknown', reason: 'NotKnown', message: because };
  }
}

const mostCauses = 5;

/** `tls.expired at reg.example (app:1 and 2 more)`: by cause and registry, in the order of the alphabet. */
function causesOf(against: readonly Entry[]): string {
  const causes = Map.groupBy(against, ({ report: { verdict, registry } }) => {
    const code = verdict.is === 'fails' ? verdict.fault.code : verdict.is;
    return registry === undefined ? code : `${code} at ${registry}`;
  });
  const causesText = [...causes].map(([cause, entries]) => {
    const [first = '', ...others] = entries.map(({ report }) => report.image).sort();
    return `${cause} (${first}${others.length === 0 ? '' : ` and ${others.length} more`})`;
  });
  const more = causesText.length > mostCauses ? [`and ${causesText.length - mostCauses} more`] : [];
  return [...causesText.sort().slice(0, mostCauses), ...more].join('; ');
}

/** Good news only after bad news; what could not be told is no news of the node's. */
export function newsOf({ was, entry: { id, report } }: Change): NodeNews | undefined {
  const { verdict, image, advice } = report;
  const text = advice === undefined ? '' : ` ${advice.cause} ${advice.remedy}`;
  switch (verdict.is) {
    case 'fails':
      return { about: id, type: 'Warning', reason: 'ImageWouldNotPull', note: `${image}:${text}` };
    case 'at_risk': {
      const [forecast] = verdict.forecasts;
      const note = `${image} pulls, and soon may not: ${forecast?.fault ?? 'nobody says why'}`;
      return { about: id, type: 'Warning', reason: 'ImagePullAtRisk', note };
    }
    case 'pulls':
      if (was === undefined || was === 'unknown') return undefined;
      return { about: id, type: 'Normal', reason: 'ImageWouldPullAgain', note: `${image} would be pulled again` };
    case 'unknown':
      return undefined;
  }
}
