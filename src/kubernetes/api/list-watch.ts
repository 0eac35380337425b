/**
 * Lists one collection of the API server and then watches it until it is closed, as client-go's Reflector does
 * (client-go v1.36 tools/cache/reflector.go ListAndWatch, relistResourceVersion, watch): the first list comes from the API
 * server's cache (resourceVersion=0), the watch starts at the list's version, bookmarks advance it, after 410 it lists again,
 * and after any other failure it retries after a pause with full jitter.
 */
import type { Fault } from '#report/fault.ts';
import type { Cluster } from './connect.ts';
import { type Answer, type Away, type Call, MiB, type Refused, faultOf } from './call.ts';
import { at, numberAt, textAt } from './json.ts';
import { type Pause, afterFailure, none, pauseMs } from './pauses.ts';
import { parseJson } from '#data/json.ts';

/** A clock, a pause that resolves early when it is aborted, and a random number below 1. */
export interface ListWatchOptions {
  readonly now: () => Date;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

export interface Collection {
  /** For messages and faults: `the Pods of node1`. */
  readonly what: string;
  readonly path: string;
  readonly selector?: { readonly fieldSelector: string } | { readonly labelSelector: string };
}

export interface Listener<T = unknown> {
  /** Reads an item of a list when it arrives; only the result is kept. */
  readonly read: (item: unknown) => T;
  /** For a large collection: receives the list page by page; `replaced` follows at its end, without items. */
  readonly page?: (items: readonly T[], isFirst: boolean) => void;
  /** A complete list: objects that are not in it are gone. */
  readonly replaced: (items: readonly T[]) => void;
  readonly changed: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown) => void;
  /** The watch has opened, or has ended and why. */
  readonly link: (link: Link) => void;
}

export type Link = { readonly is: 'open' } | { readonly is: 'down'; readonly fault: Fault };

export interface ListWatch {
  close(): Promise<void>;
}

/** client-go's Reflector: watches end after 5 to 10 minutes, so that clients spread over the API servers again. */
const watchSeconds = 300;
/** A watch that was open this long did not fail, even without events. */
const longMs = 60_000;
/** 500 Pods are 5 MiB; no node has more than this. */
const listBounds = { deadlineMs: 60_000, maxBytes: 64 * MiB } as const;
/** `whole`: a node's Pods. `taken`: one page at a time is in memory; a cluster is not built for more than 100,000 objects. */
const pages = { whole: { size: 250, most: 40 }, taken: { size: 50, most: 2000 } } as const;

