/** An HTTP server on loopback whose answers are functions, and which counts connections and remembers requests. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listen } from './silent-listener.ts';

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly connections: () => number;
  /** `GET /path`, in order. */
  readonly requests: readonly string[];
  readonly headers: readonly (readonly string[])[];
  /** Ends every connection that is open, without a word. */
  readonly hangUp: () => void;
}

export type Respond = (request: IncomingMessage, response: ServerResponse, socket: Socket) => void;

export async function httpServer(respond: Respond): Promise<HttpServer> {
  const requests: string[] = [];
  const headers: string[][] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    headers.push(request.rawHeaders);
    respond(request, response, request.socket);
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await listen(server, '127.0.0.1');
  const hangUp = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connections: () => connections,
    requests,
    headers,
    hangUp,
    async [Symbol.asyncDispose]() {
      hangUp();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
