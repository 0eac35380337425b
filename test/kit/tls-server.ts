/** A TLS server on loopback that answers every request with 200 and two bytes. */
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { listen } from './silent-listener.ts';

export interface TlsServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Server names that clients asked for; empty text for none. */
  readonly named: readonly string[];
}

export async function tlsServer(
  options: ServerOptions,
  { address, port: request }: { readonly address: string; readonly port: number } = { address: '127.0.0.1', port: 0 },
): Promise<TlsServer> {
  const named: string[] = [];
  const sockets = new Set<Socket>();
  const server = createHttpsServer(options, (_, response) => response.end('ok'));
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('secureConnection', (socket) => {
    // Node says false where no name was sent.
    const name: unknown = socket.servername;
    named.push(typeof name === 'string' ? name : '');
  });
  server.on('tlsClientError', () => undefined);
  const port = await listen(server, address, request);
  return {
    address,
    port,
    named,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
