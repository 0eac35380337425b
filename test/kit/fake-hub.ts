/**
 * Docker Hub on loopback, with what makes it hard to watch: pulls counted in a rolling window by address or account, HEAD that
 * stays free and 200 when nothing is left, images that say nothing of limits, and accounts that are locked after failed logins.
 * registries.md §1; the clock is the test's.
 */
import { randomUUID } from 'node:crypto';
import type { PullReport } from '#report/report.ts';
import type { HostsRules, NodeView } from '#node/view.ts';
import { FakeRegistry, image, type Visit } from './fake-registry.ts';
import { nodeOf, plain, toml, type NodeSketch } from './stage.ts';

export interface HubWish {
  readonly now: () => number;
  readonly images: readonly string[];
  /** Pulls in six hours without a login, and for each account. Default 100 and 200. */
  readonly limits?: { readonly anonymous?: number; readonly account?: number };
  readonly users?: Readonly<Record<string, string>>;
  /** Repositories whose answers carry no quota headers. */
  readonly exempt?: readonly string[];
  /** Accounts that have no limit. */
  readonly paid?: readonly string[];
  /** Failed logins within 15 minutes that lock an account. Default 10. */
  readonly failuresToLock?: number;
  /** Listens on ::1 as well, and counts it apart. */
  readonly dualStack?: boolean;
}

const windowMs = 21_600_000;
const lockMs = 15 * 60_000;

export class FakeHub implements AsyncDisposable {
  /** Set to send `RateLimit-Limit: ;w=21600`, as it has been for minutes at a time. */
  headersAreEmpty = false;
  /** Set while the abuse limiter stands in front of everything. */
  isAbused = false;
  readonly #wish: HubWish;
  readonly #servers: FakeRegistry[] = [];
  readonly #tokens = new Map<string, string>();
  readonly #pulls = new Map<string, number[]>();
  readonly #failures = new Map<string, number[]>();

  private constructor(request: HubWish) {
    this.#wish = request;
  }

  static async open(request: HubWish): Promise<FakeHub> {
    const hub = new FakeHub(request);
    const names = [...request.images, 'ratelimitpreview/test:latest'];
    const images = Object.fromEntries(names.map((name) => [name, image({ seed: name })]));
    const onRequest = (visit: Visit): 'done' | undefined => hub.#answer(visit);
    const first = await FakeRegistry.open({ images, onRequest });
    hub.#servers.push(first);
    if (request.dualStack === true)
      hub.#servers.push(await FakeRegistry.open({ images, onRequest, address: '::1', port: first.port }));
    return hub;
  }

  get authority(): string {
    return `registry-1.docker.io:${this.#servers[0]?.port ?? 0}`;
  }

  /** A node that pulls from here what it takes for docker.io. */
  node(sketch: NodeSketch = {}, ...mirrors: Parameters<typeof plain>[]): NodeView {
    const rules: HostsRules = toml(plain(this.authority), ...mirrors.map((mirror) => plain(...mirror)));
    const addresses = this.#wish.dualStack === true ? ['::1', '127.0.0.1'] : ['127.0.0.1'];
    return nodeOf({
      ...sketch,
      hosts: { 'registry-1.docker.io': addresses, ...sketch.hosts },
      dirs: { 'docker.io': rules, ...sketch.dirs },
    });
  }

  /** `HEAD /v2/…` of every request so far. */
  get requests(): readonly string[] {
    return this.#servers.flatMap((server) => server.requests.map(({ method, url }) => `${method} ${url}`));
  }

