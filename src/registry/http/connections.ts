/**
 * Sends requests over connections that it opens, keeps and closes, during one pass over many images. Within the pass it looks
 * each name up once and dials an origin that does not answer once. It follows no redirect and repeats nothing but what Go's
 * http.Transport repeats: a request on a kept connection that the server had closed.
 */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { originOf, type Origin } from '#go/host-port.ts';
import { proxyFor, type ProxyTarget } from '#go/http-proxy.ts';
import type { DnsFacts } from '#report/rehearsal.ts';
import { Connection, type RequestForm } from './connection.ts';
import { dial, type Dialled, type DialDependencies, type NameLookup } from '#registry/dial.ts';
import { Pool, type Opened, type Taken } from './pool.ts';
import { lookup, type LookupOptions } from '#registry/dns/resolve.ts';
import { eitherOf } from '#registry/either-signal.ts';
import { identityOf } from '#registry/tls/trust.ts';
import type { Answer, Ask, Asked, NetworkSettings } from '#registry/wire.ts';
import { inwardAddress } from './token-realm.ts';

/** For a registry's name that was not looked up in this pass, as where a proxy resolves it. */
const lookupLimitMs = 3_000;

/** An origin, the proxy on the path to it, and its connections. */
interface Path extends Origin {
  readonly proxy: ProxyTarget | null;
  readonly form: RequestForm;
  readonly pool: Pool;
}

export class Connections {
  readonly #network: NetworkSettings;
  readonly #paths = new Map<string, Outcome<Path>>();
  readonly #pools = new Map<string, Pool>();
  readonly #names = new Map<string, Promise<NameLookup>>();
  readonly #life = new AbortController();

  constructor(network: NetworkSettings) {
    this.#network = network;
  }

  async ask(ask: Ask): Promise<Asked> {
    const path = this.#pathOf(ask);
    if (!path.ok) return { steps: [], startMs: this.#network.elapsedMs(), ms: 0, outcome: path };
    const taken = await this.#take(ask, path.value, 'any');
    if (!taken.outcome.ok) return this.#asked(taken, taken.outcome);
    const connection = taken.outcome.value;
    const refused = await this.#refusal(ask, path.value, [connection.address]);
    if (refused !== undefined) {
      path.value.pool.giveBack(connection);
      return this.#asked(taken, bad(refused));
    }
    const reused = connection.served > 0;
    const { outcome, mayRepeat } = await connection.send(ask);
    path.value.pool.giveBack(connection);
    // In TLS 1.3 the server rejects the client's certificate only after the handshake.
    if (!outcome.ok && outcome.fault.code === 'tls.client_rejected') path.value.pool.fail(outcome);
    return reused && mayRepeat ? this.#repeat(ask, path.value, taken.startMs) : this.#asked(taken, outcome);
  }

  /** Opens a connection as a request would, sends nothing on it and closes it. */
  async probe(at: Pick<Ask, 'url' | 'tls' | 'dialTimeoutMs' | 'signal' | 'cause'>): Promise<Dialled> {
    const path = this.#pathOf(at);
    if (!path.ok) return { steps: [], outcome: path };
    const { steps, outcome } = await this.#dial(at, path.value);
    if (outcome.ok) outcome.value.socket.destroy();
    return { steps, outcome };
  }

  /** Ends pending requests with `agent.out_of_time`. */
  async close(): Promise<void> {
    this.#life.abort();
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  async #repeat(ask: Ask, path: Path, startMs: number): Promise<Asked> {
    const taken = { ...(await this.#take(ask, path, 'fresh')), startMs };
    if (!taken.outcome.ok) return this.#asked(taken, taken.outcome);
    const { outcome } = await taken.outcome.value.send(ask);
    path.pool.giveBack(taken.outcome.value);
    return this.#asked(taken, outcome);
  }

  #asked({ steps, startMs }: Taken, outcome: Outcome<Answer>): Asked {
    return { steps, startMs, ms: this.#network.elapsedMs() - startMs, outcome };
  }

  async #take(ask: Ask, path: Path, which: 'any' | 'fresh'): Promise<Taken> {
    const open = async (): Promise<Opened> => this.#open(ask, path);
    const { elapsedMs } = this.#network;
    return path.pool.take({ open, elapsedMs, signal: ask.signal, fresh: which === 'fresh' });
  }

  async #open(ask: Ask, path: Path): Promise<Opened> {
    const { steps, outcome } = await this.#dial(ask, path);
    if (!outcome.ok) return { steps, outcome };
    return { steps, outcome: good(new Connection(outcome.value, path.form, this.#network.elapsedMs)) };
  }

  async #dial(ask: Pick<Ask, 'url' | 'tls' | 'dialTimeoutMs' | 'signal' | 'cause'>, path: Path): Promise<Dialled> {
    const { scheme, host, port, proxy } = path;
    const life = this.#life.signal;
    const target = { scheme, host, port, proxy, tls: ask.tls, timeoutMs: ask.dialTimeoutMs };
    const dependencies = this.#dialDependencies(ask, path);
    if (ask.signal === undefined) return dial({ ...target, signal: life }, dependencies);
    const { signal, release } = eitherOf(ask.signal, life);
    try {
      return await dial({ ...target, signal }, dependencies);
    } finally {
      release();
    }
  }

  /** The addresses that `dial` gets are checked here, and it connects to these and to no others. */
  #dialDependencies(ask: Pick<Ask, 'url' | 'cause'>, path: Path): DialDependencies {
    const checked = async (host: string, options: LookupOptions): Promise<NameLookup> => {
      const found = await this.#lookup(host, options);
      if (!found.outcome.ok) return found;
      const refused = await this.#refusal(ask, path, found.outcome.value.addresses);
      return refused === undefined ? found : { ...found, outcome: bad(refused) };
    };
    return { network: this.#network, lookup: ask.cause === undefined ? this.#lookup : checked };
  }

  /** Why the request must not go to these addresses. A proxy resolves the name itself: its own address is not the target's. */
  async #refusal(
    { url, cause }: Pick<Ask, 'url' | 'cause'>,
    path: Path,
    addresses: readonly string[],
  ): Promise<Fault | undefined> {
    if (cause === undefined || path.proxy !== null) return undefined;
    const registry = await this.#addressesOf(cause.registry);
    const isRealm = cause.by === 'realm';
    const why = inwardAddress({ addresses, registry, own: isRealm ? ownAddresses() : [] });
    if (why === undefined) return undefined;
    return isRealm
      ? { code: 'agent.distrusts_realm', realm: url.host, why }
      : { code: 'agent.cannot_see', what: `${url.host}, which ${cause.registry} names in a ${cause.by}`, why };
  }

  /** What the registry's name resolves to in this pass. */
  async #addressesOf(host: string): Promise<readonly string[]> {
    const { elapsedMs } = this.#network;
    const { outcome } = await this.#lookup(host, { timeoutMs: lookupLimitMs, elapsedMs, signal: this.#life.signal });
    return outcome.ok ? outcome.value.addresses : [];
  }

  #pathOf({ url, tls }: Pick<Ask, 'url' | 'tls'>): Outcome<Path> {
    const key = `${url.protocol}//${url.host}${url.protocol === 'https:' ? ` ${identityOf(tls)}` : ''}`;
    const known = this.#paths.get(key);
    if (known !== undefined) return known;
    const made = this.#makePath(url, key);
    this.#paths.set(key, made);
    return made;
  }

