/**
 * A connection to a port of a Pod through the API server: GET …/portforward, upgraded to a WebSocket, as kubectl port-forward
 * makes it since 1.31, and @kubernetes/client-node's PortForward in the older dialect. The older one is asked for first: the API
 * servers that were read (1.28 to 1.36) hand it to the kubelet as it is. Where something between refuses it, the newer one
 * follows, and what worked is remembered for the next Pod. A caller needs `get` on pods/portforward, and since 1.35 `create` too
 * (feature gate AuthorizePodWebsocketUpgradeCreatePermission, pkg/registry/core/pod/rest/subresources.go).
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { WebSocket } from 'ws';
import { type Away, type Refused, refusedBy } from '#kubernetes/api/call.ts';
import { fieldsOf, parseJson, textAt } from '#kubernetes/api/json.ts';
import { channelProtocol, channels } from './tunnel-channels.ts';
import { spdy, tunnelProtocol } from './tunnel-spdy.ts';
import { Tunnel } from './tunnel.ts';

export interface Forwarded {
  readonly is: 'forwarded';
  readonly tunnel: Tunnel;
}

export type Forwarding = Forwarded | Refused | Away;

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** What the one connection learned about the way, for the next. */
export interface Protocol {
  protocol: typeof channelProtocol | typeof tunnelProtocol;
}

export function newProtocol(): Protocol {
  return { protocol: channelProtocol };
}

interface Handshake {
  readonly server: string;
  readonly options: RequestOptions;
  readonly signal: AbortSignal;
}

export async function forward(to: PodPort, at: Handshake, negotiated: Protocol): Promise<Forwarding> {
  const { protocol } = negotiated;
  const first = await upgrade(to, at, protocol);
  if (first.is === 'forwarded') return first;
  if (first.is === 'final') return first.refused;
  const other = protocol === channelProtocol ? tunnelProtocol : channelProtocol;
  const second = await upgrade(to, at, other);
  if (second.is !== 'forwarded') return first.refused;
  negotiated.protocol = other;
  return second;
}

type Upgraded = Forwarded | { readonly is: 'final' | 'another'; readonly refused: Refused | Away };

/** A refusal in the API server's own words is its last one; anything else may be about the dialect. */
function upgrade(
  to: PodPort,
  { server, options, signal }: Handshake,
  protocol: Protocol['protocol'],
): Promise<Upgraded> {
  const { promise, resolve } = Promise.withResolvers<Upgraded>();
  const path = `/api/v1/namespaces/${to.namespace}/pods/${to.pod}/portforward`;
  const url = `${server.replace(/^http/, 'ws')}${path}?ports=${to.port}`;
  const { headers, agent, auth, ca, cert, key, rejectUnauthorized, servername } = options as RequestOptions & Tls;
  const socket = new WebSocket(url, {
    // The answer may be large and is in memory anyway; what is compressed costs both sides time.
    perMessageDeflate: false,
    ...defined({ agent, auth, ca, cert, key, rejectUnauthorized, servername }),
    headers: { ...fieldsOf(headers), 'User-Agent': 'drypull', 'Sec-WebSocket-Protocol': protocol },
  });
  // RFC 6455 §4.1 wants a subprotocol to be a token, which `SPDY/3.1+…` is not, and ws insists: so it is kept out of this.
  socket.on('upgrade', ({ headers: answered }) => {
    if (answered['sec-websocket-protocol'] === protocol) delete answered['sec-websocket-protocol'];
    else socket.emit('error', new Error(`the server speaks another dialect than ${protocol}`));
  });
  const abort = (): void => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  const away = (why: string): void => resolve({ is: 'another', refused: { is: 'away', why } });
  socket.on('unexpected-response', (_request, response) => {
    void bodyOf(response).then((body) => {
      socket.terminate();
      resolve(refusalOf(response, body));
    });
  });
  socket.on('error', (error: Error) => away(signal.aborted ? 'no answer in time' : codeOf(error)));
  socket.on('close', () => signal.removeEventListener('abort', abort));
  const tunnel = (): Tunnel =>
    new Tunnel(protocol === tunnelProtocol ? spdy(to.port) : channels(), {
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: () => socket.terminate(),
    });
  socket.on('open', () => {
    const made = tunnel();
    socket.on('message', (message) => made.hear(bytesOf(message)));
    socket.on('close', () => made.over());
    resolve({ is: 'forwarded', tunnel: made });
  });
  if (signal.aborted) abort();
  return promise;
}

interface Tls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly rejectUnauthorized?: boolean;
  readonly servername?: string;
}

function refusalOf(response: IncomingMessage, body: string): Upgraded {
  const status = response.statusCode ?? 0;
  const heard = parseJson(body);
  const refused = refusedBy(status, heard, response.headers['retry-after']);
  const isTheServers = textAt(heard, 'kind') === 'Status' && [401, 403, 404, 429].includes(status);
  return { is: isTheServers || status === 401 ? 'final' : 'another', refused };
}

/** Of a refusal: a Status is a few hundred bytes. */
const refusalBytes = 64 * 1024;

async function bodyOf(response: IncomingMessage): Promise<string> {
  let body = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      body += chunk.toString('utf8');
      if (body.length > refusalBytes) break;
    }
  } catch {
    // What came is enough: a refusal that breaks off is one.
  }
  return body;
}

function bytesOf(message: Buffer | ArrayBuffer | Buffer[]): Uint8Array {
  if (Array.isArray(message)) return Buffer.concat(message);
  return message instanceof ArrayBuffer ? new Uint8Array(message) : message;
}

function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  // ws says of a handshake that it does not like: "Server sent no subprotocol".
  return error.message.slice(0, 200);
}
