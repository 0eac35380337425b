/**
 * Publishes to the cluster: the Node's condition ImagePullReady, and Events on the Node. A change is written once it has lasted for
 * some time; without a change the condition is written at the heartbeat interval. Where another writer writes the same condition,
 * this one pauses.
 */
import type { Fault } from '#report/fault.ts';
import type { Outcome } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import {
  type Readiness,
  type Tempo,
  type Wanted,
  type Written,
  afterWrite,
  conditionOf,
  conditionType,
  defaultTempo,
  dueAt,
  isOurs,
  isSame,
} from './condition.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import type { ListWatchOptions } from '#kubernetes/api/list-watch.ts';
import { type EventResult, NodeEvents, type NodeEvent } from './node-events.ts';
import { type Condition, type NodeFacts, readNodeFacts } from './node-facts.ts';

export interface Publisher {
  /** Sets the wanted condition. Returns at once; the write follows when it is due. */
  publish(readiness: Readiness): void;
  writeEvent(event: NodeEvent): Promise<Outcome<EventResult>>;
  state(): PublishState;
  close(): Promise<void>;
}

type PublishState =
  | { readonly is: 'silent' }
  | { readonly is: 'written'; readonly at: Date }
  /** Another writer writes this condition; the agent waits until it stops. */
  | { readonly is: 'yielded' }
  | { readonly is: 'failing'; readonly fault: Fault };

export interface PublisherOptions extends ListWatchOptions {
  readonly tempo?: Tempo;
}

/** After a conflict (the kubelet wrote in between) the Node is read again, a few times. */
const tries = 5;
const conflictMs = 200;
const failureMs = { first: 5000, most: 300_000 } as const;

export function publisher(cluster: Cluster, nodeName: string, options: PublisherOptions): Publisher {
  const writer = new ConditionWriter(cluster, nodeName, options);
  const events = new NodeEvents(cluster, nodeName, options.now);
  return {
    publish: (readiness) => writer.publish(readiness),
    writeEvent: (event) => events.write(event),
    state: () => writer.state,
    close: () => writer.close(),
  };
}

class ConditionWriter {
  readonly #cluster: Cluster;
  readonly #nodeName: string;
  readonly #options: PublisherOptions;
  readonly #tempo: Tempo;
  readonly #running: Promise<void>;
  state: PublishState = { is: 'silent' };
  #closed = false;
  #wake = new AbortController();
  #wanted: Wanted | undefined;
  #written: Written | undefined;
  /** Sent, and perhaps written although no answer arrived. */
  #sent: Condition | undefined;
  #yielded: { readonly untilMs: number; readonly to: Condition } | undefined;
  #failures = 0;
  #retryMs = 0;

  constructor(cluster: Cluster, nodeName: string, options: PublisherOptions) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
    this.#options = options;
    this.#tempo = options.tempo ?? defaultTempo;
    this.#running = this.#run();
  }

  publish(readiness: Readiness): void {
    const sinceMs = this.#wanted?.status === readiness.status ? this.#wanted.sinceMs : this.#nowMs();
    this.#wanted = { ...readiness, sinceMs };
    this.#wake.abort();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      const wanted = this.#wanted;
      const waitMs = wanted === undefined ? Infinity : this.#dueMs(wanted) - this.#nowMs();
      if (wanted !== undefined && waitMs <= 0) await this.#write(wanted);
      else await this.#sleep(waitMs);
    }
  }

  #dueMs(wanted: Wanted): number {
    return Math.max(dueAt(wanted, this.#written, this.#tempo), this.#yielded?.untilMs ?? 0, this.#retryMs);
  }

  /** Until `publish` is called. Node's timers last 24 days at most. */
  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#options.delay(Math.min(ms, 86_400_000), this.#wake.signal);
  }

  async #write(wanted: Wanted): Promise<void> {
    for (let tried = 0; tried < tries && !this.#isClosed(); tried += 1) {
      const node = await this.#node();
      if (node === undefined) return;
      const current = node.conditions.find(({ type }) => type === conditionType);
      if (this.#yields(current)) return;
      if (this.#written === undefined && current !== undefined) {
        // Most likely the agent's own condition from before a restart: nothing to write until the next heartbeat.
        const atMs = Math.min(this.#nowMs(), Date.parse(current.lastHeartbeatTime) || 0);
        this.#written = { condition: current, atMs, flips: [] };
        return;
      }
      const condition = conditionOf(wanted, current, new Date(this.#nowMs()));
      if (await this.#patch(node, condition)) return;
      await this.#sleep(conflictMs * (0.5 + this.#options.random()));
    }
    this.#failed({ code: 'agent.cannot_see', what: 'patch the Node', why: `${tries} conflicts in a row` });
  }

  /** False after a conflict; true after any other answer. */
  async #patch(node: NodeFacts, condition: Condition): Promise<boolean> {
    this.#sent = condition;
    const answer = await this.#cluster.ask({
      method: 'PATCH',
      path: `/api/v1/nodes/${encodeURIComponent(this.#nodeName)}/status`,
      query: { fieldManager: 'drypull' },
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { resourceVersion: node.version }, status: { conditions: [condition] } },
      ...objectBounds,
    });
    if (answer.is === 'refused' && answer.status === 409) return false;
    if (answer.is !== 'answered') {
      this.#failed(faultOf('patch the Node', answer).fault);
      return true;
    }
    this.#written = afterWrite(condition, this.#written, this.#nowMs());
    this.#succeeded();
    return true;
  }

  async #node(): Promise<NodeFacts | undefined> {
    const path = `/api/v1/nodes/${encodeURIComponent(this.#nodeName)}`;
    const answer = await this.#cluster.ask({ method: 'GET', path, ...objectBounds });
    const facts = answer.is === 'answered' ? readNodeFacts(answer.body) : undefined;
    if (facts !== undefined) return facts;
    const unread = answer.is === 'answered' ? ({ is: 'away', why: 'the answer is no Node' } as const) : answer;
    this.#failed(faultOf('get the Node', unread).fault);
    return undefined;
  }

  /** Another writer continues or stops: after two and a half heartbeats without a change the agent writes again. */
  #yields(current: Condition | undefined): boolean {
    if (this.#sent !== undefined && current !== undefined && isSame(current, this.#sent))
      this.#written = afterWrite(this.#sent, this.#written, this.#nowMs());
    this.#sent = undefined;
    const isAlive =
      this.#yielded === undefined
        ? !isOurs(current, this.#written)
        : current !== undefined && current.lastHeartbeatTime !== this.#yielded.to.lastHeartbeatTime;
    if (!isAlive || current === undefined) {
      if (this.#yielded !== undefined) this.#written = afterWrite(this.#yielded.to, undefined, 0);
      this.#yielded = undefined;
      return false;
    }
    const untilMs = this.#nowMs() + this.#tempo.heartbeatMs * (2.5 + this.#options.random());
    this.#yielded = { untilMs, to: current };
    this.state = { is: 'yielded' };
    return true;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#retryMs = 0;
    this.state = { is: 'written', at: new Date(this.#nowMs()) };
  }

  #failed(fault: Fault): void {
    const bound = Math.min(failureMs.most, failureMs.first * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#retryMs = this.#nowMs() + bound * (0.5 + this.#options.random());
    this.state = { is: 'failing', fault };
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #nowMs(): number {
    return this.#options.now().getTime();
  }
}
