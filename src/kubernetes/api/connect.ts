/**
 * The agent's client of the API server. The address and the identity come from KubeConfig of @kubernetes/client-node
 * (ServiceAccount or kubeconfig file, tokens re-read as they rotate). The requests go over one undici Agent, because KubeConfig
 * makes a new agent, and with it a new TLS connection, for each request.
 */
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, request } from 'undici';
import { type Outcome, bad, good } from '#report/outcome.ts';
import { type Answer, type Away, type Call, MiB, type Refused, reasonOf, refusedBy, tooLong } from './call.ts';
import { readBounded } from '#data/byte-buffer.ts';
import { type Listed, readItems } from './item-stream.ts';
import { parseJson } from '#data/json.ts';
import { linesOf } from './lines.ts';

export interface Cluster {
  ask(call: Call): Promise<Answer>;
  /** A watch: its lines as they arrive. The iteration throws where the connection breaks. */
  follow(call: Call, signal: AbortSignal): Promise<Following | Refused | Away>;
  /** The same identity towards another server of the cluster: the kubelet. */
  elsewhere(server: string): Cluster;
  close(): Promise<void>;
}

interface Following {
  readonly is: 'following';
  readonly lines: AsyncIterable<string>;
}

/** The longest line of a watch: one object of at most 1.5 MiB in etcd, which is longer as JSON. */
const maxLineBytes = 8 * MiB;

/** Inside a Pod: the ServiceAccount's token and CA, the address from the environment. */
export function connectInCluster(): Outcome<Cluster> {
  const config = new KubeConfig();
  return loading('the ServiceAccount of this Pod', () => config.loadFromCluster(), config);
}

export function connectByFile(path: string): Outcome<Cluster> {
  const config = new KubeConfig();
  return loading(path, () => config.loadFromFile(path), config);
}

function loading(what: string, load: () => void, config: KubeConfig): Outcome<Cluster> {
  try {
    load();
  } catch (error) {
    return bad({ code: 'agent.cannot_see', what, why: reasonOf(error, 'name') });
  }
  return connect(config);
}

export function connect(config: KubeConfig): Outcome<Cluster> {
  const server = config.getCurrentCluster()?.server ?? '';
  const what = 'the Kubernetes API';
  if (!URL.canParse(server)) return bad({ code: 'agent.cannot_see', what, why: 'no address of an API server' });
  if (config.getCurrentCluster()?.proxyUrl !== undefined)
    return bad({ code: 'agent.cannot_see', what, why: 'proxy-url of a kubeconfig is not supported' });
  return good(new ApiServer(config, server.replace(/\/+$/, '')));
}

class ApiServer implements Cluster {
  readonly #config: KubeConfig;
  readonly #server: string;
  #agents: { readonly identity: string; readonly asks: Agent; readonly watches: Agent } | undefined;

  constructor(config: KubeConfig, server: string) {
    this.#config = config;
    this.#server = server;
  }

  async ask(call: Call): Promise<Answer> {
    try {
      const response = await this.#send(call, 'asks', AbortSignal.timeout(call.deadlineMs));
      const isRefused = response.statusCode < 200 || response.statusCode > 299;
      if (call.takeItem !== undefined && !isRefused)
        return listed(await readItems(response.body, call.maxBytes, call.takeItem), call);
      const read = await readBounded(response.body, call.maxBytes);
      if (read.is !== 'whole') return tooLong(read.is, call.maxBytes);
      const body = parseJson(new TextDecoder().decode(read.bytes));
      if (isRefused) return refused(response, body);
      return body === undefined
        ? { is: 'away', why: 'the answer is no JSON' }
        : { is: 'answered', body, ...dated(response) };
    } catch (error) {
      return { is: 'away', why: reasonOf(error, 'name') };
    }
  }

  async follow(call: Call, signal: AbortSignal): Promise<Following | Refused | Away> {
    try {
      const until = AbortSignal.any([signal, AbortSignal.timeout(call.deadlineMs)]);
      const response = await this.#send(call, 'watches', until);
      if (response.statusCode === 200) return { is: 'following', lines: linesOf(response.body, maxLineBytes) };
      const read = await readBounded(response.body, call.maxBytes);
      return refused(response, read.is === 'whole' ? parseJson(new TextDecoder().decode(read.bytes)) : undefined);
    } catch (error) {
      return { is: 'away', why: reasonOf(error, 'name') };
    }
  }

  elsewhere(server: string): Cluster {
    return new ApiServer(this.#config, server.replace(/\/+$/, ''));
  }

  async close(): Promise<void> {
    await Promise.all([this.#agents?.asks.destroy(), this.#agents?.watches.destroy()]);
    this.#agents = undefined;
  }

  async #send(call: Call, kind: 'asks' | 'watches', signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const url = new URL(this.#server + call.path);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    return request(url, {
      method: call.method,
      headers: { accept: 'application/json', 'user-agent': 'drypull', ...headersOf(options), ...bodyType(call) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      dispatcher: this.#dispatchers(options)[kind],
      signal,
    });
  }

  /**
   * Reused until the CA or the client certificate is rotated. A watch occupies its connection, so that watches have an agent of
   * their own and cannot leave other requests without a connection.
   */
  #dispatchers(options: RequestOptions): { readonly asks: Agent; readonly watches: Agent } {
    const { ca, cert, key, rejectUnauthorized, servername } = options;
    const identity = [ca, cert, key, rejectUnauthorized, servername].map(String).join('\n');
    if (this.#agents?.identity === identity) return this.#agents;
    const old = this.#agents;
    const agents = { identity, asks: dispatcher(options, 8), watches: dispatcher(options, null) };
    this.#agents = agents;
    // Pending requests end by themselves, a watch within its deadline.
    if (old !== undefined) void Promise.all([old.asks.close(), old.watches.close()]);
    return agents;
  }
}

function dispatcher(options: RequestOptions, connections: number | null): Agent {
  const { ca, cert, key, rejectUnauthorized, servername } = options;
  return new Agent({
    // TCP keep-alive finds a dead connection, as in client-go: a watch without events is not dead.
    connect: {
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      timeout: 10_000,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    },
    connections,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

function listed(read: Listed, call: Call): Answer {
  switch (read.is) {
    case 'read':
      return { is: 'answered', body: read.rest };
    case 'too_long':
    case 'too_many_pieces':
      return tooLong(read.is, call.maxBytes);
    case 'malformed':
      return { is: 'away', why: 'the answer is no JSON' };
  }
}

function refused(response: Dispatcher.ResponseData, body: unknown): Refused {
  const after = response.headers['retry-after'];
  const answer = refusedBy(response.statusCode, body, typeof after === 'string' ? after : undefined);
  return { ...answer, ...dated(response) };
}

function dated({ headers }: Dispatcher.ResponseData): { readonly dateMs?: number } {
  const dateMs = Date.parse(String(headers['date'] ?? ''));
  return Number.isNaN(dateMs) ? {} : { dateMs };
}

function headersOf(options: RequestOptions): Record<string, string> {
  const given = options.headers ?? {};
  const headers = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  // A token file may end in a newline, which is invalid in a header.
  for (const [name, value] of Object.entries(headers)) headers[name] = value.trim();
  if (typeof options.auth !== 'string') return headers;
  return { ...headers, authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` };
}

function bodyType(call: Call): Record<string, string> {
  return call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' };
}
