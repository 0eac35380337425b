/** One HTTP exchange over a connection that somebody else has made. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';

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
  /** Undefined where it is longer than allowed. */
  readonly text: string | undefined;
}

/** Rejects with what the connection died of. */
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
    const text = await textOf(response, exchange.maxBytes);
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
  // Without an agent: one would make a connection of its own.
  return request({ method, path, headers, signal, createConnection: () => connection });
}

async function textOf(response: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
