/**
 * Events on the Node, events.k8s.io/v1: one when a verdict changes, and never a flood. What does not fit is dropped and
 * counted: the report and the metrics hold it anyway. It must not know verdicts.
 */
import { type Bad, type Outcome, good } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';

export interface NodeNews {
  /** What the news is about, to tell a repetition: an image. */
  readonly about: string;
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly note: string;
}

export type EventEnding = 'written' | 'repeated' | 'too_many';

/** As client-go's spam filter, made for a node whose registry fails all images at once: a burst, then one a minute. */
const burst = 10;
const refillMs = 60_000;
/** The same news about the same image within this time is a repetition. */
const repeatMs = 600_000;
const mostRemembered = 1000;

export class NodeEvents {
  readonly #cluster: Cluster;
  readonly #nodeName: string;
  readonly #now: () => Date;
  readonly #posted = new Map<string, { readonly what: string; readonly atMs: number }>();
  #tokens = burst;
  #countedMs: number;

  constructor(cluster: Cluster, nodeName: string, now: () => Date) {
    this.#cluster = cluster;
    this.#nodeName = nodeName;
    this.#now = now;
    this.#countedMs = now().getTime();
  }

  async write(news: NodeNews): Promise<Outcome<EventEnding>> {
    const nowMs = this.#now().getTime();
    const what = `${news.type} ${news.reason}`;
    const shown = this.#posted.get(news.about);
    if (shown?.what === what && nowMs - shown.atMs < repeatMs) return good('repeated');
    if (!this.#take(nowMs)) return good('too_many');
    const answer = await this.#cluster.ask({
      method: 'POST',
      path: '/apis/events.k8s.io/v1/namespaces/default/events',
      body: eventOf(news, this.#nodeName, new Date(nowMs)),
      ...objectBounds,
    });
    if (answer.is !== 'answered') return refused(answer);
    if (this.#posted.size >= mostRemembered) this.#posted.clear();
    this.#posted.set(news.about, { what, atMs: nowMs });
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
function eventOf(news: NodeNews, nodeName: string, now: Date): object {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    // A prefix is checked as a name without its last dash (apimachinery NameIsDNSSubdomain): one that ends in a dot is refused.
    metadata: { generateName: 'drypull-', namespace: 'default' },
    eventTime: now.toISOString().replace('Z', '000Z'),
    reportingController: 'drypull',
    reportingInstance: nodeName.slice(0, 128),
    action: 'RehearsePull',
    reason: news.reason,
    regarding: { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName },
    note: clipBytes(news.note, 1024),
    type: news.type,
  };
}

/** The API server counts bytes and refuses more (k8s pkg/apis/core/validation/events.go NoteLengthLimit). */
function clipBytes(note: string, most: number): string {
  const bytes = Buffer.from(note, 'utf8');
  if (bytes.length <= most) return note;
  return `${bytes
    .subarray(0, most - 6)
    .toString('utf8')
    .replace(/\uFFFD$/, '')}…`;
}
