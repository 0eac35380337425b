/**
 * The cluster of whoever calls drypull from a terminal or a pipeline: their kubeconfig (tokens, client certificates, exec
 * plugins), else the ServiceAccount of the Pod this runs in; through the proxy that the kubeconfig or the environment names, as
 * kubectl goes. Reads objects and forwards ports. The agent on a node has its own way: see connect.ts.
 */
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  request as plainRequest,
} from 'node:http';
import { request as secureRequest } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { type Outcome, bad, good } from '#report/outcome.ts';
import { proxyFor } from '#go/http-proxy.ts';
import { Secret } from '#report/secret.ts';
import { type Answer, refusedBy } from './call.ts';
import { parseJson } from './json.ts';
import { type Forwarding, type PodPort, forward, newProtocol } from '#kubernetes/port-forward/port-forward.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface WhichCluster {
  /** A file; else as kubectl finds it: KUBECONFIG, ~/.kube/config, the Pod's ServiceAccount. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly env: Environment;
  /** Milliseconds that only grow. */
  readonly clockMs: () => number;
}

export interface Get {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

export interface UserCluster {
  /** For people: the context's name. */
  readonly name: string;
  readonly get: (call: Get) => Promise<Answer>;
  readonly forward: (to: PodPort, signal: AbortSignal) => Promise<Forwarding>;
}

export function userCluster(which: WhichCluster): Outcome<UserCluster> {
  const config = new KubeConfig();
  try {
    if (which.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(which.kubeconfig);
  } catch (error) {
    return bad({ code: 'agent.cannot_see', what: which.kubeconfig ?? 'the kubeconfig', why: codeOf(error) });
  }
  if (which.context !== undefined && config.getContextObject(which.context) === null)
    return bad({ code: 'agent.cannot_see', what: `the context ${which.context}`, why: 'the kubeconfig has none' });
  if (which.context !== undefined) config.setCurrentContext(which.context);
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, '') ?? '';
  if (!URL.canParse(server))
    return bad({ code: 'agent.cannot_see', what: 'the kubeconfig', why: 'it names no address of an API server' });
  return good(new Reached(withProxy(config, server, which.env), server, which.clockMs));
}

/** client-go takes the environment's proxy where the kubeconfig names none (rest.Config.Proxy, http.ProxyFromEnvironment). */
function withProxy(config: KubeConfig, server: string, env: Environment): KubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null || cluster.proxyUrl !== undefined) return config;
  const { protocol, hostname, port } = new URL(server);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const of = (name: string): string | undefined => env[name] ?? env[name.toLowerCase()];
  const value = of(scheme === 'https' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? '';
  const no = of('NO_PROXY');
  const rules = { [scheme]: new Secret(value), source: 'the environment', ...(no === undefined ? {} : { no }) };
  const host = hostname.replace(/^\[|\]$/g, '');
  const proxy = proxyFor(rules, { scheme, host, port: Number(port) || (scheme === 'https' ? 443 : 80) });
  if (!proxy.ok || proxy.value === null) return config;
  const proxyUrl = value.includes('://') ? value : `http://${value}`;
  config.clusters = config.clusters.map((one) => (one.name === cluster.name ? { ...one, proxyUrl } : one));
  return config;
}

/** An exec plugin may take a second and answer without an expiry: who we are is asked for once in a while, not for each node. */
const keptMs = 60_000;

class Reached implements UserCluster {
  readonly name: string;
  readonly #config: KubeConfig;
  readonly #server: string;
  readonly #clockMs: () => number;
  readonly #negotiated = newProtocol();
  #who: { readonly options: Promise<RequestOptions>; readonly sinceMs: number } | undefined;

  constructor(config: KubeConfig, server: string, clockMs: () => number) {
    this.#config = config;
    this.#server = server;
    this.#clockMs = clockMs;
    this.name = config.getCurrentContext();
  }

  readonly get: UserCluster['get'] = async (call) => {
    try {
      const options = await this.#options();
      const url = new URL(this.#server + call.path);
      for (const [name, value] of Object.entries(call.query)) url.searchParams.set(name, value);
      const { status, retryAfter, body } = await read(url, options, call);
      if (body === undefined) return { is: 'away', why: `the answer is longer than ${call.maxBytes} bytes` };
      const json = parseJson(body);
      if (status < 200 || status > 299) return refusedBy(status, json, retryAfter);
      return json === undefined ? { is: 'away', why: 'the answer is no JSON' } : { is: 'answered', body: json };
    } catch (error) {
      return { is: 'away', why: call.signal.aborted ? 'no answer in time' : codeOf(error) };
    }
  };

  readonly forward: UserCluster['forward'] = async (to, signal) => {
    try {
      const options = await this.#options();
      return await forward(to, { server: this.#server, options, signal }, this.#negotiated);
    } catch (error) {
      return { is: 'away', why: codeOf(error) };
    }
  };

  #options(): Promise<RequestOptions> {
    const nowMs = this.#clockMs();
    if (this.#who === undefined || nowMs - this.#who.sinceMs > keptMs) {
      const options: RequestOptions = {};
      const applied = this.#config.applyToHTTPSOptions(options).then(() => options);
      this.#who = { options: applied, sinceMs: nowMs };
    }
    return this.#who.options;
  }
}

interface Reading {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Undefined where it is longer than allowed. */
  readonly body: string | undefined;
}

async function read(url: URL, options: RequestOptions, { signal, maxBytes }: Get): Promise<Reading> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers: OutgoingHttpHeaders = { ...headersOf(options), accept: 'application/json', 'user-agent': 'drypull' };
  const send = url.protocol === 'https:' ? secureRequest : plainRequest;
  const sent = send(url, { ...options, method: 'GET', headers, signal }, resolve);
  sent.on('error', reject);
  sent.end();
  const response = await promise;
  const decoder = new TextDecoder();
  let [body, bytes] = ['', 0];
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) break;
    body += decoder.decode(chunk, { stream: true });
  }
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: bytes > maxBytes ? undefined : body + decoder.decode(),
  };
}

function headersOf({ headers }: RequestOptions): OutgoingHttpHeaders {
  return headers === undefined || isList(headers) ? {} : headers;
}

function isList(headers: OutgoingHttpHeaders | readonly string[]): headers is readonly string[] {
  return Array.isArray(headers);
}

/** A code where there is one: messages of TLS and file errors quote what they met; those of the API client do not. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause instanceof Error ? codeOf(error.cause) : error.message.slice(0, 200);
}
