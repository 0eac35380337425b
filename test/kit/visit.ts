/** One request to the fake registry, as scripts see it, and the well-behaved answers to it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Stored } from './image.ts';

/** Returns `done` when it has answered, or means to leave the request unanswered. */
export type Script = (visit: Visit) => Played | Promise<Played>;
type Played = 'done' | undefined;

export interface SeenRequest {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly host: string;
  /** Lower-cased name → values in order of arrival. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** The Authorization header's value, if any. */
  readonly authorization: string | undefined;
  readonly body: string;
}

export type Visited = 'root' | 'manifest' | 'blob' | 'token' | 'other';

export interface Visit {
  readonly kind: Visited;
  readonly seen: SeenRequest;
  readonly url: URL;
  readonly repository: string;
  /** A tag or digest; empty where there is none. */
  readonly reference: string;
  /** What the registry holds under that reference. */
  readonly found: Stored | undefined;
  /** 1 for the first request of this kind. */
  readonly nth: number;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The TCP connection, below TLS. */
  readonly socket: Socket;
  /** A whole answer; HEAD gets its headers. */
  readonly send: (status: number, headers: Readonly<Record<string, string>>, body?: Buffer | string) => 'done';
  /** An answer in the distribution specification's JSON form. */
  readonly refuse: (
    status: number,
    code: string,
    message: string,
    headers?: Readonly<Record<string, string>>,
  ) => 'done';
}

/** Sends what a well-behaved registry sends for a manifest. */
export function serveManifest(visit: Visit, found: Stored, headers: Readonly<Record<string, string>>): 'done' {
  const own = { ...headers, 'docker-content-digest': found.digest, etag: `"${found.digest}"` };
  if (first(visit.seen, 'if-none-match') === own.etag) {
    visit.response.writeHead(304, own).end();
    return 'done';
  }
  const length = { 'content-length': String(found.bytes.length) };
  return visit.send(200, { ...own, ...length, 'content-type': found.mediaType }, found.bytes);
}

/** Sends a blob, or the range of it that was asked for. */
export function serveBlob(visit: Visit, found: Stored, headers: Readonly<Record<string, string>>): 'done' {
  const size = found.bytes.length;
  const own = {
    ...headers,
    'docker-content-digest': found.digest,
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    'content-length': String(size),
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(first(visit.seen, 'range') ?? '');
  if (!range) return visit.send(200, own, found.bytes);
  const start = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) : size - 1, size - 1);
  if (start > end) return visit.send(416, { 'content-range': `bytes */${size}` });
  const part = found.bytes.subarray(start, end + 1);
  const kept = { 'content-length': String(part.length), 'content-range': `bytes ${start}-${end}/${size}` };
  return visit.send(206, { ...own, ...kept }, part);
}

/** First value of a header, or undefined. `name` is lower case. */
export function first(seen: SeenRequest, name: string): string | undefined {
  return seen.headers[name]?.[0];
}

/** Which place of the registry a path names. */
export function locate(path: string, root: string): Pick<Visit, 'kind' | 'repository' | 'reference'> {
  const nothing = { repository: '', reference: '' };
  if (path === '/token') return { kind: 'token', ...nothing };
  if (path === root || path === `${root}/`) return { kind: 'root', ...nothing };
  if (!path.startsWith(`${root}/`)) return { kind: 'other', ...nothing };
  const [, repository = '', shelf, reference = ''] =
    /^\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path.slice(root.length)) ?? [];
  if (shelf === undefined) return { kind: 'other', ...nothing };
  return { kind: shelf === 'blobs' ? 'blob' : 'manifest', repository, reference: decodeURIComponent(reference) };
}

/** Takes the whole request in. */
export async function readRequest(request: IncomingMessage): Promise<SeenRequest> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    (headers[(request.rawHeaders[at] ?? '').toLowerCase()] ??= []).push(request.rawHeaders[at + 1] ?? '');
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    method: request.method ?? '',
    url: request.url ?? '',
    host: request.headers.host ?? '',
    headers,
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks).toString(),
  };
}
