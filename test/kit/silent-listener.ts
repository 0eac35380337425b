/** Listeners on loopback that disappoint: they accept and say nothing, or hang up, or were there a moment ago. */
import { createServer, type Server, type Socket } from 'node:net';

export interface Listener extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: () => number;
  /** Bytes received so far, of all connections. */
  readonly heard: () => string;
}

export type Manner =
  | { readonly is: 'silent' }
  /** Closes when the first bytes arrive. */
  | { readonly is: 'closes' }
  /** Resets when the first bytes arrive. */
  | { readonly is: 'resets' }
  /** Says this when the first bytes arrive; afterwards nothing, or closes, or resets. */
  | { readonly is: 'says'; readonly bytes: string | Uint8Array; readonly then: 'stays' | 'closes' | 'resets' };

export async function listener(
  manner: Manner = { is: 'silent' },
  address = '127.0.0.1',
  wanted = 0,
): Promise<Listener> {
  let accepted = 0;
  let heard = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')));
    socket.once('data', () => behave(socket, manner));
  });
  const port = await listen(server, address, wanted);
  return {
    address,
    port,
    accepted: () => accepted,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function behave(socket: Socket, manner: Manner): void {
  switch (manner.is) {
    case 'silent':
      return;
    case 'closes':
      socket.end();
      return;
    case 'resets':
      socket.resetAndDestroy();
      return;
    case 'says':
      socket.write(manner.bytes, () => {
        if (manner.then === 'closes') socket.end();
        if (manner.then === 'resets') setImmediate(() => socket.resetAndDestroy());
      });
  }
}

/** A port of loopback where nobody listens. */
export async function deadPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server, '127.0.0.1');
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function listen(server: Server, address: string, wanted = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(wanted, address, resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a server without a port');
  return bound.port;
}
