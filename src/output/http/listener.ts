/**
 * What both listeners share: node:http with bounds against slow, huge and numerous clients, answers with the headers that keep
 * browsers honest, and an end that does not wait for idle connections.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, Server as PlainServer, ServerOptions, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Server as SecureServer } from 'node:https';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Pems, Renew } from './tls.ts';
import { pairProblem, refusedByTls, renewing, secureOptions } from './tls.ts';

export interface ListenAddress {
  /** Empty: every address of this machine. */
  readonly host: string;
  readonly port: number;
}

export interface Listening {
  /** For people: with a name that a browser on this machine understands. */
  readonly url: string;
  readonly port: number;
  /** Takes no more, lets answers under way end within `graceMs`, then cuts. */
  readonly close: (graceMs: number) => Promise<void>;
  /** Of a listener behind TLS. */
  readonly renew?: Renew;
}

export type Opened = { readonly ok: true; readonly value: Listening } | { readonly ok: false; readonly why: string };

export interface Reply {
  readonly status: number;
  readonly type: 'json' | 'html' | 'text' | 'metrics';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Respond = (request: IncomingMessage) => Promise<Reply>;

const types: { readonly [T in Reply['type']]: string } = {
  json: 'application/json; charset=utf-8',
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  metrics: 'text/plain; version=0.0.4; charset=utf-8',
};

/** Longer ones are nobody's image name: 255 for a repository, a tag of 128, a digest, each byte written as three. */
const longestUrl = 4096;

const bounds: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  // From the first byte to the last of the headers, and to the last of the body: what drips slower is cut off.
  headersTimeout: 5000,
  requestTimeout: 15_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 1000,
};
const mostConnections = 128;

/** With `pems` over TLS, else in the clear. */
export async function listen(at: ListenAddress, respond: Respond, pems?: Pems): Promise<Opened> {
  const reply = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response, respond);
  if (pems === undefined) return opened(bounded(createServer(bounds, reply)), at, undefined);
  const problem = pairProblem(pems);
  if (problem !== undefined) return { ok: false, why: `cannot listen over TLS: ${problem}` };
  const server = secured(pems, reply);
  if (server === undefined) return { ok: false, why: `cannot listen over TLS: ${refusedByTls}` };
  return opened(bounded(server), at, renewing(server));
}

function secured(
  pems: Pems,
  reply: (request: IncomingMessage, response: ServerResponse) => void,
): SecureServer | undefined {
  try {
    return createSecureServer({ ...bounds, ...secureOptions(pems) }, reply);
  } catch {
    return undefined;
  }
}

type Server = PlainServer | SecureServer;

function bounded(server: Server): Server {
  server.maxConnections = mostConnections;
  server.maxRequestsPerSocket = 1000;
  // A reader that takes nothing for so long is gone. A check may think longer: see check-listener.ts.
  server.setTimeout(30_000);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const { code = '' } = error;
    const status = clientStatus[code] ?? '400 Bad Request';
    // Where there is no TLS yet, or no more, nothing can be said.
    if (!socket.writable || /^(?:ERR_SSL_|ERR_TLS_|ECONN|EPIPE)/.test(code)) socket.destroy();
    else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  return server;
}

const clientStatus: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

function unusable({ code, name }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'something listens there already (EADDRINUSE); another address goes with the configuration key `listen` or `checkListen`';
    case 'EACCES':
      return 'ports below 1024 are for root (EACCES); another goes with the configuration key `listen`';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address (EADDRNOTAVAIL)';
    default:
      return code ?? name;
  }
}

async function opened(server: Server, { host, port }: ListenAddress, renew: Renew | undefined): Promise<Opened> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const { promise, resolve } = Promise.withResolvers<Opened>();
  const where = `${host === '' ? '*' : host}:${port}`;
  server.once('error', (error: NodeJS.ErrnoException) =>
    resolve({ ok: false, why: `cannot listen on ${where}: ${unusable(error)}` }),
  );
  server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
    server.on('error', () => undefined);
    const bound = server.address();
    const actual = bound === null || typeof bound === 'string' ? port : bound.port;
    resolve({
      ok: true,
      value: {
        url: `${renew === undefined ? 'http' : 'https'}://${nameFor(host, bound)}:${actual}/`,
        port: actual,
        close: (graceMs) => close(server, sockets, graceMs),
        ...(renew === undefined ? {} : { renew }),
      },
    });
  });
  return promise;
}

function nameFor(host: string, bound: AddressInfo | string | null): string {
  if (host === '' || host === '0.0.0.0' || host === '::') return 'localhost';
  const address = bound === null || typeof bound === 'string' ? host : bound.address;
  return address.includes(':') ? `[${address}]` : address;
}

/** At the end every socket is cut, also those whose TLS has not begun: closeAllConnections() does not know them. */
async function close(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.close(() => resolve(undefined));
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, graceMs);
  await promise;
  clearTimeout(cut);
}

async function answer(request: IncomingMessage, response: ServerResponse, respond: Respond): Promise<void> {
  const reply = await replyTo(request, respond);
  if (response.destroyed) return;
  const etag = `"${createHash('sha256').update(reply.body).digest('base64url').slice(0, 27)}"`;
  const same = reply.status === 200 && cached(request.headers['if-none-match'], etag);
  const body = Buffer.from(reply.body);
  response.writeHead(same ? 304 : reply.status, {
    'Content-Type': types[reply.type],
    ...(same ? {} : { 'Content-Length': body.length }),
    'Cache-Control': 'no-cache',
    ...(reply.status === 200 ? { ETag: etag } : {}),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    ...reply.headers,
    // A body that nobody reads would be taken for the next request.
    ...(hasBody(request) && !request.complete ? { Connection: 'close' } : {}),
  });
  response.end(same || request.method === 'HEAD' ? undefined : body);
}

async function replyTo(request: IncomingMessage, respond: Respond): Promise<Reply> {
  if ((request.url ?? '').length > longestUrl) return problem(414, 'the address is too long');
  try {
    return await respond(request);
  } catch (error) {
    // Our bug: the client learns its kind and no more, for a message may hold anything.
    return problem(500, `the agent has a bug here: ${error instanceof Error ? error.name : typeof error}`);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

function cached(ifNoneMatch: string | undefined, etag: string): boolean {
  return (ifNoneMatch ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, type: 'json', body: `${JSON.stringify(value, null, 2)}\n`, headers };
}

export function problem(status: number, error: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return json(status, { error }, headers);
}

export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Path and query of a request, or undefined where it has none that can be read. */
export function addressOf(request: IncomingMessage): Target | undefined {
  const target = request.url ?? '';
  if (!target.startsWith('/')) return undefined;
  const cut = target.indexOf('?');
  const path = cut < 0 ? target : target.slice(0, cut);
  return { path, query: new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1)) };
}
