/**
 * One request on one connection, from its first byte to the end of its answer, within bounds of time and size. Listens to
 * undici's dispatch events directly: what it adds to them is counted in microseconds. Stricter than net/http in two ways that
 * undici does not let us change: lines that end in a bare LF, and `100 Continue` that nobody asked for, are malformed.
 */
import type { Dispatcher } from 'undici';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Bad, type Outcome } from '#report/outcome.ts';
import { hashing, type Hashing } from '#image/digest.ts';
import type { Answer, Ask } from '#registry/wire.ts';
import { wireFault } from '#registry/fault.ts';

export interface Exchanged {
  readonly outcome: Outcome<Answer>;
  /** The connection died before the server said anything, and the request can be sent again without harm. */
  readonly mayRepeat: boolean;
}

/** The connection's side of the matter. */
export interface Line {
  readonly address: string;
  readonly port: number;
  readonly elapsedMs: () => number;
  /** What the socket itself complained of first. */
  readonly firstError: () => Error | undefined;
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

const nothing = new Uint8Array();

export class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Exchanged>;
  readonly #ask: Ask;
  readonly #line: Line;
  readonly #resolve: (exchanged: Exchanged) => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #hash: Hashing | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startMs: number;
  #bytes = 0;
  #heard = false;
  #over = false;
  #head: Pick<Answer, 'status' | 'headers'> | undefined;

  constructor(ask: Ask, line: Line) {
    this.#ask = ask;
    this.#line = line;
    this.#startMs = line.elapsedMs();
    this.#hash = ask.hashAs === undefined ? undefined : hashing(ask.hashAs);
    const { promise, resolve } = Promise.withResolvers<Exchanged>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#timer = setTimeout(this.#onSilence, ask.headerTimeoutMs);
    ask.signal?.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#over) controller.abort(new Error('over'));
  }

  onResponseStarted(): void {
    this.#heard = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // 1xx: net/http reads on to the real answer.
    if (status < 200 || this.#over) return;
    this.#head = { status, headers: valuesOf(headers) };
    clearTimeout(this.#timer);
    this.#startMs = this.#line.elapsedMs();
    if (this.#ask.method !== 'HEAD') this.#timer = setTimeout(this.#onDrip, this.#ask.bodyTimeoutMs);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    const space = this.#ask.maxBytes - this.#bytes;
    if (chunk.length <= space) {
      this.#bytes += chunk.length;
      this.#take(chunk);
      return;
    }
    this.#take(chunk.subarray(0, space));
    this.#finish({ whole: false });
    controller.abort(new Error('enough'));
  }

  #take(chunk: Uint8Array): void {
    if (this.#hash === undefined) this.#chunks.push(chunk);
    else this.#hash.update(chunk);
  }

  onResponseEnd(): void {
    this.#finish({ whole: true });
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#over) return;
    const failurePoint = this.#head === undefined ? 'response' : 'body';
    const { address, port, firstError } = this.#line;
    const spot = { host: this.#ask.url.host, address, port, failurePoint, afterMs: this.#afterMs() } as const;
    const fault = wireFault(firstError() ?? error, spot);
    const died = fault.code === 'tcp.reset' || fault.code === 'tcp.closed';
    // net/http Request.isReplayable: what was sent may be sent again only where it changes nothing.
    const harmless = this.#controller === undefined || this.#ask.method !== 'POST';
    this.#fail(fault, died && !this.#heard && harmless);
  }

  readonly #onSilence = (): void => {
    this.#stop({ code: 'api.timed_out', host: this.#ask.url.host, afterMs: this.#ask.headerTimeoutMs });
  };

  readonly #onDrip = (): void => {
    this.#stop({ code: 'api.timed_out', host: this.#ask.url.host, afterMs: this.#ask.bodyTimeoutMs });
  };

  readonly #onAbort = (): void => {
    const step = this.#head === undefined ? 'response' : 'body';
    this.#stop({ code: 'agent.out_of_time', step, afterMs: this.#afterMs() });
  };

  #stop(fault: Fault): void {
    this.#fail(fault, false);
    this.#controller?.abort(new Error('stopped'));
  }

  /** Before the headers the request has failed; after them the answer stands, with what broke it off. */
  #fail(fault: Fault, mayRepeat: boolean): void {
    if (this.#head !== undefined) this.#finish({ whole: false, bodyFault: bad(fault) });
    else this.#end({ outcome: bad(fault), mayRepeat });
  }

  #finish(how: { readonly whole: boolean; readonly bodyFault?: Bad }): void {
    const head = this.#head;
    if (head === undefined) {
      const fault = { code: 'agent.bug', where: 'exchange', what: 'an answer without a head' } as const;
      this.#end({ outcome: bad(fault), mayRepeat: false });
      return;
    }
    const body = this.#chunks.length === 0 ? nothing : Buffer.concat(this.#chunks);
    const hashed = this.#hash === undefined ? {} : { hashed: { digest: this.#hash.digest(), bytes: this.#bytes } };
    this.#end({ outcome: good({ ...head, body, bodyMs: this.#afterMs(), ...hashed, ...how }), mayRepeat: false });
  }

  #end(exchanged: Exchanged): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#ask.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(exchanged);
  }

  #afterMs(): number {
    return Math.round(this.#line.elapsedMs() - this.#startMs);
  }
}

function valuesOf(headers: Headers): Answer['headers'] {
  const values: Record<string, readonly string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) values[name] = typeof value === 'string' ? [value] : value;
  }
  return values;
}
