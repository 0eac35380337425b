/**
 * The door through which the cluster is told: the Node's condition ImagePullReady and Events on the Node. It writes when
 * something changed and has stood a while, and else beats slowly; it gives way to anybody else who writes the same
 * condition. It must not know verdicts or words: both come with what it is told to say.
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
import { type EventEnding, NodeEvents, type NodeNews } from './node-events.ts';
import { type Condition, type NodeFacts, readNodeFacts } from './node-facts.ts';

export type { NodeNews, Readiness };

export interface Publisher {
  /** What the condition should say from now on. Returns at once; the write comes when it is due. */
  publish(readiness: Readiness): void;
  news(news: NodeNews): Promise<Outcome<EventEnding>>;
  state(): PublishState;
  close(): Promise<void>;
}

export type PublishState =
  | { readonly is: 'silent' }
  | { readonly is: 'written'; readonly at: Date }
  /** Somebody else writes this condition; we wait until they have stopped. */
  | { readonly is: 'yielded' }
  | { readonly is: 'failing'; readonly fault: Fault };

export interface PublishWorld extends ListWatchOptions {
  readonly tempo?: Tempo;
}

/** A conflict means that the kubelet wrote in between: read and try again, a few times. */
const tries = 5;
const conflictMs = 200;
const failureMs = { first: 5000, most: 300_000 } as const;

export function publisher(cluster: Cluster, nodeName: string, world: PublishWorld): Publisher {
  const writer = new ConditionWriter(cluster, nodeName, world);
  const events = new NodeEvents(cluster, nodeName, world.now);
  return {
    publish: (readiness) => writer.publish(readiness),
    news: (news) => events.write(news),
    state: () => writer.state,
    close: () => writer.close(),
  };
}

class ConditionWriter {
  readonly #cluster: Cluster;
  readonly #nodeName: string;
  readonly #world: PublishWorld;
  readonly #tempo: Tempo;
  readonly #running: Promise<void>;
  state: PublishState = { is: 'silent' };
  #closed = false;
  #wake = new AbortController();
  #wanted: Wanted | undefined;
  #written: Written | undefined;
  /** Sent, and perhaps written although no answer came back. */
  #sent: Condition | undefined;
  #yielded: { readonly untilMs: number; readonly to: Condition } | undefined;
  #failures = 0;
  #retryMs = 0;

  constructor(cluster: Cluster, nodeName: string, world: PublishWorld) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
    this.#world = world;
    this.#tempo = world.tempo ?? defaultTempo;
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

  /** Until something else is wanted; timers of Node end at 24 days. */
  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#world.delay(Math.min(ms, 86_400_000), this.#wake.signal);
  }

  async #write(wanted: Wanted): Promise<void> {
    for (let tried = 0; tried < tries && !this.#isClosed(); tried += 1) {
      const node = await this.#node();
      if (node === undefined) return;
      const standing = node.conditions.find(({ type }) => type === conditionType);
      if (this.#yields(standing)) return;
      if (this.#written === undefined && standing !== undefined) {
        // Our own words from before a restart, most likely: nothing to write until the next beat.
        const atMs = Math.min(this.#nowMs(), Date.parse(standing.lastHeartbeatTime) || 0);
        this.#written = { condition: standing, atMs, flips: [] };
        return;
      }
      const condition = conditionOf(wanted, standing, new Date(this.#nowMs()));
      if (await this.#patch(node, condition)) return;
      await this.#sleep(conflictMs * (0.5 + this.#world.random()));
    }
    this.#failed({ code: 'agent.cannot_see', what: 'patch the Node', why: `${tries} conflicts in a row` });
  }

  /** True: done, well or not. False: a conflict. */
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

  /** Whoever else writes it goes on or stops: after two beats and a half without a change it is ours again. */
  #yields(standing: Condition | undefined): boolean {
    if (this.#sent !== undefined && standing !== undefined && isSame(standing, this.#sent))
      this.#written = afterWrite(this.#sent, this.#written, this.#nowMs());
    this.#sent = undefined;
    const isAlive =
      this.#yielded === undefined
        ? !isOurs(standing, this.#written)
        : standing !== undefined && standing.lastHeartbeatTime !== this.#yielded.to.lastHeartbeatTime;
    if (!isAlive || standing === undefined) {
      if (this.#yielded !== undefined) this.#written = afterWrite(this.#yielded.to, undefined, 0);
      this.#yielded = undefined;
      return false;
    }
    const untilMs = this.#nowMs() + this.#tempo.heartbeatMs * (2.5 + this.#world.random());
    this.#yielded = { untilMs, to: standing };
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
    this.#retryMs = this.#nowMs() + bound * (0.5 + this.#world.random());
    this.state = { is: 'failing', fault };
  }

  #isClosed(): boolean {
    return this.#closed;
  }

  #nowMs(): number {
    return this.#world.now().getTime();
  }
}
