/**
 * Events on the Node (events.k8s.io/v1): one for each change of a verdict, within a rate limit. Events beyond it are dropped and
 * counted; the report and the metrics contain the change anyway.
 */
import { LRUCache } from 'lru-cache';
import { type Bad, type Outcome, good } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';

export interface NodeEvent {
  /** The image that the event is about: a second equal event about it is a repetition. */
  readonly about: string;
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly note: string;
}

export type EventResult = 'written' | 'repeated' | 'too_many';

/** Like client-go's spam filter, for a node where a registry fails for all images at once: a burst, then one event a minute. */
const burst = 10;
const refillMs = 60_000;
/** An equal event about the same image within this time is a repetition. */
const repeatMs = 600_000;
const mostRemembered = 1000;

export class NodeEvents {
  readonly #cluster: Cluster;
  readonly #nodeName: string;
  readonly #now: () => Date;
  readonly #posted = new LRUCache<string, { readonly what: string; readonly atMs: number }>({ max: mostRemembered });
  #tokens = burst;
  #countedMs: number;

  constructor(cluster: Cluster, nodeName: string, now: () => Date) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
    this.#now = now;
    this.#countedMs = now().getTime();
  }

  async write(event: NodeEvent): Promise<Outcome<EventResult>> {
    const nowMs = this.#now().getTime();
    const what = `${event.type} ${event.reason}`;
    const shown = this.#posted.get(event.about);
    if (shown?.what === what && nowMs - shown.atMs < repeatMs) return good('repeated');
    if (!this.#take(nowMs)) return good('too_many');
    const answer = await this.#cluster.ask({
      method: 'POST',
      path: '/apis/events.k8s.io/v1/namespaces/default/events',
      body: eventOf(event, this.#nodeName, new Date(nowMs)),
      ...objectBounds,
    });
    if (answer.is !== 'answered') return refused(answer);
    this.#posted.set(event.about, { what, atMs: nowMs });
    return good('written');
  }

  #take(nowMs: number): boolean {
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#countedMs) / refillMs);
    this.#countedMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

function refused(answer: Parameters<typeof faultOf>[1]): Bad {
  return faultOf('create an Event', answer);
}

/**
 * A Node has no namespace: its Events live in `default`, and the kubelet's carry the node's name as its uid, by which
 * `kubectl describe node` finds them (k8s pkg/kubelet/kubelet.go nodeRef; kubectl describe.go NodeDescriber).
 */
function eventOf(event: NodeEvent, nodeName: string, now: Date): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // A generateName is validated without its last dash (apimachinery NameIsDNSSubdomain): one that ends in a dot is refused.
    metadata: { generateName: 'drypull-', namespace: 'default' },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'drypull',
    reportingInstance: nodeName.slice(0, 128),
    action: 'RehearsePull',
    reason: event.reason,
    regarding: { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName },
    note: clipBytes(event.note, 1024),
    type: event.type,
  };
}

/** The API server counts bytes and refuses a longer note (k8s pkg/apis/core/validation/events.go NoteLengthLimit). */
function clipBytes(note: string, most: number): string {
  const bytes = Buffer.from(note, 'utf8');
  if (bytes.length <= most) return note;
  return `${bytes
    .subarray(0, most - 6)
    .toString('utf8')
    .replace(/\uFFFD$/, '')}…`;
}
