/**
 * One TCP connection to a port of a Pod, made of the messages of a WebSocket: what every dialect of the port-forward has in
 * common. It must not know HTTP, nor who is at the other end.
 */
import { Duplex } from 'node:stream';

/** A dialect turns bytes into messages and back. */
export interface Dialect {
  /** Said at once, before any data. */
  readonly hello: () => readonly Uint8Array[];
  readonly data: (chunk: Uint8Array) => readonly Uint8Array[];
  /** One message, as it came: what of it is for the reader, and what to say in return. */
  readonly read: (message: Uint8Array) => Read;
}

export interface Read {
  readonly data: readonly Uint8Array[];
  readonly replies: readonly Uint8Array[];
  /** Data may be sent from now on. */
  readonly isOpen: boolean;
  /** The other end has said all it had to say. */
  readonly isOver: boolean;
  /** Why the connection to the port failed, in the words of whoever tried. */
  readonly problem?: string;
}

/** What carries the messages: a WebSocket. */
export interface Carrier {
  readonly send: (message: Uint8Array) => void;
  readonly close: () => void;
}

export class Tunnel extends Duplex {
  readonly #dialect: Dialect;
  readonly #carrier: Carrier;
  #isOpen = false;
  #waiting: (() => void) | undefined;

  constructor(dialect: Dialect, carrier: Carrier) {
    super();
    this.#dialect = dialect;
    this.#carrier = carrier;
    // Whoever uses it next finds what it died of in `errored`.
    this.on('error', () => undefined);
    for (const message of dialect.hello()) carrier.send(message);
  }

  /** A message has come. */
  hear(message: Uint8Array): void {
    const { data, replies, isOpen, isOver, problem } = this.#dialect.read(message);
    for (const reply of replies) this.#carrier.send(reply);
    if (problem !== undefined) {
      this.destroy(new TunnelError(problem));
      return;
    }
    for (const chunk of data) this.push(chunk);
    if (isOpen && !this.#isOpen) {
      this.#isOpen = true;
      this.#waiting?.();
      this.#waiting = undefined;
    }
    if (isOver) this.push(null);
  }

  /** The carrier is gone. */
  over(): void {
    this.push(null);
    if (!this.#isOpen) this.destroy(new TunnelError('the connection ended before the port was open'));
  }

  /** Messages are pushed by the carrier as they come. */
  override _read(): void {
    return;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    const send = (): void => {
      for (const message of this.#dialect.data(chunk)) this.#carrier.send(message);
      done();
    };
    if (this.#isOpen) send();
    else this.#waiting = send;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#carrier.close();
    done(error);
  }
}

export class TunnelError extends Error {
  override name = 'TunnelError';
}
