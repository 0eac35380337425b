/**
 * Door: sends requests over connections that it opens, keeps and closes. It lives for one pass over many images, and what
 * it learnt in it holds until its end: one answer for a name, one dial for an origin that does not answer. It follows no
 * redirect and repeats nothing, but for what Go's http.Transport repeats: a request that met a kept connection's end.
 */
import { isIPv6 } from 'node:net';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { proxyFor, type ProxyTarget } from '#go/http-proxy.ts';
import type { DnsFacts } from '#report/rehearsal.ts';
import { Connection, type Form } from './connection.ts';
import { dial, type Dialled, type DialDependencies, type NameLookup } from '#registry/dial.ts';
import { Pool, type Opened, type Taken } from './pool.ts';
import { lookUp, type Patience } from '#registry/dns/resolve.ts';
import { eitherOf } from '#registry/either-signal.ts';
import { identityOf } from '#registry/tls/trust.ts';
import type { Answer, Ask, Asked, NetworkSettings } from '#registry/wire.ts';

/** How an origin is reached, and by whom. */
interface Connection_ {
  readonly scheme: 'https' | 'http';
  readonly host: string;
  readonly port: number;
  readonly proxy: ProxyTarget | null;
  readonly form: Form;
  readonly pool: Pool;
}

export class Connections {
  readonly #network: NetworkSettings;
  readonly #dialing: DialDependencies;
  readonly #origins = new Map<string, Outcome<Connection_>>();
  readonly #pools = new Map<string, Pool>();
  readonly #names = new Map<string, Promise<NameLookup>>();
  readonly #life = new AbortController();

  constructor(network: NetworkSettings) {
    this.#network = network;
    this.#dialing = { network, lookUp: this.#lookUp };
  }

