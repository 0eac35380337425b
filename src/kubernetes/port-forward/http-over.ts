/** One HTTP exchange over an existing connection. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { readBounded } from '#data/byte-buffer.ts';

export interface Exchange {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly host: string;
  readonly body?: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Exchanged {
  readonly status: number;
  readonly retryAfterS?: number;
  /** undefined where it is longer than `maxBytes`. */
  readonly text: string | undefined;
}

/** Rejects with the error of the connection. */
export async function httpOver(connection: Duplex, exchange: Exchange): Promise<Exchanged> {
  if (connection.destroyed) throw connection.errored ?? new Error('the connection was closed');
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  connection.on('error', reject);
  const sent = open(connection, exchange);
  sent.on('response', resolve);
  sent.on('error', reject);
  sent.end(exchange.body);
  try {
    const response = await promise;
    const read = await readBounded(response, exchange.maxBytes);
    const text = read.is === 'whole' ? new TextDecoder().decode(read.bytes) : undefined;
    const after = Number(response.headers['retry-after'] ?? Number.NaN);
    return { status: response.statusCode ?? 0, text, ...(after >= 0 && after < 3600 ? { retryAfterS: after } : {}) };
  } finally {
    connection.destroy();
  }
}

function open(connection: Duplex, { method, path, host, body, signal }: Exchange): ClientRequest {
  const headers = {
    host,
    connection: 'close',
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
  };
  // Without an agent, which would open a connection of its own.
  return request({ method, path, headers, signal, createConnection: () => connection });
}