  get manifestGets(): number {
    return this.requests.filter((request) => /^GET .*\/manifests\//.test(request)).length;
  }

  get logins(): number {
    return this.requests.filter((request) => request.includes('/token')).length;
  }

  /** Somebody else behind the same address, or with the same account, pulls. */
  consume(source: string, pulls: number): void {
    const made = this.#pulls.get(source) ?? [];
    this.#pulls.set(source, [...made, ...Array.from({ length: pulls }, this.#wish.now)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  #answer(visit: Visit): 'done' | undefined {
    visit.response.setHeader('date', new Date(this.#wish.now()).toUTCString());
    if (this.isAbused)
      return visit.send(429, { 'content-type': 'text/plain', 'retry-after': '60' }, 'Too Many Requests (HAP429).\n');
    if (visit.kind === 'token') return this.#login(visit);
    const user = this.#tokens.get(/^Bearer (.+)$/.exec(visit.seen.authorization ?? '')?.[1] ?? '');
    if (user === undefined) return challenge(visit);
    if (visit.kind !== 'manifest') return undefined;
    return this.#manifest(visit, user);
  }

  #manifest(visit: Visit, user: string): 'done' | undefined {
    const source = user === '' ? sourceOf(visit) : user;
    const { anonymous = 100, account = 200 } = this.#wish.limits ?? {};
    const limit = user === '' ? anonymous : account;
    const isUnlimited =
      this.#wish.paid?.includes(user) === true || this.#wish.exempt?.includes(visit.repository) === true;
    if (isUnlimited) return undefined;
    const left = Math.max(0, limit - this.#recent(this.#pulls, source, windowMs).length);
    const number = (value: number): string => (this.headersAreEmpty ? '' : String(value));
    visit.response.setHeader('docker-ratelimit-source', source);
    visit.response.setHeader('ratelimit-limit', `${number(limit)};w=21600`);
    visit.response.setHeader('ratelimit-remaining', `${number(visit.seen.method === 'GET' ? left - 1 : left)};w=21600`);
    if (visit.seen.method !== 'GET') return undefined;
    if (left === 0)
      return visit.refuse(
        429,
        'TOOMANYREQUESTS',
        'You have reached your pull rate limit. https://www.docker.com/increase-rate-limit',
      );
    this.consume(source, 1);
    return undefined;
  }

  #login(visit: Visit): 'done' {
    const [user, password] = offered(visit);
    const failures = this.#recent(this.#failures, user, lockMs);
    if (user !== '' && failures.length >= (this.#wish.failuresToLock ?? 10))
      return visit.send(
        429,
        { 'content-type': 'application/json' },
        '{"details":"toomanyrequests: too many failed login attempts for username or IP address"}',
      );
    const { users = {} } = this.#wish;
    if (user !== '' && (!Object.hasOwn(users, user) || users[user] !== password)) {
      this.#failures.set(user, [...failures, this.#wish.now()]);
      return visit.send(401, { 'content-type': 'application/json' }, '{"details":"incorrect username or password"}');
    }
    const token = randomUUID();
    this.#tokens.set(token, user);
    return visit.send(200, {}, JSON.stringify({ token, access_token: token, expires_in: 300 }));
  }

  #recent(of: Map<string, number[]>, key: string, spanMs: number): number[] {
    const kept = (of.get(key) ?? []).filter((atMs) => atMs > this.#wish.now() - spanMs);
    of.set(key, kept);
    return kept;
  }
}

function challenge(visit: Visit): 'done' {
  const scope = `repository:${visit.repository}:pull`;
  const realm = `Bearer realm="${visit.url.origin}/token",service="registry.docker.io",scope="${scope}"`;
  return visit.refuse(401, 'UNAUTHORIZED', 'authentication required', {
    'www-authenticate': realm,
    'docker-ratelimit-source': sourceOf(visit),
  });
}

function sourceOf({ socket }: Visit): string {
  return (socket.remoteAddress ?? '').replace('::ffff:', '');
}

function offered({ seen }: Visit): readonly [user: string, password: string] {
  if (seen.method === 'POST') {
    const form = new URLSearchParams(seen.body);
    return [form.get('username') ?? '', form.get('password') ?? ''];
  }
  const pair = Buffer.from(/^Basic (.+)$/.exec(seen.authorization ?? '')?.[1] ?? '', 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? ['', ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
}

/** The forecasts of one rule. */
export function predicted(report: PullReport, rule: string): PullReport['forecasts'] {
  return report.forecasts.filter((forecast) => forecast.rule === rule);
}
