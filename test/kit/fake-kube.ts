/**
 * An API server on loopback that holds Pods, one Node and Secrets, replays recorded watch events and misbehaves on request.
 * It keeps a resource version and an event log as etcd does, so that lists, watches, bookmarks, paging and 410 Gone fit
 * together, and it writes down every call as an authorizer would see it. Anything that its grants do not name gets 403.
 */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { type KubeCall, callOf, grantText, scopedText } from './fake-kube-call.ts';
import { type Json, at, object, recordedJson, text } from './fake-kube-json.ts';
import { Shelf, kindKey, selects } from './fake-kube-shelf.ts';
import { type Ending, dialects, serveForward } from './fake-port-forward.ts';
import { catalogGrants, everyGrant } from './kube-grants.ts';
import {
  type Misbehaviour,
  type Person,
  type Reply,
  accessReview,
  bodyOf,
  createdEvent,
  forbidden,
  misbehave,
  refusal,
  send,
  tokenReview,
} from './fake-kube-reply.ts';

export const token = 'the-token-of-the-agent';
export const catalogToken = 'the-token-of-the-catalog';

interface Watcher {
  readonly response: ServerResponse;
  readonly resource: string;
  readonly wants: (what: Json) => boolean;
}
interface Logged {
  readonly version: number;
  readonly resource: string;
  readonly what: Json;
  readonly line: string;
}
export class FakeKube {
  readonly calls: KubeCall[] = [];
  /** Bodies of what was written, in order: status patches, Events, reviews. */
  readonly written: { readonly call: KubeCall; readonly body: Json }[] = [];
  /** Queries of lists and watches, in order. */
  readonly asked: URLSearchParams[] = [];
  readonly pods = new Map<string, Json>();
  readonly secrets = new Map<string, Json>();
  /** `drypull/drypull`: on how many nodes it runs. */
  readonly daemonSets = new Map<string, number>();
  node: Json;
  version: number;
  /** `get core/secrets`: what the caller may do. */
  grants = everyGrant;
  /** The same of the catalog's own ServiceAccount, in namespaces: `list core/pods in drypull`. */
  catalogGrants = catalogGrants;
  /** Kinds of custom resources that are installed: `argoproj.io/rollouts`. */
  readonly installed = new Set<string>();
  readonly shelf: Shelf;
  /** How a watch or list from a forgotten version is refused. */
  gone: 'event' | 'status' = 'event';
  /** Bearer tokens that TokenReview knows, and who of them may read which path. */
  readonly people = new Map<string, Person>();
  readonly connections = new Set<Socket>();
  /** More Nodes than the one, where a fleet is asked for. */
  fleet: readonly Json[] = [];
  /** Where the forwarded ports of a Pod end; a Pod that is not here has no such port. */
  readonly endings = new Map<string, Ending>();
  /** The dialects of the port-forward that are spoken here. */
  dialects: readonly string[] = dialects;
  /** What was spoken, connection by connection. */
  readonly spoken: string[] = [];
  /** The most forwarded connections that were open at one time. */
  mostForwards = 0;
  #forwards = 0;
  #log: Logged[] = [];
  #oldest = 0;
  readonly #watchers = new Set<Watcher>();
  #scripted: { readonly match: (call: KubeCall) => boolean; readonly does: Misbehaviour; times: number }[] = [];
  #lost: { readonly match: (call: KubeCall) => boolean; times: number } | undefined;
  readonly #server: Server;
  #port = 0;
  #waiting: { readonly count: (kube: FakeKube) => boolean; readonly done: () => void }[] = [];

