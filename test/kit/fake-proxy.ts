/**
 * Imitates a forward proxy (squid, Dante) on loopback: CONNECT, requests with whole URLs, and SOCKS 5. Every name leads to one
 * port of loopback, so that a test can use names that do not resolve.
 */
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { listen } from './silent-listener.ts';

export interface ProxyManner {
  /** Where everything leads. */
  readonly to: number;
  /** The answer instead of a tunnel: `403 Forbidden`. */
  readonly refuse?: string;
  /** `user:password`; without it 407. */
  readonly demand?: string;
  readonly silent?: boolean;
  /** TLS to the proxy itself. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** SOCKS 5 instead of HTTP; the number is its refusal. */
  readonly socks?: { readonly reply: number };
}

export interface FakeProxy extends AsyncDisposable {
  readonly port: number;
  /** Heads of requests, and for SOCKS `host:port`. */
  readonly received: readonly string[];
  /** The number of connections. */
  readonly met: () => number;
}

export async function fakeProxy(manner: ProxyManner): Promise<FakeProxy> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  let met = 0;
  const meet = (socket: Socket): void => {
    met += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (manner.silent === true) return;
    if (manner.socks === undefined) speakHttp(socket, manner, received);
    else speakSocks(socket, manner, received);
  };
  const server = manner.tls === undefined ? createServer(meet) : createTlsServer(manner.tls, meet);
  server.on('tlsClientError', () => undefined);
  const port = await listen(server, '127.0.0.1');
  return {
    port,
    received,
    met: () => met,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function speakHttp(socket: Socket, manner: ProxyManner, received: string[]): void {
  let held = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    const end = held.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.off('data', onData);
    const head = held.subarray(0, end).toString('latin1');
    received.push(head);
    const wanted = manner.demand === undefined ? '' : Buffer.from(manner.demand).toString('base64');
    if (wanted !== '' && !head.toLowerCase().includes(`proxy-authorization: basic ${wanted.toLowerCase()}`)) {
      socket.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    if (manner.refuse !== undefined) {
      socket.end(`HTTP/1.1 ${manner.refuse}\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const isTunnel = head.startsWith('CONNECT ');
    if (isTunnel) socket.write('HTTP/1.1 200 Connection established\r\nVia: fake\r\n\r\n');
    join(socket, manner.to, isTunnel ? held.subarray(end + 4) : held);
  };
  socket.on('data', onData);
}

function speakSocks(socket: Socket, manner: ProxyManner, received: string[]): void {
  let held = Buffer.alloc(0);
  let stage: 'methods' | 'login' | 'request' = 'methods';
  const onData = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    if (stage === 'methods' && held.length >= 2 + (held[1] ?? 0)) {
      held = held.subarray(2 + (held[1] ?? 0));
      stage = manner.demand === undefined ? 'request' : 'login';
      socket.write(Uint8Array.from([5, stage === 'login' ? 2 : 0]));
    } else if (stage === 'login') {
      const user = held[1] ?? 0;
      const login = `${held.subarray(2, 2 + user).toString()}:${held.subarray(3 + user).toString()}`;
      held = Buffer.alloc(0);
      stage = 'request';
      socket.write(Uint8Array.from([1, login === manner.demand ? 0 : 1]));
    } else if (stage === 'request') {
      const length = held[4] ?? 0;
      received.push(`${held.subarray(5, 5 + length).toString()}:${held.readUInt16BE(5 + length)}`);
      const reply = manner.socks?.reply ?? 0;
      socket.off('data', onData);
      socket.write(Uint8Array.from([5, reply, 0, 1, 127, 0, 0, 1, 0, 0]));
      if (reply === 0) join(socket, manner.to, held.subarray(7 + length));
    }
  };
  socket.on('data', onData);
}

function join(socket: Socket, port: number, first: Buffer): void {
  const onward = connect(port, '127.0.0.1');
  onward.on('error', () => socket.destroy());
  socket.on('close', () => onward.destroy());
  onward.on('close', () => socket.destroy());
  if (first.length > 0) onward.write(first);
  socket.pipe(onward).pipe(socket);
}
