/**
 * Imitates the port-forward of kube-apiserver and kubelet: a WebSocket with the subprotocol v4.channel.k8s.io, whose data goes to a
 * listener on loopback as a kubelet connects it to a port of the Pod. It fails as kubelets and Pods do.
 */
import type { IncomingMessage } from 'node:http';
import { type Socket, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

export const channelProtocol = 'v4.channel.k8s.io';

export type Ending =
  /** A listener on loopback. */
  | { readonly is: 'port'; readonly port: number }
  /** The port is closed: the kubelet writes that to the error channel. */
  | { readonly is: 'refused' }
  /** Connected, and then nothing. */
  | { readonly is: 'silent' }
  /** The connection breaks once so many bytes went back. */
  | { readonly is: 'dies'; readonly port: number; readonly afterBytes: number };

/** The WebSocket's end of a forwarded connection. */
interface Carrying {
  readonly data: (chunk: Buffer) => void;
  readonly problem: (text: string) => void;
  readonly end: () => void;
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

/** The upgrade of an authorized request. False where the offered subprotocols do not include a known one. */
export function serveForward(
  request: IncomingMessage,
  at: { readonly socket: Duplex; readonly head: Buffer },
  { known, ending, port }: { readonly known: readonly string[]; readonly ending: Ending; readonly port: number },
): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  if (!offered.includes(channelProtocol) || !known.includes(channelProtocol)) return false;
  sockets.handleUpgrade(request, at.socket, at.head, (socket) => channels(socket, port, ending));
  return true;
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
