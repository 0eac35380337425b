/**
 * Reads the few bytes that a proxy says before it becomes a wire, from a socket that has another owner afterwards: takes
 * exactly what belongs to the proxy's words and leaves the rest in the socket.
 */
import type { Socket } from 'node:net';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { joinHostPort } from './host-port.ts';
import { wireFault } from '#registry/fault.ts';

export interface Reading {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** For all that is read, together. */
  readonly timeoutMs: number;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

export class Reader {
  readonly #socket: Socket;
  readonly #reading: Reading;
  readonly #startMs: number;
  readonly #timer: NodeJS.Timeout;
  #held: Buffer = Buffer.alloc(0);
  #fault: Fault | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, reading: Reading) {
    this.#socket = socket;
    this.#reading = reading;
    this.#startMs = reading.elapsedMs();
    this.#timer = setTimeout(this.#onTimeout, reading.timeoutMs);
    reading.signal.addEventListener('abort', this.#onAbort);
    socket.on('readable', this.#onReadable).on('end', this.#onEnd).on('error', this.#onError);
    if (reading.signal.aborted) this.#onAbort();
  }

  /** The other end, as Go writes it. */
  get peer(): string {
    return joinHostPort(this.#reading.address, this.#reading.port);
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Up to and with the empty line that ends a head. */
  async readHead(mostBytes: number): Promise<Outcome<string>> {
    return this.#until(() => {
      const end = /\r?\n\r?\n/.exec(this.#held.toString('latin1'));
      if (end !== null) return end.index + end[0].length;
      if (this.#held.length > mostBytes)
        this.#fail({ code: 'api.malformed', host: this.#reading.host, why: 'endless head' });
      return undefined;
    }).then((outcome) => (outcome.ok ? good(outcome.value.toString('latin1')) : outcome));
  }

  async readBytes(count: number): Promise<Outcome<Buffer>> {
    return this.#until(() => (this.#held.length >= count ? count : undefined));
  }

  /** Gives the socket back with what was read too much. */
  release(): void {
    clearTimeout(this.#timer);
    this.#reading.signal.removeEventListener('abort', this.#onAbort);
    this.#socket.off('readable', this.#onReadable).off('end', this.#onEnd).off('error', this.#onError);
    if (this.#held.length > 0 && !this.#socket.destroyed) this.#socket.unshift(this.#held);
    this.#held = Buffer.alloc(0);
  }

  async #until(ready: () => number | undefined): Promise<Outcome<Buffer>> {
    for (;;) {
      const length = ready();
      if (length !== undefined) {
        const taken = this.#held.subarray(0, length);
        this.#held = this.#held.subarray(length);
        return good(taken);
      }
      if (this.#fault !== undefined) return bad(this.#fault);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  readonly #onReadable = (): void => {
    const chunk: unknown = this.#socket.read();
    if (!(chunk instanceof Buffer)) return;
    this.#held = Buffer.concat([this.#held, chunk]);
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    const { address, port } = this.#reading;
    this.#fail({ code: 'tcp.closed', address, port, failurePoint: 'response' });
  };

  readonly #onError = (error: Error): void => {
    this.#fail(wireFault(error, { ...this.#reading, failurePoint: 'response', afterMs: this.#afterMs() }));
  };

  readonly #onTimeout = (): void => {
    this.#fail({ code: 'api.timed_out', host: this.#reading.host, afterMs: this.#afterMs() });
  };

  readonly #onAbort = (): void => {
    this.#fail({ code: 'agent.out_of_time', step: 'proxy', afterMs: this.#afterMs() });
  };

  #afterMs(): number {
    return Math.round(this.#reading.elapsedMs() - this.#startMs);
  }

  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#wake?.();
  }
}
