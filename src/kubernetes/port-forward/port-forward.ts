/**
 * A connection to a port of a Pod through the API server: GET …/portforward, upgraded to a WebSocket with the subprotocol
 * v4.channel.k8s.io. kubectl has used SPDY in a WebSocket since 1.31 (KEP-4006), and no supported version needs it: API servers
 * 1.31 to 1.36 translate only the subprotocols that begin with `SPDY/3.1+`, and pass every other upgrade to the kubelet as it is
 * (pkg/registry/core/pod/rest/subresources.go PortForwardREST.Connect, wsstream.IsWebSocketRequestWithTunnelingProtocol), whose
 * streaming server serves v4.channel.k8s.io (pkg/cri/streaming/portforward/websocket.go). The caller needs `get` on
 * pods/portforward, and since 1.35 `create` as well (feature gate AuthorizePodWebsocketUpgradeCreatePermission).
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { WebSocket } from 'ws';
import { ByteBuffer } from '#data/byte-buffer.ts';
import { parseJson } from '#data/json.ts';
import { type Away, type Refused, reasonOf, refusedBy } from '#kubernetes/api/call.ts';
import { fieldsOf } from '#kubernetes/api/json.ts';
import { channelProtocol, Tunnel } from './tunnel.ts';

interface Forwarded {
  readonly is: 'forwarded';
  readonly tunnel: Tunnel;
}

export type Forwarding = Forwarded | Refused | Away;

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface ForwardOptions {
  readonly server: string;
  /** The caller's identity, the CA and a proxy's agent. */
  readonly request: RequestOptions;
  readonly signal: AbortSignal;
}

export function forward(to: PodPort, { server, request, signal }: ForwardOptions): Promise<Forwarding> {
  const { promise, resolve } = Promise.withResolvers<Forwarding>();
  const path = `/api/v1/namespaces/${to.namespace}/pods/${to.pod}/portforward`;
  const url = `${server.replace(/^http/, 'ws')}${path}?ports=${to.port}`;
  const { headers, agent, auth, ca, cert, key, rejectUnauthorized, servername } = request as RequestOptions & Tls;
  const socket = new WebSocket(url, channelProtocol, {
    // Compression costs both sides time, and the answer is in memory anyway.
    perMessageDeflate: false,
    ...defined({ agent, auth, ca, cert, key, rejectUnauthorized, servername }),
    headers: { ...fieldsOf(headers), 'User-Agent': 'drypull' },
  });
  const abort = (): void => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  socket.on('unexpected-response', (_request, response) => {
    void bodyOf(response).then((body) => {
      socket.terminate();
      resolve(refusedBy(response.statusCode ?? 0, parseJson(body), response.headers['retry-after']));
    });
  });
  socket.on('error', (error: Error) =>
    resolve({ is: 'away', why: signal.aborted ? 'no answer in time' : reasonOf(error, 'message') }),
  );
  socket.on('close', () => signal.removeEventListener('abort', abort));
  socket.on('open', () => {
    const tunnel = new Tunnel({
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      close: () => socket.terminate(),
    });
    socket.on('message', (message) => tunnel.receive(bytesOf(message)));
    socket.on('close', () => tunnel.carrierClosed());
    resolve({ is: 'forwarded', tunnel });
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

/** The body of a refusal: a Status has a few hundred bytes. */
const refusalBytes = 64 * 1024;

async function bodyOf(response: IncomingMessage): Promise<string> {
  const body = new ByteBuffer(refusalBytes);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) if (body.add(chunk) !== 'added') break;
  } catch {
    // A refusal whose body breaks off is a refusal.
  }
  return body.text();
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
