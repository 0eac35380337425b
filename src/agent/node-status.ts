/** Publishes the node's status to the cluster: its answer as a Node condition, a changed verdict as an Event. Only what is switched on. */
import { answerFor, isStale, type NodeAnswer } from '#report/node-answer.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import type { Change } from './state.ts';
import type { NodeEvent } from '#kubernetes/node-events.ts';
import type { Publisher } from '#kubernetes/publish.ts';
import type { Log } from '#output/log.ts';
import type { Readiness } from '#kubernetes/condition.ts';

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
  let logged = '';
  const logState = (): void => {
    const state = publish.state();
    const is = state.is === 'failing' ? `failing ${state.fault.code}` : state.is;
    if (is === logged || state.is === 'silent') return;
    logged = is;
    if (state.is === 'failing') log.warn({ fault: state.fault }, 'cannot write the Node condition');
    else if (state.is === 'yielded') log.warn({}, 'another writer sets the Node condition: this agent no longer does');
    else log.info({}, 'the Node condition is written');
  };
  const write = async (news: NodeEvent): Promise<void> => {
    const written = await publish.writeEvent(news);
    if (!written.ok) log.warn({ fault: written.fault, about: news.about }, 'cannot write an Event');
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
      // The condition from before a restart stays until the first pass has ended.
      if (ledger.pass === undefined && !isStale(ledger, nowMs)) return;
      publish.publish(readinessOf(answerFor(ledger, nowMs)));
    },
    close: () => publish.close(),
  };
}

/** Without times or counters, so that the condition changes only when the answer does. */
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

/** `tls.expired at reg.example (app:1 and 2 more)`: by cause and registry, in alphabetical order. */
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

/** An image that pulls gets an Event only after it failed; an unknown verdict gets none. */
export function newsOf({ was, entry: { id, report } }: Change): NodeEvent | undefined {
  const { verdict, image, advice } = report;
  const text = advice === undefined ? '' : ` ${advice.cause} ${advice.remedy}`;
  switch (verdict.is) {
    case 'fails':
      return { about: id, type: 'Warning', reason: 'ImageWouldNotPull', note: `${image}:${text}` };
    case 'at_risk': {
      const [forecast] = verdict.forecasts;
      const note = `${image} pulls now and may soon fail: ${forecast?.fault ?? 'no reason given'}`;
      return { about: id, type: 'Warning', reason: 'ImagePullAtRisk', note };
    }
    case 'pulls':
      if (was === undefined || was === 'unknown') return undefined;
      return { about: id, type: 'Normal', reason: 'ImageWouldPullAgain', note: `${image} pulls again` };
    case 'unknown':
      return undefined;
  }
}
