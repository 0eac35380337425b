/**
 * The port-forward of an API server: a WebSocket in the older dialect (channels) or the newer one (SPDY tunnel), whose data ends
 * at a listener on loopback, as a kubelet connects it to a port of the Pod. It misbehaves as kubelets and Pods do.
 */
import type { IncomingMessage } from 'node:http';
import { type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { FakeSpdy } from './fake-spdy.ts';

export const dialects = ['v4.channel.k8s.io', 'SPDY/3.1+portforward.k8s.io'] as const;
export type FakeDialect = (typeof dialects)[number];

export type Ending =
  /** A listener on loopback. */
  | { readonly is: 'port'; readonly port: number }
  /** Nobody listens there: the kubelet says so on the error channel. */
  | { readonly is: 'refused' }
  /** Connected, and then nothing. */
  | { readonly is: 'silent' }
  /** The connection breaks once so many bytes went back. */
  | { readonly is: 'dies'; readonly port: number; readonly afterBytes: number };

/** One end of a forwarded connection, whichever dialect carries it. */
interface Carrying {
  readonly data: (chunk: Buffer) => void;
  readonly problem: (text: string) => void;
  readonly end: () => void;
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
// `SPDY/3.1+…` is no token, and no subprotocol to ws; servers in Go do not mind.
sockets.on('headers', (headers, request) => {
  headers.push(`Sec-WebSocket-Protocol: ${String(request.headers['x-spoken'])}`);
});

/** The upgrade of a request that was let in: which dialect is spoken, or undefined where none of those offered is known. */
export function serveForward(
  request: IncomingMessage,
  at: { readonly socket: Duplex; readonly head: Buffer },
  { known, ending, port }: { readonly known: readonly string[]; readonly ending: Ending; readonly port: number },
): FakeDialect | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const spoken = dialects.find((dialect) => offered.includes(dialect) && known.includes(dialect));
  if (spoken === undefined) return undefined;
  delete request.headers['sec-websocket-protocol'];
  request.headers['x-spoken'] = spoken;
  sockets.handleUpgrade(request, at.socket, at.head, (socket) => {
    if (spoken === 'v4.channel.k8s.io') channels(socket, port, ending);
    else spdy(socket, ending);
  });
  return spoken;
}

function channels(socket: WebSocket, port: number, ending: Ending): void {
  const portBytes = Buffer.alloc(2);
  portBytes.writeUInt16LE(port);
  for (const channel of [0, 1]) socket.send(Buffer.concat([Buffer.of(channel), portBytes]));
  const far = reach(ending, {
    data: (chunk) => socket.send(Buffer.concat([Buffer.of(0), chunk])),
    problem: (text) => socket.send(Buffer.concat([Buffer.of(1), Buffer.from(text)])),
    end: () => socket.close(),
  });
  socket.on('message', (message: Buffer) => far?.write(message.subarray(1)));
  socket.on('close', () => far?.destroy());
}

function spdy(socket: WebSocket, ending: Ending): void {
  let far: Socket | undefined;
  const session: FakeSpdy = new FakeSpdy({
    send: (message) => socket.send(message),
    opened: () => {
      session.ping();
      far = reach(ending, {
        data: (chunk) => session.data(chunk),
        problem: (text) => session.problem(text),
        end: () => session.end(),
      });
    },
    data: (chunk) => far?.write(chunk),
  });
  socket.on('message', (message: Buffer) => session.hear(message));
  socket.on('close', () => far?.destroy());
}

function reach(ending: Ending, carrying: Carrying): Socket | undefined {
  if (ending.is === 'silent') return undefined;
  if (ending.is === 'refused') {
    carrying.problem(
      'error forwarding port 9468 to pod drypull: dial tcp4 127.0.0.1:9468: connect: connection refused',
    );
    carrying.end();
    return undefined;
  }
  const far = connect(ending.port, '127.0.0.1');
  let left = ending.is === 'dies' ? ending.afterBytes : Infinity;
  far.on('data', (chunk) => {
    if (left > 0) carrying.data(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) far.destroy();
  });
  far.on('error', () => undefined);
  far.on('close', () => carrying.end());
  return far;
}
