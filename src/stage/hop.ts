/**
 * One try of a request: authorised, sent, redirected, and sent again in plain HTTP where containerd would.
 * Imitates net/http Client.do and containerd core/remotes/docker/resolver.go (request.do, NewHTTPFallback), v1.6.20 to v2.3.4.
 */
import type { Fault, FaultOf } from '#pull/fault.ts';
import type { Route } from '#pull/plan.ts';
import { cleanPath } from '#pull/routes.ts';
import { resolveStatusWords, transportWords } from '#pull/shown.ts';
import type { Header } from '#pull/view.ts';
import { openHeader } from '../registry/authorize.ts';
import { header, type Answer, type Asked } from '../registry/wire.ts';
import type { Authorization, Authorizer } from './authorizer.ts';
import { record, type Purpose, type Scene } from './scene.ts';
import type { Tried, Trouble } from './trouble.ts';

export interface Request {
  readonly method: 'HEAD' | 'GET';
  readonly route: number;
  /** `manifests/v1`, below the repository. */
  readonly object: string;
  readonly headers: readonly Header[];
  readonly maxBytes: number;
  readonly lastHost: boolean;
  /** Never turned into a GET: on a metered registry that would be a pull. */
  readonly stayHead?: true;
  readonly purpose: Omit<Purpose, 'route'>;
}

export interface Reply {
  readonly answer: Answer;
  /** GET where a HEAD was answered 405. */
  readonly method: 'HEAD' | 'GET';
  /** What was asked at first, and what answered in the end, after redirects. */
  readonly requested: URL;
  readonly url: URL;
  readonly presented?: Authorization;
}

/** net/http defaultCheckRedirect: ten requests, the first one included. */
const mostRequests = 10;
/** Headers that net/http drops when a redirect leaves the domain. */
const staysHome = new Set(['authorization', 'www-authenticate', 'cookie', 'cookie2']);
const bodyTimeoutMs = 30_000;

/** The URL that containerd would ask at a route (resolver.go request, addNamespace). */
export function urlAt(route: Route, repository: string, object: string): URL {
  const url = new URL(`${route.scheme}://${route.authority}${cleanPath(`${route.path}/${repository}/${object}`)}`);
  if (route.ns !== undefined) url.searchParams.set('ns', route.ns);
  return url;
}

export interface Sending extends Request {
  readonly at: Route;
}

export async function sendOnce(scene: Scene, authorizer: Authorizer, sending: Sending): Promise<Tried<Reply>> {
  const { plan } = scene;
  const requested = urlAt(sending.at, plan.image.path, sending.object);
  let own: Header[] = [...sending.at.headers, ...sending.headers];
  if (!own.some(([name]) => name.toLowerCase() === 'user-agent')) own.push(['User-Agent', plan.engine.userAgent]);
  let url = requested;
  let carried: Authorization | undefined;
  for (let hop = 0; hop < mostRequests; hop += 1) {
    const authorized = await authorizer.authorize(url.host, sending.route);
    if (!authorized.ok) return { ok: false, trouble: refusedBefore(authorized.trouble, { scene, sending, url, hop }) };
    const authorization =
      authorized.value ?? (carried !== undefined && isWithin(url.hostname, requested.hostname) ? carried : undefined);
    const asked = await ask(scene, {
      ...sending,
      url,
      own,
      ...(authorization === undefined ? {} : { authorization }),
      hop,
    });
    if (!asked.outcome.ok) {
      const { fault } = asked.outcome;
      return {
        ok: false,
        trouble: {
          fault,
          words: transportWords({ method: sending.method, url }, fault, plan.engine),
          at: { host: url.host, ...(hop === 0 ? {} : { redirectedBy: requested.host }) },
        },
      };
    }
    const answer = asked.outcome.value;
    const reply: Reply = {
      answer,
      method: sending.method,
      requested,
      url,
      ...(authorization === undefined ? {} : { presented: authorization }),
    };
    const next = nextHop(answer, url);
    if (next === undefined) return { ok: true, value: reply };
    if (typeof next === 'string')
      return {
        ok: false,
        trouble: redirectTrouble(
          { code: 'api.redirect_failed', host: url.host, location: '', why: next },
          { scene, method: sending.method, url },
        ),
      };
    carried = authorization;
    if (!isWithin(next.hostname, requested.hostname)) own = own.filter(([name]) => !staysHome.has(name.toLowerCase()));
    url = next;
  }
  const fault: FaultOf<'api.redirect_failed'> = {
    code: 'api.redirect_failed',
    host: requested.host,
    location: url.host,
    why: 'stopped after 10 redirects',
  };
  return { ok: false, trouble: redirectTrouble(fault, { scene, method: sending.method, url }) };
}