export function listWatch<T>(
  cluster: Cluster,
  collection: Collection,
  watching: { readonly listener: Listener<T>; readonly options: ListWatchOptions },
): ListWatch {
  const closing = new AbortController();
  const running = new Loop(cluster, collection, { ...watching, signal: closing.signal }).run();
  return {
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

type Next = 'list' | 'list_latest' | 'watch';
interface Step {
  readonly next: Next;
  readonly pause: Pause;
  readonly fault?: Fault;
}

interface Page<T> {
  readonly version: string;
  readonly more: string;
  /** Its items, as the listener has read them. */
  readonly found: T[];
}

class Loop<T> {
  readonly #cluster: Cluster;
  readonly #collection: Collection;
  readonly #listener: Listener<T>;
  readonly #options: ListWatchOptions;
  readonly #signal: AbortSignal;
  /** `0`: any version in the API server's cache. */
  #version = '0';
  #failures = none;

  constructor(
    cluster: Cluster,
    collection: Collection,
    watching: { readonly listener: Listener<T>; readonly options: ListWatchOptions; readonly signal: AbortSignal },
  ) {
    this.#cluster = cluster;
    this.#collection = collection;
    this.#listener = watching.listener;
    this.#options = watching.options;
    this.#signal = watching.signal;
  }

  async run(): Promise<void> {
    let next: Next = 'list';
    while (!this.#isClosed()) {
      const step: Step = next === 'watch' ? await this.#watch() : await this.#list(next);
      if (this.#isClosed()) return;
      if (step.fault !== undefined) this.#listener.link({ is: 'down', fault: step.fault });
      next = step.next;
      await this.#pause(step.pause);
    }
  }

  #isClosed(): boolean {
    return this.#signal.aborted;
  }

  async #pause(pause: Pause): Promise<void> {
    if (pause === 'none') return;
    this.#failures = afterFailure(this.#failures, pause);
    await this.#options.delay(pauseMs(pause, this.#failures, this.#options.random()), this.#signal);
  }

  async #list(next: 'list' | 'list_latest'): Promise<Step> {
    const take = this.#listener.page;
    const version = next === 'list' && take === undefined ? this.#version : '';
    const items: T[] = [];
    let more = '';
    for (let page = 0; page < pages[take === undefined ? 'whole' : 'taken'].most; page += 1) {
      const found: T[] = take === undefined ? items : [];
      const answer = await this.#cluster.ask(this.#listCall({ version, more, found }));
      if (answer.is !== 'answered') return this.#listFailed(next, more, answer);
      take?.(found, page === 0);
      const upTo = textAt(answer.body, 'metadata', 'resourceVersion');
      if (upTo === '' || !Array.isArray(at(answer.body, 'items') ?? [])) return this.#unreadable('list_latest');
      this.#version = upTo;
      more = textAt(answer.body, 'metadata', 'continue');
      if (more === '') {
        this.#listener.replaced(items);
        return { next: 'watch', pause: 'none' };
      }
    }
    return this.#unreadable('list_latest');
  }

  /**
   * With a version the list comes from the cache, without pages: a limit would make the API server read all Pods of the cluster
   * from etcd. Without a version it reads etcd anyway, and pages bound both sides.
   */
  #listCall({ version, more, found }: Page<T>): Call {
    const { path, selector } = this.#collection;
    const { size } = pages[this.#listener.page === undefined ? 'whole' : 'taken'];
    const paging = { limit: String(size), ...(more === '' ? {} : { continue: more }) };
    const cached = { resourceVersion: version, resourceVersionMatch: 'NotOlderThan' };
    const query = { ...selector, ...(version === '' ? paging : cached) };
    return {
      method: 'GET',
      path,
      query,
      ...listBounds,
      takeItem: (item) => void found.push(this.#listener.read(item)),
    };
  }

  #listFailed(next: 'list' | 'list_latest', more: string, answer: Refused | Away): Step {
    // reflector.go isExpiredError and isTooLargeResourceVersionError: the server cannot serve this version.
    const stale = answer.is === 'refused' && (answer.status === 410 || answer.status === 504);
    const again = stale || more !== '' ? 'list_latest' : next;
    return { next: again, ...this.#after(answer, stale && next === 'list' ? 'short' : 'grows') };
  }

  async #watch(): Promise<Step> {
    const { path, selector } = this.#collection;
    const seconds = Math.round(watchSeconds * (1 + this.#options.random()));
    const watching = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
    const query = { ...selector, resourceVersion: this.#version, ...watching };
    const call: Call = { method: 'GET', path, query, deadlineMs: seconds * 1000 + 30_000, maxBytes: MiB };
    const answer = await this.#cluster.follow(call, this.#signal);
    if (answer.is === 'following') return this.#follow(answer.lines);
    const gone = answer.is === 'refused' && answer.status === 410;
    return gone ? { next: 'list_latest', pause: 'short' } : { next: 'watch', ...this.#after(answer, 'grows') };
  }

  async #follow(lines: AsyncIterable<string>): Promise<Step> {
    this.#listener.link({ is: 'open' });
    const since = this.#options.now().getTime();
    let hadEvents = false;
    try {
      for await (const line of lines) {
        const stop = this.#take(parseJson(line));
        if (stop !== undefined) return stop;
        hadEvents = true;
        this.#failures = none;
      }
    } catch {
      return { next: 'watch', pause: 'grows', fault: this.#lost('the connection broke') };
    }
    // Every watch ends. One that ends at once and without events must not become a busy loop.
    const isGood = hadEvents || this.#options.now().getTime() - since >= longMs;
    if (isGood) this.#failures = none;
    return { next: 'watch', pause: isGood ? 'short' : 'grows', fault: this.#lost('the watch ended') };
  }

  /** One watch event. Returns a step where the watch cannot continue. */
  #take(event: unknown): Step | undefined {
    const type = textAt(event, 'type');
    const object = at(event, 'object');
    const version = textAt(object, 'metadata', 'resourceVersion');
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
      case 'DELETED':
      case 'BOOKMARK':
        if (version === '') return this.#unreadable('list_latest');
        this.#version = version;
        if (type !== 'BOOKMARK') this.#listener.changed(type, object);
        return undefined;
      case 'ERROR': {
        const code = numberAt(object, 'code') ?? 500;
        const message = `${textAt(object, 'reason')} ${textAt(object, 'message')}`.trim();
        const fault = this.#lost(`the watch said ${code} ${message}`.slice(0, 300));
        return { next: code === 410 ? 'list_latest' : 'list', pause: code === 410 ? 'short' : 'grows', fault };
      }
      default:
        return this.#unreadable('list_latest');
    }
  }

  #after(answer: Exclude<Answer, { is: 'answered' }>, pause: 'short' | 'grows'): Omit<Step, 'next'> {
    const { fault } = faultOf(this.#collection.what, answer);
    if (answer.is === 'away') return { pause, fault };
    // A right that is not granted, or a kind that is not installed: it may appear at any time, and is not urgent.
    if (answer.status === 403 || answer.status === 404) return { pause: 'grows_far', fault };
    return { pause: answer.retryAfterMs === undefined ? pause : Math.min(answer.retryAfterMs, longMs), fault };
  }

  #unreadable(next: Next): Step {
    return { next, pause: 'grows', fault: this.#lost('it said what cannot be read') };
  }

  #lost(why: string): Fault {
    return { code: 'agent.cannot_see', what: this.#collection.what, why };
  }
}
