/**
 * Reads a proxy's answer to CONNECT or SOCKS from a socket that carries the registry's bytes afterwards: exactly the bytes of the
 * answer are taken, and the rest stays in the socket.
 */
import type { Socket } from 'node:net';
import { ByteBuffer } from '#data/byte-buffer.ts';
import { joinHostPort } from '#go/host-port.ts';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { wireFault } from '#registry/fault.ts';

export interface ReaderOptions {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** For everything that is read, together. */
  readonly timeoutMs: number;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

/** What the reader holds at most; a head is shorter. */
const mostHeldBytes = 128 * 1024;

export class Reader {
  readonly #socket: Socket;
  readonly #options: ReaderOptions;
  readonly #startMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #held = new ByteBuffer(mostHeldBytes);
  #fault: Fault | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, options: ReaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#startMs = options.elapsedMs();
    this.#timer = setTimeout(this.#onTimeout, options.timeoutMs);
    options.signal.addEventListener('abort', this.#onAbort);
    socket.on('readable', this.#onReadable).on('end', this.#onEnd).on('error', this.#onError);
    if (options.signal.aborted) this.#onAbort();
  }

  /** The other end, as Go writes it. */
  get peer(): string {
    return joinHostPort(this.#options.address, this.#options.port);
  }

  write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  /** Up to and including the empty line that ends a head. */
  async readHead(mostBytes: number): Promise<Outcome<string>> {
    let searched = 0;
    const read = await this.#until(() => {
      const bytes = this.#held.bytes();
      const end = endOfHead(bytes, searched);
      searched = Math.max(0, bytes.length - 3);
      if (end === undefined && bytes.length > mostBytes)
        this.#fail({ code: 'api.malformed', host: this.#options.host, why: 'endless head' });
      return end;
    });
    return read.ok ? good(Buffer.from(read.value).toString('latin1')) : read;
  }

  async readBytes(count: number): Promise<Outcome<Uint8Array>> {
    return this.#until(() => (this.#held.length >= count ? count : undefined));
  }

  /** Gives the socket back, together with bytes that were read beyond the answer. */
  release(): void {
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#socket.off('readable', this.#onReadable).off('end', this.#onEnd).off('error', this.#onError);
    if (this.#held.length > 0 && !this.#socket.destroyed) this.#socket.unshift(Buffer.from(this.#held.bytes()));
    this.#held.drop(this.#held.length);
  }

  async #until(ready: () => number | undefined): Promise<Outcome<Uint8Array>> {
    for (;;) {
      const length = ready();
      if (length !== undefined) {
        const taken = this.#held.bytes().slice(0, length);
        this.#held.drop(length);
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
    if (this.#held.add(chunk) !== 'added')
      this.#fail({ code: 'api.malformed', host: this.#options.host, why: 'endless answer' });
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    const { address, port } = this.#options;
    this.#fail({ code: 'tcp.closed', address, port, failurePoint: 'response' });
  };

  readonly #onError = (error: Error): void => {
    this.#fail(wireFault(error, { ...this.#options, failurePoint: 'response', afterMs: this.#afterMs() }));
  };

  readonly #onTimeout = (): void => {
    this.#fail({ code: 'api.timed_out', host: this.#options.host, afterMs: this.#afterMs() });
  };

  readonly #onAbort = (): void => {
    this.#fail({ code: 'agent.out_of_time', step: 'proxy', afterMs: this.#afterMs() });
  };

  #afterMs(): number {
    return Math.round(this.#options.elapsedMs() - this.#startMs);
  }

  #fail(fault: Fault): void {
    this.#fault ??= fault;
    this.#wake?.();
  }
}

/** The offset behind an empty line: LF, an optional CR, LF. */
function endOfHead(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return undefined;
}
