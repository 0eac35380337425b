/**
 * One collection of the API server, listed and then watched for ever, as client-go's Reflector does it
 * (client-go v1.36 tools/cache/reflector.go ListAndWatch, relistResourceVersion, watch): the first list is served from the
 * API server's cache (resourceVersion=0), the watch goes on from the list's version, bookmarks move it on, 410 lists again,
 * and whatever breaks is tried again after a pause with full jitter. It must not know what the objects are.
 */
import type { Fault } from '#report/fault.ts';
import type { Cluster } from './connect.ts';
import { type Answer, type Away, type Call, MiB, type Refused, faultOf } from './call.ts';
import { at, numberAt, parseJson, textAt } from './json.ts';
import { type Pause, afterFailure, none, pauseMs } from './pauses.ts';

/** The outside of this room: a clock, a pause that ends early (and well) when it is aborted, a random number below 1. */
export interface ListWatchOptions {
  readonly now: () => Date;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
}

export interface Collection {
  /** For people and faults: `the Pods of node1`. */
  readonly what: string;
  readonly path: string;
  readonly selector?: { readonly fieldSelector: string } | { readonly labelSelector: string };
}

export interface Listener<T = unknown> {
  /** What is kept of an item of a list, right after it came: the rest is forgotten at once. */
  readonly read: (item: unknown) => T;
  /** Of a large collection: its list comes here page by page, each then forgotten; `replaced` says, without items, when it ends. */
  readonly page?: (items: readonly T[], isFirst: boolean) => void;
  /** A whole new list: what is not in it is gone. */
  readonly replaced: (items: readonly T[]) => void;
  readonly changed: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown) => void;
  /** The watch is open, or why it is not. */
  readonly link: (link: Link) => void;
}

export type Link = { readonly is: 'open' } | { readonly is: 'down'; readonly fault: Fault };

export interface ListWatch {
  close(): Promise<void>;
}

/** client-go's Reflector: watches end after 5 to 10 minutes, so that API servers get their share of clients again. */
const watchSeconds = 300;
/** A watch that stood this long was no failure, however little it said. */
const longMs = 60_000;
/** 500 Pods are 5 MiB; more than this is no node. */
const listBounds = { deadlineMs: 60_000, maxBytes: 64 * MiB } as const;
/** Of a node's Pods; and where no more than a page is held: a hundred thousand objects are more than a cluster is made for. */
const pages = { whole: { size: 250, most: 40 }, taken: { size: 50, most: 2000 } } as const;

export function listWatch<T>(
  cluster: Cluster,
  collection: Collection,
  dependencies: { readonly listener: Listener<T>; readonly dependencies: ListWatchOptions },
): ListWatch {
  const closing = new AbortController();
  const running = new Loop(cluster, collection, { ...dependencies, signal: closing.signal }).run();
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
  /** What was read of its items. */
  readonly found: T[];
}

class Loop<T> {
  readonly #cluster: Cluster;
  readonly #collection: Collection;
  readonly #listener: Listener<T>;
  readonly #dependencies: ListWatchOptions;
  readonly #signal: AbortSignal;
  /** `0`: whatever the API server's cache holds. */
  #version = '0';
  #failures = none;

  constructor(
    cluster: Cluster,
    collection: Collection,
    world: { readonly listener: Listener<T>; readonly dependencies: ListWatchOptions; readonly signal: AbortSignal },
  ) {
    this.#cluster = cluster;
    this.#collection = collection;
    this.#listener = world.listener;
    this.#dependencies = world.dependencies;
    this.#signal = world.signal;
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
    await this.#dependencies.delay(pauseMs(pause, this.#failures, this.#dependencies.random()), this.#signal);
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
   * From the cache (a version is given) there are no pages: a limit would send the API server to etcd for all Pods of the
   * cluster. Without a version it goes there anyway, and pages bound both sides.
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
    // reflector.go isExpiredError and isTooLargeResourceVersionError: the version is what the server cannot serve.
    const stale = answer.is === 'refused' && (answer.status === 410 || answer.status === 504);
    const again = stale || more !== '' ? 'list_latest' : next;
    return { next: again, ...this.#after(answer, stale && next === 'list' ? 'short' : 'grows') };
  }

  async #watch(): Promise<Step> {
    const { path, selector } = this.#collection;
    const seconds = Math.round(watchSeconds * (1 + this.#dependencies.random()));
    const watching = { watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(seconds) };
    const query = { ...selector, resourceVersion: this.#version, ...watching };
    const call: Call = { method: 'GET', path, query, deadlineMs: seconds * 1000 + 30_000, maxBytes: MiB };
    const answer = await this.#cluster.follow(call, this.#signal);
    if (answer.is === 'following') return this.#hear(answer.lines);
    const gone = answer.is === 'refused' && answer.status === 410;
    return gone ? { next: 'list_latest', pause: 'short' } : { next: 'watch', ...this.#after(answer, 'grows') };
  }

  async #hear(lines: AsyncIterable<string>): Promise<Step> {
    this.#listener.link({ is: 'open' });
    const since = this.#dependencies.now().getTime();
    let lived = false;
    try {
      for await (const line of lines) {
        const stop = this.#take(parseJson(line));
        if (stop !== undefined) return stop;
        lived = true;
        this.#failures = none;
      }
    } catch {
      return { next: 'watch', pause: 'grows', fault: this.#lost('the connection broke') };
    }
    // Watches end, that is their nature; one that ends at once and says nothing must not become a busy loop.
    lived ||= this.#dependencies.now().getTime() - since >= longMs;
    if (lived) this.#failures = none;
    return { next: 'watch', pause: lived ? 'short' : 'grows', fault: this.#lost('the watch ended') };
  }

  /** One watch event. A step where the watch cannot go on. */
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
        const heard = `${textAt(object, 'reason')} ${textAt(object, 'message')}`.trim();
        const fault = this.#lost(`the watch said ${code} ${heard}`.slice(0, 300));
        return { next: code === 410 ? 'list_latest' : 'list', pause: code === 410 ? 'short' : 'grows', fault };
      }
      default:
        return this.#unreadable('list_latest');
    }
  }

  #after(answer: Exclude<Answer, { is: 'answered' }>, pause: 'short' | 'grows'): Omit<Step, 'next'> {
    const { fault } = faultOf(this.#collection.what, answer);
    if (answer.is === 'away') return { pause, fault };
    // What is not granted, or a kind that is not installed: it may come any moment, and is not urgent.
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