  constructor() {
    this.node = recordedJson('node.json');
    const list = recordedJson('pods-list-before.json');
    this.version = Number(text(list, 'metadata', 'resourceVersion'));
    for (const pod of at(list, 'items') as Json[]) this.#hold(pod);
    this.shelf = new Shelf(
      (kind, type, what) => this.#happen(kind, type, what),
      () => this.version + 1,
    );
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, { socket, head }));
    this.#server.on('connection', (socket) => {
      this.connections.add(socket);
      socket.on('close', () => this.connections.delete(socket));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  config(as = token): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'fake', server: this.url, skipTLSVerify: true },
      { name: 'agent', token: as },
    );
    return config;
  }

  async listen(): Promise<this> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Refuses connections until `listen` is called again. */
  async away(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.connections) socket.destroy();
    this.#watchers.clear();
    await closed;
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.away();
  }

  /** Resolves once the condition holds, looked at after each call and each watch that opens. */
  async until(count: (kube: FakeKube) => boolean): Promise<void> {
    if (count(this)) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push({ count, done: () => resolve(undefined) });
    await promise;
  }

  async untilAsked(grant: string, times = 1): Promise<void> {
    await this.until(({ calls }) => calls.filter((call) => grantText(call) === grant).length >= times);
  }

  /** Misbehaves for calls that match, so many times. */
  script(match: (call: KubeCall) => boolean, does: Misbehaviour, times = 1): void {
    this.#scripted.push({ match, does, times });
  }

  /** Does what is asked and cuts the connection instead of an answer. */
  loseAnswers(match: (call: KubeCall) => boolean, times: number): void {
    this.#lost = { match, times };
  }

  /** Events of the recorded watch, as they were: each moves the resource version on. */
  replay(lines: readonly string[]): void {
    for (const line of lines) {
      const event = object(JSON.parse(line));
      if (event['type'] === 'BOOKMARK') this.bookmark('pods');
      else this.#happen('core/pods', String(event['type']), object(event['object']));
    }
  }

  emitPod(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Json): void {
    const metadata = { ...object(pod['metadata']), resourceVersion: String(this.version + 1) };
    this.#happen('core/pods', type, { ...pod, metadata });
  }

  setNode(node: Json): void {
    const metadata = { ...object(node['metadata']), resourceVersion: String(this.version + 1) };
    this.node = { ...node, metadata };
    this.#happen('core/nodes', 'MODIFIED', this.node);
  }

  setSecret(secret: Json): void {
    this.secrets.set(`${text(secret, 'metadata', 'namespace')}/${text(secret, 'metadata', 'name')}`, secret);
  }

  bookmark(resource: string): void {
    const kind = resource === 'pods' ? 'Pod' : 'Node';
    const marked = { kind, apiVersion: 'v1', metadata: { resourceVersion: String(this.version) } };
    this.#send(`core/${resource}`, `${JSON.stringify({ type: 'BOOKMARK', object: marked })}\n`);
  }

  /** Forgets what happened before: older watches and lists get 410. */
  compact(): void {
    this.#oldest = this.version;
    this.#log = [];
  }

  /** Text as it is to every open watch, then perhaps the end. */
  describe(raw: string, then: 'go_on' | 'end' | 'cut' = 'go_on'): void {
    for (const watcher of this.#watchers) {
      watcher.response.write(raw);
      if (then === 'end') watcher.response.end();
      if (then === 'cut') setImmediate(() => watcher.response.socket?.destroy());
      if (then !== 'go_on') this.#watchers.delete(watcher);
    }
  }

  get watches(): number {
    return this.#watchers.size;
  }

  #hold(pod: Json): void {
    this.pods.set(text(pod, 'metadata', 'uid'), { kind: 'Pod', apiVersion: 'v1', ...pod });
  }

  #happen(resource: string, type: string, what: Json): void {
    this.version = Math.max(this.version + 1, Number(text(what, 'metadata', 'resourceVersion')));
    if (resource === 'core/pods' && type === 'DELETED') this.pods.delete(text(what, 'metadata', 'uid'));
    else if (resource === 'core/pods') this.#hold(what);
    const line = `${JSON.stringify({ type, object: what })}\n`;
    this.#log.push({ version: this.version, resource, what, line });
    this.#send(resource, line, what);
  }

  #send(resource: string, line: string, what?: Json): void {
    for (const watcher of this.#watchers)
      if (watcher.resource === resource && (what === undefined || watcher.wants(what))) watcher.response.write(line);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const call = callOf(request.method ?? 'GET', url);
    const body = await bodyOf(request);
    if (call === undefined) {
      send(response, refusal(404, 'NotFound', 'the server could not find it'));
      return;
    }
    this.#note(call, url, body);
    const scripted = this.#scripted.find((entry) => entry.times > 0 && entry.match(call));
    if (scripted !== undefined) {
      scripted.times -= 1;
      if (!(await misbehave(scripted.does, response))) return;
    }
    const may = this.#mayOf(request.headers.authorization, call);
    if (may === undefined) send(response, { code: 401, body: recordedJson('unauthorized.json') });
    else if (!may) send(response, forbidden(call));
    else if (call.verb === 'watch') this.#watch(call, url.searchParams, response);
    else if (this.#lost !== undefined && this.#lost.times > 0 && this.#lost.match(call)) {
      this.#lost.times -= 1;
      this.#serve(call, url, body);
      response.socket?.destroy();
    } else send(response, this.#serve(call, url, body));
  }

  #mayOf(authorization: string | undefined, call: KubeCall): boolean | undefined {
    switch (authorization) {
      case `Bearer ${token}`:
        return this.grants.has(grantText(call)) || this.grants.has(scopedText(call));
      case `Bearer ${catalogToken}`:
        return this.catalogGrants.has(scopedText(call));
      default:
        return undefined;
    }
  }

  /** A port-forward: a refusal is an HTTP answer, as the API server's are; an unknown dialect is the kubelet's bare 403. */
  #upgrade(request: IncomingMessage, at: { readonly socket: Duplex; readonly head: Buffer }): void {
    const url = new URL(request.url ?? '/', this.url);
    const call = callOf('GET', url);
    const refuse = ({ code, body }: Reply): void => {
      const text = JSON.stringify(body);
      const head = `HTTP/1.1 ${code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}`;
      at.socket.end(`${head}\r\nConnection: close\r\n\r\n${text}`);
    };
    at.socket.on('error', () => undefined);
    if (call === undefined) {
      refuse(refusal(404, 'NotFound', 'the server could not find it'));
      return;
    }
    this.#note(call, url, {});
    const ending = this.endings.get(`${call.namespace}/${call.name}`);
    // Since 1.35 a WebSocket needs both verbs.
    const create = { ...call, verb: 'create' };
    if (request.headers.authorization !== `Bearer ${token}`) {
      refuse({ code: 401, body: recordedJson('unauthorized.json') });
      return;
    }
    if (!this.grants.has(grantText(call)) || !this.grants.has(grantText(create))) {
      refuse(forbidden(create));
      return;
    }
    if (ending === undefined) {
      refuse(refusal(404, 'NotFound', `pods "${call.name}" not found`));
      return;
    }
    const port = Number(url.searchParams.get('ports'));
    const spoken = serveForward(request, at, { known: this.dialects, ending, port });
    if (spoken === undefined) at.socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    else {
      this.spoken.push(spoken);
      this.#forwards += 1;
      this.mostForwards = Math.max(this.mostForwards, this.#forwards);
      at.socket.once('close', () => (this.#forwards -= 1));
      this.#publish();
    }
  }

  #note(call: KubeCall, url: URL, body: Json): void {
    this.calls.push(call);
    if (call.verb === 'list' || call.verb === 'watch') this.asked.push(url.searchParams);
    if (['patch', 'create', 'update', 'delete'].includes(call.verb)) this.written.push({ call, body });
    this.#publish();
  }

  #publish(): void {
    const met = this.#waiting.filter((waiting) => waiting.count(this));
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const waiting of met) waiting.done();
  }

  #serve(call: KubeCall, url: URL, body: Json): Reply {
    switch (grantText(call)) {
      case 'list core/pods':
      case 'list core/nodes':
        return this.#list(call, url.searchParams);
      case 'get core/nodes':
        return { code: 200, body: this.node };
      case 'get core/secrets':
        return this.#secret(call);
      case 'patch core/nodes/status':
        return this.#patch(body);
      case 'create events.k8s.io/events':
        return createdEvent(body);
      case 'create authentication.k8s.io/tokenreviews':
        return { code: 201, body: tokenReview(this.people, body) };
      case 'create authorization.k8s.io/subjectaccessreviews':
        return { code: 201, body: accessReview(this.people, body) };
      case 'get apps/daemonsets':
        return this.#daemonSet(call);
      case 'get core/nodes/configz':
        return { code: 200, body: recordedJson('configz.json') };
      default:
        if (!this.#serves(call)) return refusal(404, 'NotFound', 'the server could not find the requested resource');
        return call.verb === 'list' ? this.#list(call, url.searchParams) : this.shelf.serve(call, body);
    }
  }

  #serves(call: KubeCall): boolean {
    const own = ['apps', 'batch', 'coordination.k8s.io'].includes(call.group);
    const core = ['pods', 'nodes', 'configmaps', 'serviceaccounts'].includes(call.resource);
    return own || (call.group === '' ? core : this.installed.has(kindKey(call)));
  }

  #all(call: KubeCall, query: URLSearchParams): readonly Json[] {
    const kind = kindKey(call);
    if (kind === 'core/nodes') return this.#nodes().filter((what) => selects(what, call, query));
    const all = kind === 'core/pods' ? [...this.pods.values()] : this.shelf.all(kind);
    const isAll = call.namespace === '' && !query.has('labelSelector');
    return isAll ? all : all.filter((what) => selects(what, call, query));
  }

  #daemonSet({ namespace, name }: KubeCall): Reply {
    const agents = this.daemonSets.get(`${namespace}/${name}`);
    if (agents === undefined) return refusal(404, 'NotFound', `daemonsets.apps "${name}" not found`);
    const status = { desiredNumberScheduled: agents, currentNumberScheduled: agents };
    return { code: 200, body: { kind: 'DaemonSet', apiVersion: 'apps/v1', metadata: { namespace, name }, status } };
  }

  #list(call: KubeCall, query: URLSearchParams): Reply {
    const [start = 0, asOf] = (query.get('continue') ?? '').split('@').map(Number);
    if (Number(query.get('resourceVersion') ?? 0) > this.version)
      return refusal(504, 'Timeout', 'Too large resource version');
    if (asOf !== undefined && asOf < this.#oldest)
      return refusal(410, 'Expired', 'The provided continue parameter is too old');
    const all = this.#all(call, query);
    const end = start + Number(query.get('limit') ?? all.length);
    const more = end < all.length ? { continue: `${end}@${this.version}` } : {};
    const metadata = { resourceVersion: String(this.version), ...more };
    return {
      code: 200,
      body: { kind: `${call.resource}List`, apiVersion: 'v1', metadata, items: all.slice(start, end) },
    };
  }

  #nodes(): readonly Json[] {
    return this.fleet.length === 0 ? [this.node] : this.fleet;
  }

  #watch(call: KubeCall, query: URLSearchParams, response: ServerResponse): void {
    const resource = kindKey(call);
    if (!this.#serves(call)) {
      send(response, refusal(404, 'NotFound', 'the server could not find the requested resource'));
      return;
    }
    const from = Number(query.get('resourceVersion') ?? 0);
    const tooOld = refusal(410, 'Expired', `too old resource version: ${from} (${this.#oldest})`);
    if (from < this.#oldest && this.gone === 'status') {
      send(response, tooOld);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
    response.flushHeaders();
    if (from < this.#oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: tooOld.body })}\n`);
      return;
    }
    const watcher = { response, resource, wants: (what: Json) => selects(what, call, query) };
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
    for (const entry of this.#log)
      if (entry.resource === resource && entry.version > from && watcher.wants(entry.what)) response.write(entry.line);
    this.#publish();
  }

  #secret(call: KubeCall): Reply {
    const secret = this.secrets.get(`${call.namespace}/${call.name}`);
    if (secret !== undefined) return { code: 200, body: secret };
    return refusal(404, 'NotFound', `secrets "${call.name}" not found`);
  }

  /** Strategic merge of what is used of it: conditions by type, and metadata.resourceVersion as a precondition. */
  #patch(body: Json): Reply {
    const wanted = text(body, 'metadata', 'resourceVersion');
    if (wanted !== '' && wanted !== text(this.node, 'metadata', 'resourceVersion'))
      return refusal(409, 'Conflict', 'the object has been modified; please apply your changes to the latest version');
    const given = at(body, 'status', 'conditions') as Json[];
    const old = at(this.node, 'status', 'conditions') as Json[];
    const kept = old.filter((condition) => !given.some((other) => other['type'] === condition['type']));
    this.setNode({ ...this.node, status: { ...object(this.node['status']), conditions: [...given, ...kept] } });
    return { code: 200, body: this.node };
  }
}