  async ask(ask: Ask): Promise<Asked> {
    const path = this.#originOf(ask);
    if (!path.ok) return { steps: [], startMs: this.#network.elapsedMs(), ms: 0, outcome: path };
    const taken = await this.#take(ask, path.value, 'any');
    if (!taken.outcome.ok) return this.#asked(taken, taken.outcome);
    const connection = taken.outcome.value;
    const reused = connection.served > 0;
    const { outcome, mayRepeat } = await connection.send(ask);
    path.value.pool.giveBack(connection);
    // In TLS 1.3 the server says only now what belongs to the handshake.
    if (!outcome.ok && outcome.fault.code === 'tls.client_rejected') path.value.pool.fail(outcome);
    return reused && mayRepeat ? this.#repeat(ask, path.value, taken.startMs) : this.#asked(taken, outcome);
  }

  /** Opens a connection as a request would, sends nothing over it and closes it. */
  async probe(at: Pick<Ask, 'url' | 'tls' | 'dialTimeoutMs' | 'signal'>): Promise<Dialled> {
    const path = this.#originOf(at);
    if (!path.ok) return { steps: [], outcome: path };
    const { steps, outcome } = await this.#dial(at, path.value);
    if (outcome.ok) outcome.value.socket.destroy();
    return { steps, outcome };
  }

  /** Ends what is under way with `agent.out_of_time`. */
  async close(): Promise<void> {
    this.#life.abort();
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  async #repeat(ask: Ask, path: Connection_, startMs: number): Promise<Asked> {
    const taken = { ...(await this.#take(ask, path, 'fresh')), startMs };
    if (!taken.outcome.ok) return this.#asked(taken, taken.outcome);
    const { outcome } = await taken.outcome.value.send(ask);
    path.pool.giveBack(taken.outcome.value);
    return this.#asked(taken, outcome);
  }

  #asked({ steps, startMs }: Taken, outcome: Outcome<Answer>): Asked {
    return { steps, startMs, ms: this.#network.elapsedMs() - startMs, outcome };
  }

  async #take(ask: Ask, path: Connection_, which: 'any' | 'fresh'): Promise<Taken> {
    const open = async (): Promise<Opened> => this.#open(ask, path);
    const { elapsedMs } = this.#network;
    return path.pool.take({ open, elapsedMs, signal: ask.signal, fresh: which === 'fresh' });
  }

  async #open(ask: Ask, path: Connection_): Promise<Opened> {
    const { steps, outcome } = await this.#dial(ask, path);
    if (!outcome.ok) return { steps, outcome };
    return { steps, outcome: good(new Connection(outcome.value, path.form, this.#network.elapsedMs)) };
  }

  async #dial(ask: Pick<Ask, 'tls' | 'dialTimeoutMs' | 'signal'>, path: Connection_): Promise<Dialled> {
    const { scheme, host, port, proxy } = path;
    const life = this.#life.signal;
    const target = { scheme, host, port, proxy, tls: ask.tls, timeoutMs: ask.dialTimeoutMs };
    if (ask.signal === undefined) return dial({ ...target, signal: life }, this.#dialing);
    const { signal, release } = eitherOf(ask.signal, life);
    try {
      return await dial({ ...target, signal }, this.#dialing);
    } finally {
      release();
    }
  }

  #originOf({ url, tls }: Pick<Ask, 'url' | 'tls'>): Outcome<Connection_> {
    const place = `${url.protocol}//${url.host}${url.protocol === 'https:' ? ` ${identityOf(tls)}` : ''}`;
    const known = this.#origins.get(place);
    if (known !== undefined) return known;
    const made = this.#makeRoom(url, place);
    this.#origins.set(place, made);
    return made;
  }

  #makeRoom(url: URL, place: string): Outcome<Connection_> {
    const scheme = url.protocol === 'https:' ? 'https' : 'http';
    const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
    const proxied = proxyFor(this.#network.proxy, { scheme, host, port });
    if (!proxied.ok) return proxied;
    const proxy = proxied.value;
    const absolute = scheme === 'http' && (proxy?.scheme === 'http' || proxy?.scheme === 'https');
    const login = absolute ? proxy.authorization : undefined;
    const extraHeaders = login === undefined ? [] : ['Proxy-Authorization', login.reveal()];
    // Without a tunnel a connection belongs to the proxy, not to the host behind it (Transport connectMethod.key).
    const pool = this.#poolOf(absolute ? `by ${proxy.shown}` : place);
    return good({ scheme, host, port, proxy, form: { absolute, extraHeaders }, pool });
  }

  #poolOf(key: string): Pool {
    const pool = this.#pools.get(key) ?? new Pool(this.#network.perOrigin);
    this.#pools.set(key, pool);
    return pool;
  }

  /** One question a name: whoever asks first asks for all, with its own patience, until its end or ours. */
  readonly #lookUp = async (host: string, patience: Patience): Promise<NameLookup> => {
    const name = host.toLowerCase();
    const known = this.#names.get(name);
    if (known !== undefined) {
      const { outcome } = await known;
      const givenUp = !outcome.ok && outcome.fault.code === 'agent.out_of_time' && !patience.signal.aborted;
      return givenUp ? this.#lookUp(host, patience) : { outcome, shared: true };
    }
    const { resolver, family } = this.#network;
    const asked = lookUp(resolver, host, patience).then((outcome) => ({
      outcome: ofFamily(outcome, host, family),
      shared: false,
    }));
    this.#names.set(name, asked);
    const found = await asked;
    if (!found.outcome.ok && found.outcome.fault.code === 'agent.out_of_time') this.#names.delete(name);
    return found;
  };
}

/** A name without an address of the family is, to whoever asks for that family, no name. */
function ofFamily(found: Outcome<DnsFacts>, host: string, family: NetworkSettings['family']): Outcome<DnsFacts> {
  if (!found.ok || family === undefined) return found;
  const addresses = found.value.addresses.filter((address) => isIPv6(address) === (family === 'ipv6'));
  if (addresses.length > 0) return good({ ...found.value, addresses });
  return bad({ code: 'dns.not_found', host, server: found.value.answeredBy, asked: [host] });
}