/** A login that this host refused before is worded as the 401 that it would get again. */
function refusedBefore(
  before: Trouble,
  at: { readonly scene: Scene; readonly sending: Sending; readonly url: URL; readonly hop: number },
): Trouble {
  if (at.hop > 0) return redirectTrouble(before.fault, { ...at, method: at.sending.method });
  if (before.words.text !== '') return before;
  const path = at.sending.object.replace('/', ' ');
  const answer = { status: 401, authority: at.sending.at.authority, path, message: '' };
  return {
    ...before,
    words: resolveStatusWords({ method: at.sending.method, url: at.url }, answer, at.scene.plan.engine),
  };
}

function redirectTrouble(fault: Fault, { scene, method, url }: Redirected): Trouble {
  return { fault, words: transportWords({ method, url }, fault, scene.plan.engine) };
}

interface Redirected {
  readonly scene: Scene;
  readonly method: string;
  readonly url: URL;
}

interface Asking extends Sending {
  readonly url: URL;
  readonly own: readonly Header[];
  readonly authorization?: Authorization;
  readonly hop: number;
}

async function ask(scene: Scene, asking: Asking): Promise<Asked> {
  const { authorization, at } = asking;
  const held: Header[] = authorization === undefined ? [] : [['Authorization', openHeader(authorization.value)]];
  const purpose: Purpose = {
    act: asking.purpose.act,
    because: asking.hop === 0 ? asking.purpose.because : 'redirected here',
    route: asking.route,
  };
  const sent = { method: asking.method, ...(authorization === undefined ? {} : { as: authorization.as }) };
  const settings = {
    method: asking.method,
    headers: [...asking.own, ...held],
    tls: at.tls,
    dialTimeoutMs: at.dialTimeoutMs,
    headerTimeoutMs: scene.plan.engine.headerTimeoutMs ?? scene.wire.manners.patienceMs,
    maxBytes: asking.maxBytes,
    bodyTimeoutMs,
    signal: scene.signal,
  };
  const asked = await scene.wire.connections.ask({ ...settings, url: asking.url });
  record(scene, purpose, { ...sent, url: asking.url }, asked);
  if (asked.outcome.ok || !at.httpsFirst || !fallsBack(asked.outcome.fault, at, scene)) return asked;
  const plain = new URL(asking.url);
  plain.protocol = 'http:';
  const again = await scene.wire.connections.ask({ ...settings, url: plain });
  record(
    scene,
    { ...purpose, because: 'HTTPS failed on an http:// entry with TLS settings' },
    { ...sent, url: plain },
    again,
  );
  return again;
}

/** resolver.go isTLSError and isPortError. */
function fallsBack(fault: Fault, route: Route, scene: Scene): boolean {
  if (fault.code === 'tls.not_tls' || fault.code === 'tls.timed_out') return true;
  if (!scene.plan.engine.httpAfterConnectionError || /:\d+$/.test(route.authority)) return false;
  return fault.code === 'tcp.refused' || fault.code === 'tcp.timed_out' || fault.code === 'tcp.unreachable';
}

/** net/http Client.do: where a redirect leads; undefined where the answer stands as it is. */
function nextHop(answer: Answer, from: URL): URL | string | undefined {
  if (![301, 302, 303, 307, 308].includes(answer.status)) return undefined;
  const location = header(answer, 'location');
  if (location === undefined || location === '') return undefined;
  if (!URL.canParse(location, from.href)) return 'failed to parse Location header';
  const next = new URL(location, from);
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    return `unsupported protocol scheme "${next.protocol.slice(0, -1)}"`;
  return next;
}

/** net/http shouldCopyHeaderOnRedirect: the same host or a host below it keeps the Authorization header. */
function isWithin(host: string, parent: string): boolean {
  return host === parent || host.endsWith(`.${parent}`);
}
