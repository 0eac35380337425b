/**
 * One request on one connection, from its first byte to the end of its response, within bounds of time and size. Handles
 * undici's dispatch events directly, which adds microseconds only. Stricter than net/http in two ways that undici does not let
 * the agent change: lines that end in a bare LF, and `100 Continue` without an Expect header, are malformed.
 */
import type { Dispatcher } from 'undici';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Bad, type Outcome } from '#report/outcome.ts';
import { ByteBuffer, isCutTooFine } from '#data/byte-buffer.ts';
import { hashing, type Hashing } from '#image/digest.ts';
import type { Answer, Ask } from '#registry/wire.ts';
import { wireFault } from '#registry/fault.ts';

export interface Exchanged {
  readonly outcome: Outcome<Answer>;
  /** The connection ended before the server sent anything, and sending the request again does no harm. */
  readonly mayRepeat: boolean;
}

/** The connection that the request is sent on. */
export interface ExchangeConnection {
  readonly address: string;
  readonly port: number;
  readonly elapsedMs: () => number;
  /** The first error that the socket itself reported. */
  readonly firstError: () => Error | undefined;
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

export class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Exchanged>;
  readonly #ask: Ask;
  readonly #connection: ExchangeConnection;
  readonly #resolve: (exchanged: Exchanged) => void;
  readonly #body: ByteBuffer;
  readonly #hash: Hashing | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #startMs: number;
  #bytes = 0;
  #pieces = 0;
  #hasStarted = false;
  #isOver = false;
  #head: Pick<Answer, 'status' | 'headers'> | undefined;

  constructor(ask: Ask, connection: ExchangeConnection) {
    this.#ask = ask;
    this.#connection = connection;
    this.#startMs = connection.elapsedMs();
    this.#body = new ByteBuffer(ask.maxBytes);
    this.#hash = ask.hashAs === undefined ? undefined : hashing(ask.hashAs);
    const { promise, resolve } = Promise.withResolvers<Exchanged>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#timer = setTimeout(this.#onHeaderTimeout, ask.headerTimeoutMs);
    ask.signal?.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('over'));
  }

  onResponseStarted(): void {
    this.#hasStarted = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // 1xx: net/http reads on to the final response.
    if (status < 200 || this.#isOver) return;
    this.#head = { status, headers: valuesOf(headers) };
    clearTimeout(this.#timer);
    this.#startMs = this.#connection.elapsedMs();
    if (this.#ask.method !== 'HEAD') this.#timer = setTimeout(this.#onBodyTimeout, this.#ask.bodyTimeoutMs);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    const taken = chunk.subarray(0, this.#ask.maxBytes - this.#bytes);
    this.#bytes += taken.length;
    this.#pieces += 1;
    if (this.#hash === undefined) this.#body.add(taken);
    else this.#hash.update(taken);
    if (taken.length < chunk.length) {
      this.#finish({ whole: false });
      controller.abort(new Error('enough'));
    } else if (isCutTooFine(this.#pieces, this.#bytes)) {
      this.#stop({ code: 'api.malformed', host: this.#ask.url.host, why: 'the body comes in too many pieces' });
    }
  }

  onResponseEnd(): void {
    this.#finish({ whole: true });
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#isOver) return;
    const failurePoint = this.#head === undefined ? 'response' : 'body';
    const { address, port, firstError } = this.#connection;
    const at = { host: this.#ask.url.host, address, port, failurePoint, afterMs: this.#afterMs() } as const;
    const fault = wireFault(firstError() ?? error, at);
    const closed = fault.code === 'tcp.reset' || fault.code === 'tcp.closed';
    // net/http Request.isReplayable: what was sent is sent again only where it changes nothing.
    const harmless = this.#controller === undefined || this.#ask.method !== 'POST';
    this.#fail(fault, closed && !this.#hasStarted && harmless);
  }

  readonly #onHeaderTimeout = (): void => {
    this.#stop({ code: 'api.timed_out', host: this.#ask.url.host, afterMs: this.#ask.headerTimeoutMs });
  };

  readonly #onBodyTimeout = (): void => {
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

  /** Before the headers the request has failed; after them the response counts, with the fault that ended its body. */
  #fail(fault: Fault, mayRepeat: boolean): void {
    if (this.#head !== undefined) this.#finish({ whole: false, bodyFault: bad(fault) });
    else this.#end({ outcome: bad(fault), mayRepeat });
  }

  #finish(result: { readonly whole: boolean; readonly bodyFault?: Bad }): void {
    const head = this.#head;
    if (head === undefined) {
      const fault = { code: 'agent.bug', where: 'exchange', what: 'an answer without a head' } as const;
      this.#end({ outcome: bad(fault), mayRepeat: false });
      return;
    }
    const body = this.#body.bytes().slice();
    const hashed = this.#hash === undefined ? {} : { hashed: { digest: this.#hash.digest(), bytes: this.#bytes } };
    const outcome = good({ ...head, body, bodyMs: this.#afterMs(), ...hashed, ...result });
    this.#end({ outcome, mayRepeat: false });
  }

  #end(exchanged: Exchanged): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#ask.signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(exchanged);
  }

  #afterMs(): number {
    return Math.round(this.#connection.elapsedMs() - this.#startMs);
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
