/**
 * The cluster of a user who runs drypull in a terminal or a pipeline: with their kubeconfig (tokens, client certificates, exec
 * plugins), or else with the ServiceAccount of the Pod that it runs in, and through the proxy of the kubeconfig or the
 * environment, as kubectl does. Reads objects and forwards ports. The agent on a node uses connect.ts.
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
import { readBounded, type BoundedBody } from '#data/byte-buffer.ts';
import { originOf } from '#go/host-port.ts';
import { type Answer, reasonOf, refusedBy, tooLong } from './call.ts';
import { parseJson, type JsonBounds } from '#data/json.ts';
import { type Forwarding, type PodPort, forward } from '#kubernetes/port-forward/port-forward.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface WhichCluster {
  /** A file; absent: what kubectl would use (KUBECONFIG, ~/.kube/config, the Pod's ServiceAccount). */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly env: Environment;
  /** A monotonic clock in milliseconds. */
  readonly clockMs: () => number;
}

interface Get {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
}

export interface UserCluster {
  /** The context's name, for messages. */
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
    return bad({
      code: 'agent.cannot_see',
      what: which.kubeconfig ?? 'the kubeconfig',
      why: reasonOf(error, 'message'),
    });
  }
  if (which.context !== undefined && config.getContextObject(which.context) === null)
    return bad({ code: 'agent.cannot_see', what: `the context ${which.context}`, why: 'the kubeconfig has none' });
  if (which.context !== undefined) config.setCurrentContext(which.context);
  const server = config.getCurrentCluster()?.server.replace(/\/+$/, '') ?? '';
  if (!URL.canParse(server))
    return bad({ code: 'agent.cannot_see', what: 'the kubeconfig', why: 'it names no address of an API server' });
  return good(new KubeconfigCluster(withProxy(config, server, which.env), server, which.clockMs));
}

/** client-go takes the environment's proxy where the kubeconfig names none (rest.Config.Proxy, http.ProxyFromEnvironment). */
function withProxy(config: KubeConfig, server: string, env: Environment): KubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null || cluster.proxyUrl !== undefined) return config;
  const origin = originOf(new URL(server));
  const { scheme } = origin;
  const of = (name: string): string | undefined => env[name] ?? env[name.toLowerCase()];
  const value = of(scheme === 'https' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? '';
  const no = of('NO_PROXY');
  const rules = { [scheme]: new Secret(value), source: 'the environment', ...(no === undefined ? {} : { no }) };
  const proxy = proxyFor(rules, origin);
  if (!proxy.ok || proxy.value === null) return config;
  const proxyUrl = value.includes('://') ? value : `http://${value}`;
  config.clusters = config.clusters.map((one) => (one.name === cluster.name ? { ...one, proxyUrl } : one));
  return config;
}

/** An exec plugin may take a second and answer without an expiry: it runs once a minute, not once a node. */
const keptMs = 60_000;

class KubeconfigCluster implements UserCluster {
  readonly name: string;
  readonly #config: KubeConfig;
  readonly #server: string;
  readonly #clockMs: () => number;
  #identity: { readonly options: Promise<RequestOptions>; readonly sinceMs: number } | undefined;

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
      if (body.is !== 'whole') return tooLong(body.is, call.maxBytes);
      const json = parseJson(new TextDecoder().decode(body.bytes), pageBounds);
      if (status < 200 || status > 299) return refusedBy(status, json, retryAfter);
      return json === undefined ? { is: 'away', why: 'the answer is no JSON' } : { is: 'answered', body: json };
    } catch (error) {
      return { is: 'away', why: call.signal.aborted ? 'no answer in time' : reasonOf(error, 'message') };
    }
  };

  readonly forward: UserCluster['forward'] = async (to, signal) => {
    try {
      const options = await this.#options();
      return await forward(to, { server: this.#server, request: options, signal });
    } catch (error) {
      return { is: 'away', why: reasonOf(error, 'message') };
    }
  };

  #options(): Promise<RequestOptions> {
    const nowMs = this.#clockMs();
    if (this.#identity === undefined || nowMs - this.#identity.sinceMs > keptMs) {
      const options: RequestOptions = {};
      const applied = this.#config.applyToHTTPSOptions(options).then(() => options);
      this.#identity = { options: applied, sinceMs: nowMs };
    }
    return this.#identity.options;
  }
}

/** A page of 250 Nodes, each with fifty images of five names. */
const pageBounds: JsonBounds = { nodes: 2_000_000, depth: 256 };

interface HttpAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: BoundedBody;
}

async function read(url: URL, options: RequestOptions, { signal, maxBytes }: Get): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers: OutgoingHttpHeaders = { ...headersOf(options), accept: 'application/json', 'user-agent': 'drypull' };
  const send = url.protocol === 'https:' ? secureRequest : plainRequest;
  const sent = send(url, { ...options, method: 'GET', headers, signal }, resolve);
  sent.on('error', reject);
  sent.end();
  const response = await promise;
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: await readBounded(response, maxBytes),
  };
}

function headersOf({ headers }: RequestOptions): OutgoingHttpHeaders {
  return headers === undefined || isList(headers) ? {} : headers;
}

function isList(headers: OutgoingHttpHeaders | readonly string[]): headers is readonly string[] {
  return Array.isArray(headers);
}
