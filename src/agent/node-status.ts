/** Publishes the node's status to the cluster: its answer as a Node condition, a changed verdict as an Event. Only what is switched on. */
import { answerFor, isStale } from '#report/node-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import type { Change } from './state.ts';
import type { NodeEvent } from '#kubernetes/node-events.ts';
import type { Publisher } from '#kubernetes/publish.ts';
import type { Log } from '#output/log.ts';
import { newsOf, readinessOf } from './node-status-text.ts';

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
