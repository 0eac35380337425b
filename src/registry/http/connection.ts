/** One open connection and the HTTP/1.1 client on it: one request at a time. */
import { Client } from 'undici';
import { bad } from '#report/outcome.ts';
import type { Peer } from '#registry/dial.ts';
import { Exchange, type Exchanged } from './exchange.ts';
import type { Ask } from '#registry/wire.ts';

/** containerd's http.Transport.IdleConnTimeout. */
const idleLimitMs = 30_000;
/** Go reads 10 MiB. Proxies and servers of the field send at most 32 KiB; small headers cost many times their size in memory. */
const mostHeaderBytes = 64 * 1024;

/** Keeps undici from dialling again where the socket is gone: to the request this is ECONNRESET. */
class SocketGone extends Error {
  readonly code = 'ECONNRESET';
}

/** How requests are written on this connection. */
export interface RequestForm {
  /** Through a proxy without a tunnel: the whole URL, and the proxy's credentials. */
  readonly absolute: boolean;
  readonly extraHeaders: readonly string[];
}

export class Connection {
  /** The number of requests that were sent. */
  served = 0;
  readonly #peer: Peer;
  readonly #client: Client;
  readonly #form: RequestForm;
  readonly #elapsedMs: () => number;
  #firstError: Error | undefined;

  constructor(peer: Peer, form: RequestForm, elapsedMs: () => number) {
    this.#peer = peer;
    this.#form = form;
    this.#elapsedMs = elapsedMs;
    // Node reports a TLS alert without closing the socket, and undici drops it when the end follows.
    peer.socket.on('error', (error) => (this.#firstError ??= error));
    let given = false;
    // undici takes no scheme from this URL: TLS is in the socket already.
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
        // undici drops its request where the callback is called synchronously.
        queueMicrotask(() => (first ? callback(null, peer.socket) : callback(new SocketGone(), null)));
      },
    });
  }

  /** The address of the other end: the proxy's where there is a proxy. */
  get address(): string {
    return this.#peer.address;
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
        // By default undici closes the connection after every HEAD.
        reset: false,
        ...(ask.body === undefined ? {} : { body: ask.body }),
      },
      exchange,
    );
    const exchanged = await exchange.ended;
    // What is left on the connection belongs to a response that is not read to its end.
    if (!exchanged.outcome.ok || !exchanged.outcome.value.whole) void this.destroy();
    return exchanged;
  }

  onClose(listener: () => void): void {
    this.#peer.socket.once('close', listener);
  }

  async destroy(): Promise<void> {
    // In this order a pending request ends because the agent ended it, not because the socket closed.
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
