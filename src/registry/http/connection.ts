/** One open connection and the HTTP/1.1 client that speaks on it: one request at a time. */
import { Client } from 'undici';
import { bad } from '#report/outcome.ts';
import type { Peer } from '#registry/dial.ts';
import { Exchange, type Exchanged } from './exchange.ts';
import type { Ask } from '#registry/wire.ts';

/** containerd's http.Transport.IdleConnTimeout. */
const idleLimitMs = 30_000;
/** Go reads 10 MiB; nobody sends a hundredth of this. */
const mostHeaderBytes = 1024 * 1024;

/** For undici, which would dial again where the socket is gone: ECONNRESET is what it is to the request. */
class Gone extends Error {
  readonly code = 'ECONNRESET';
}

/** How requests are written on this connection. */
export interface Form {
  /** Through a proxy without a tunnel: the whole URL, and the proxy's credentials. */
  readonly absolute: boolean;
  readonly extraHeaders: readonly string[];
}

export class Connection {
  /** Requests served before. */
  served = 0;
  readonly #peer: Peer;
  readonly #client: Client;
  readonly #form: Form;
  readonly #elapsedMs: () => number;
  #firstError: Error | undefined;

  constructor(peer: Peer, form: Form, elapsedMs: () => number) {
    this.#peer = peer;
    this.#form = form;
    this.#elapsedMs = elapsedMs;
    // Node reports a TLS alert without closing the socket, and undici forgets it when the end follows.
    peer.socket.on('error', (error) => (this.#firstError ??= error));
    let given = false;
    // The scheme tells undici nothing: TLS is in the socket already.
    this.#client = new Client('http://origin.invalid', {
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleLimitMs,
      keepAliveMaxTimeout: idleLimitMs,
      maxHeaderSize: mostHeaderBytes,
      connect: (_, callback) => {
        const first = !given;
        given = true;
        // undici forgets its request where the callback is called at once.
        queueMicrotask(() => (first ? callback(null, peer.socket) : callback(new Gone(), null)));
      },
    });
  }

  get isOpen(): boolean {
    const { socket } = this.#peer;
    return !socket.destroyed && !socket.readableEnded && socket.writable;
  }

  async send(ask: Ask): Promise<Exchanged> {
    const { url, method } = ask;
    const { address, port } = this.#peer;
    const { absolute, extraHeaders } = this.#form;
    const exchange = new Exchange(ask, {
      address,
      port,
      elapsedMs: this.#elapsedMs,
      firstError: () => this.#firstError,
    });
    if (ask.signal?.aborted === true) {
      return { outcome: bad({ code: 'agent.out_of_time', step: 'response', afterMs: 0 }), mayRepeat: false };
    }
    this.served += 1;
    const path = `${url.pathname}${url.search}`;
    this.#client.dispatch(
      {
        method,
        path: absolute ? `${url.origin}${path}` : path,
        headers: [...headersOf(ask), ...extraHeaders],
        // undici would close the connection after every HEAD.
        reset: false,
        ...(ask.body === undefined ? {} : { body: ask.body }),
      },
      exchange,
    );
    const exchanged = await exchange.ended;
    // What is left on the line belongs to an answer that nobody reads.
    if (!exchanged.outcome.ok || !exchanged.outcome.value.whole) void this.destroy();
    return exchanged;
  }

  onClose(listener: () => void): void {
    this.#peer.socket.once('close', listener);
  }

  async destroy(): Promise<void> {
    // In this order a request under way hears that we ended it, not that the socket closed.
    const destroyed = this.#client.destroy();
    this.#peer.socket.destroy();
    await destroyed;
  }
}

function headersOf(ask: Ask): string[] {
  const headers = ask.headers.flat();
  const named = ask.headers.some(([name]) => name.toLowerCase() === 'host');
  return named ? headers : ['host', ask.url.host, ...headers];
}
