/**
 * A real registry on 127.0.0.1: manifests, blobs, tokens, over HTTP or HTTPS, and any misbehaviour that a script asks for.
 * It remembers every request, so that a test can say who was never told what.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { gate, issueToken, type RegistryAuth, type Tokens } from './fake-registry-auth.ts';
import type { BuiltImage, Stored } from './image.ts';
import { delayed, type InjectedDelay } from './injected-delay.ts';
import {
  locate,
  readRequest,
  serveBlob,
  serveManifest,
  type Script,
  type SeenRequest,
  type Visit,
  type Visited,
} from './visit.ts';

export { image } from './image.ts';
export type { Script, SeenRequest, Visit } from './visit.ts';

export interface RegistryWish {
  /** `team/app:v1` → image. */
  readonly images?: Readonly<Record<string, BuiltImage>>;
  /** PEM texts. With `ca`, clients must show a certificate that it signed. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  readonly auth?: RegistryAuth;
  /** Where the registry's tree hangs. Default `/v2`. */
  readonly root?: string;
  /** Sent with every answer to a manifest or blob request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Blobs are answered by 307 to this base URL, with the same path and a signature in the query. */
  readonly blobsAt?: string;
  /** Asked before anything else, in order; the first that returns `done` has answered. */
  readonly onRequest?: Script | readonly Script[];
  readonly delay?: InjectedDelay;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: 127.0.0.1. */
  readonly address?: string;
}

export class FakeRegistry implements AsyncDisposable {
  readonly requests: SeenRequest[] = [];
  /** Connections ever accepted. */
  connections = 0;
  readonly #wish: RegistryWish;
  readonly #shelves = new Map<string, Map<string, Stored>>();
  readonly #tokens: Tokens = new Map();
  readonly #counts = new Map<Visited, number>();
  /** By the client's port. */
  readonly #sockets = new Map<number, Socket>();
  readonly #server: Server;
  #scripts: readonly Script[];

  private constructor(request: RegistryWish) {
    this.#wish = request;
    this.#scripts = [request.onRequest ?? []].flat();
    for (const [name, built] of Object.entries(request.images ?? {})) this.put(name, built);
    const listener: RequestListener = (request, response) => {
      this.#serve(request, response).catch((problem: unknown) => {
        if (!response.headersSent) response.writeHead(500).end(String(problem));
      });
    };
    const { tls } = request;
    this.#server = tls
      ? createTlsServer(
          { ...tls, requestCert: tls.ca !== undefined, rejectUnauthorized: tls.ca !== undefined },
          listener,
        )
      : createServer(listener);
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      const port = socket.remotePort ?? 0;
      this.#sockets.set(port, socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(port));
    });
  }

  static async open(request: RegistryWish = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(request);
    await new Promise<void>((resolve, reject) => {
      registry.#server.once('error', reject).listen(request.port ?? 0, request.address ?? '127.0.0.1', resolve);
    });
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:40123`: as it stands in an image reference. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `${this.#wish.tls ? 'https' : 'http'}://${this.host}`;
  }

  /** Stores an image under `repository:tag`, or moves the tag to it. */
  put(name: string, built: BuiltImage): void {
    const colon = name.lastIndexOf(':');
    const repository = name.slice(0, colon);
    const shelf = this.#shelves.get(repository) ?? new Map<string, Stored>();
    this.#shelves.set(repository, shelf);
    for (const item of [built.top, ...built.manifests, ...built.blobs]) shelf.set(item.digest, item);
    shelf.set(name.slice(colon + 1), built.top);
  }

  /** Replaces the scripts from now on. */
  play(...scripts: readonly Script[]): void {
    this.#scripts = scripts;
    this.#counts.clear();
  }

  /** Forgets what it has seen. */
  forget(): void {
    this.requests.length = 0;
    this.#counts.clear();
  }

  /** Ends every connection at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets.values()) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = await readRequest(request);
    this.requests.push(seen);
    await delayed(this.#wish.delay, request.socket);
    const visit = this.#visit(seen, request, response);
    for (const script of this.#scripts) if ((await script(visit)) === 'done') return;
    if (visit.kind === 'token' && this.#wish.auth?.scheme === 'bearer') {
      issueToken(visit, this.#wish.auth, this.#tokens);
      return;
    }
    if (this.#wish.auth && gate(visit, this.#wish.auth, this.#tokens) === 'done') return;
    this.#answer(visit);
  }

  #visit(seen: SeenRequest, request: IncomingMessage, response: ServerResponse): Visit {
    const url = new URL(seen.url, `${this.#wish.tls ? 'https' : 'http'}://${seen.host || this.host}`);
    const place = locate(url.pathname, this.#wish.root ?? '/v2');
    const nth = (this.#counts.get(place.kind) ?? 0) + 1;
    this.#counts.set(place.kind, nth);
    const send: Visit['send'] = (status, headers, body = '') => {
      const bytes = Buffer.from(body);
      response.writeHead(status, { 'content-length': String(bytes.length), ...headers });
      response.end(seen.method === 'HEAD' ? undefined : bytes);
      return 'done';
    };
    const refuse: Visit['refuse'] = (status, code, message, headers) =>
      send(
        status,
        { 'content-type': 'application/json', ...headers },
        JSON.stringify({ errors: [{ code, message, detail: null }] }),
      );
    const found = this.#shelves.get(place.repository)?.get(place.reference);
    const socket = this.#sockets.get(request.socket.remotePort ?? 0) ?? request.socket;
    return { ...place, seen, url, found, nth, request, response, socket, send, refuse };
  }

  #answer(visit: Visit): 'done' {
    const { kind, repository, reference, found, seen, url } = visit;
    const headers = { ...this.#wish.headers, 'docker-distribution-api-version': 'registry/2.0' };
    if (kind === 'root') return visit.send(200, { ...headers, 'content-type': 'application/json' }, '{}');
    if (kind === 'other' || kind === 'token') return visit.refuse(404, 'UNSUPPORTED', 'no such place');
    if (seen.method !== 'GET' && seen.method !== 'HEAD') return visit.refuse(405, 'UNSUPPORTED', 'read only');
    if (!this.#shelves.has(repository)) {
      return visit.refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry', headers);
    }
    if (!found) {
      const [code, what] = kind === 'blob' ? ['BLOB_UNKNOWN', 'blob'] : ['MANIFEST_UNKNOWN', 'manifest'];
      return visit.refuse(404, code, `${what} unknown: ${reference}`, headers);
    }
    if (kind === 'manifest') return serveManifest(visit, found, headers);
    if (this.#wish.blobsAt === undefined) return serveBlob(visit, found, headers);
    const location = new URL(`${url.pathname}?signature=presigned`, this.#wish.blobsAt).href;
    return visit.send(307, { ...headers, location });
  }
}