  #makePath(url: URL, key: string): Outcome<Path> {
    const origin = originOf(url);
    const proxied = proxyFor(this.#network.proxy, origin);
    if (!proxied.ok) return proxied;
    const proxy = proxied.value;
    const absolute = origin.scheme === 'http' && (proxy?.scheme === 'http' || proxy?.scheme === 'https');
    const login = absolute ? proxy.authorization : undefined;
    const extraHeaders = login === undefined ? [] : ['Proxy-Authorization', login.reveal()];
    // Without a tunnel a connection belongs to the proxy, not to the host behind it (Transport connectMethod.key).
    const pool = this.#poolOf(absolute ? `by ${proxy.shown}` : key);
    return good({ ...origin, proxy, form: { absolute, extraHeaders }, pool });
  }

  #poolOf(key: string): Pool {
    const pool = this.#pools.get(key) ?? new Pool(this.#network.perOrigin);
    this.#pools.set(key, pool);
    return pool;
  }

  /** One lookup a name. Later callers wait for the first one's, unless that ran out of its own time. */
  readonly #lookup = async (host: string, options: LookupOptions): Promise<NameLookup> => {
    const name = host.toLowerCase();
    const known = this.#names.get(name);
    if (known !== undefined) {
      const { outcome } = await known;
      const givenUp = !outcome.ok && outcome.fault.code === 'agent.out_of_time' && !options.signal.aborted;
      return givenUp ? this.#lookup(host, options) : { outcome, shared: true };
    }
    const { resolver, family } = this.#network;
    const pending = lookup(resolver, host, options).then((outcome) => ({
      outcome: ofFamily(outcome, host, family),
      shared: false,
    }));
    this.#names.set(name, pending);
    const found = await pending;
    if (!found.outcome.ok && found.outcome.fault.code === 'agent.out_of_time') this.#names.delete(name);
    return found;
  };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

/** A name without an address of the requested family counts as one that does not exist. */
function ofFamily(found: Outcome<DnsFacts>, host: string, family: NetworkSettings['family']): Outcome<DnsFacts> {
  if (!found.ok || family === undefined) return found;
  const addresses = found.value.addresses.filter((address) => isIPv6(address) === (family === 'ipv6'));
  if (addresses.length > 0) return good({ ...found.value, addresses });
  return bad({ code: 'dns.not_found', host, server: found.value.answeredBy, asked: [host] });
}
