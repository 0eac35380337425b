/**
 * One request of an attempt: held back where it would spend a quota or exceed a budget, authorized, sent, redirected, and sent again in
 * plain HTTP where the runtime falls back to it. Repeats are the runtime's own.
 *
 * Imitates net/http Client.do and Transport.roundTrip, and containerd core/remotes/docker/resolver.go (request.do, NewHTTPFallback),
 * v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import { cleanPath } from '#go/path.ts';
import { withoutBrackets } from '#go/host-port.ts';
import { isWithin, mostRequests, nextRequest } from '#go/redirect.ts';
import type { Header } from '#node/view.ts';
import { withoutEcho } from '#registry/http/echo.ts';
import { openHeader } from '#registry/token/fetch-token.ts';
import { header, type Asked, type RequestCause } from '#registry/wire.ts';
import type { Secret } from '#report/secret.ts';
import type { Route } from '#runtime/plan.ts';
import type { AttemptContext, Purpose } from './context.ts';
import { overBudget, spendsQuota } from './hold-back.ts';
import { noteLimit } from './metered.ts';
import { record } from './record.ts';
import type { Authorization, Authorized, Authorizer, Request, RequestError, Sent } from './request.ts';

export async function sendRequest<E>(
  context: AttemptContext,
  authorizer: Authorizer<E>,
  request: Request,
): Promise<Sent<E>> {
  const { at, object, foreignUrl } = request;
  const requested = foreignUrl ?? urlAt(at, at.repository ?? context.plan.image.path, object);
  if (requested === undefined) return failed(noUrl(context, request));
  const heldBack =
    spendsQuota(context, request) ?? unwritable(request, requested) ?? (await overBudget(context, request));
  return heldBack === undefined ? followRedirects(context, authorizer, request, requested) : failed(heldBack);
}

function failed<E>(error: RequestError<E>): Sent<E> {
  return { ok: false, error };
}

/** Headers that net/http drops when a redirect leaves the domain. */
const sensitive = new Set(['authorization', 'host', 'www-authenticate', 'cookie', 'cookie2']);

async function followRedirects<E>(
  context: AttemptContext,
  authorizer: Authorizer<E>,
  request: Request,
  requested: URL,
): Promise<Sent<E>> {
  const { limits } = context.wire.memory;
  let headers = headersFor(context, request, requested);
  let url = requested;
  /** What the first request presents goes along to the same host and those below it, until a redirect leads elsewhere. */
  let carried: Authorization | undefined;
  for (let redirects = 0; redirects < mostRequests; redirects += 1) {
    const limited = limits.at(url.host, context.wire.elapsedMs());
    if (limited !== undefined)
      return failed({ is: 'remembered', fault: limited, status: 429, url: answeringUrl(context, url), requested });
    const authorized: Authorized<E> =
      request.foreignUrl === undefined
        ? await authorizer.authorize(url.host, request.route)
        : { ok: true, value: undefined };
    if (!authorized.ok) return failed({ is: 'unauthorized', error: authorized.error, url, isRedirect: redirects > 0 });
    if (redirects === 0) carried = authorized.value;
    const authorization = authorized.value ?? carried;
    const presented = authorization === undefined ? {} : { presented: authorization };
    const asked = await exchange(context, {
      ...request,
      requested,
      url,
      headers,
      ...presented,
      isRedirect: redirects > 0,
    });
    if (!asked.outcome.ok) {
      const at = { host: url.host, ...(redirects === 0 ? {} : { redirectedBy: requested.host }) };
      return failed({ is: 'transport', fault: asked.outcome.fault, url, at });
    }
    const answer = asked.outcome.value;
    if (answer.status !== 429) limits.lift(url.host, context.wire.elapsedMs());
    if (redirects === 0) noteLimit(context, request.route, answer);
    const next = nextRequest(answer.status, header(answer, 'location'), url);
    if (next === undefined) {
      const { method } = request;
      return { ok: true, value: { answer, method, requested, url: answeringUrl(context, url), ...presented } };
    }
    if (typeof next === 'string') return failed(lostRedirect(url, '', next));
    if (!isWithin(next.hostname, requested.hostname)) {
      carried = undefined;
      headers = headers.filter(([name]) => !sensitive.has(name.toLowerCase()));
    }
    url = next;
  }
  return failed(lostRedirect(url, url.host, `stopped after ${mostRequests} redirects`));
}

function lostRedirect(url: URL, location: string, why: string): RequestError<never> {
  const fault: Fault = { code: 'api.redirect_failed', host: url.host, location, why };
  return { is: 'refused_by_client', fault, url, why };
}

/** The URL that the runtime requests at a route (resolver.go request, addNamespace). */
export function urlAt(route: Route, repository: string, object: string): URL | undefined {
  const text = urlTextAt(route, repository, object);
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // URL reads every number as an address; Go looks up the name 127.1.
  if (/^[\d.]+$/.test(url.hostname) && url.hostname !== route.host) return undefined;
  if (route.ns !== undefined) url.searchParams.set('ns', route.ns);
  return url;
}

function urlTextAt({ scheme, authority, path }: Route, repository: string, object: string): string {
  return `${scheme}://${authority}${cleanPath(`${path}/${repository}/${object}`)}`;
}

function noUrl({ plan }: AttemptContext, { at, object }: Request): RequestError<never> {
  const port = /:(\d+)$/.exec(at.authority)?.[1];
  const isBadPort = port !== undefined && Number(port) > 65_535;
  const why = isBadPort ? `address ${port}: invalid port` : `lookup ${at.host}: no such host`;
  const fault: Fault = isBadPort
    ? { code: 'tcp.unreachable', address: at.host, port: Number(port), why: 'invalid port' }
    : { code: 'dns.not_found', host: at.host, server: '', asked: [at.host] };
  return { is: 'no_url', fault, url: urlTextAt(at, at.repository ?? plan.image.path, object), why };
}

/** net/http Transport.roundTrip: a header that cannot be written stops the request (httpguts.ValidHeaderFieldName, …Value). */
function unwritable({ at }: Request, url: URL): RequestError<never> | undefined {
  const named = at.headers.find(([name]) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name));
  const valued = at.headers.find(([, value]) => hasControls(value));
  if (named === undefined && valued === undefined) return undefined;
  const why =
    named === undefined
      ? `net/http: invalid header field value for ${JSON.stringify(valued?.[0] ?? '')}`
      : `net/http: invalid header field name ${JSON.stringify(named[0])}`;
  return { is: 'refused_by_client', fault: { code: 'runtime.misconfigured', file: at.because, why }, url, why };
}

function hasControls(value: string): boolean {
  return Buffer.from(value).some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f);
}

/** net/http makes these itself (reqWriteExcludeHeader), or they are about the connection, which is the agent's. */
const made = new Set('host content-length transfer-encoding trailer connection keep-alive upgrade expect'.split(' '));

/** hosts.toml may name any header. net/http keeps an explicit :443 in the Host header, which URL drops. */
function headersFor(context: AttemptContext, request: Request, requested: URL): readonly Header[] {
  const { at, headers, headersOfGet, method } = request;
  const ours = method === 'GET' ? [...headers, ...(headersOfGet ?? [])] : headers;
  const own = [...at.headers, ...ours].filter(([name]) => !made.has(name.toLowerCase()));
  const hasAgent = own.some(([name]) => name.toLowerCase() === 'user-agent');
  const agent: readonly Header[] = hasAgent ? [] : [['User-Agent', context.plan.engine.userAgent]];
  const host: readonly Header[] = requested.host === at.authority.toLowerCase() ? [] : [['Host', at.authority]];
  return [...own, ...agent, ...host];
}

interface Exchange extends Request {
  readonly requested: URL;
  readonly url: URL;
  readonly presented?: Authorization;
  readonly isRedirect: boolean;
}

const bodyTimeoutMs = 30_000;

/** An answer of the registry named this URL: its addresses are checked. */
function causeOf(
  { routes }: AttemptContext,
  { isRedirect, foreignUrl, requested }: Exchange,
): RequestCause | undefined {
  // The image's own registry is the last route.
  if (foreignUrl !== undefined) return { by: 'descriptor', registry: routes.at(-1)?.host ?? '' };
  return isRedirect ? { by: 'redirect', registry: withoutBrackets(requested.hostname) } : undefined;
}

/** One request on the wire, and the same in plain HTTP where HTTPS failed and the route may fall back. */
async function exchange(context: AttemptContext, request: Exchange): Promise<Asked> {
  const { presented, at, url, method, hashAs, isRedirect } = request;
  const { options, connections, pass } = context.wire;
  const { act, because } = request.purpose;
  const headers = presented === undefined ? request.headers : withAuthorization(request.headers, presented.value);
  const purpose: Purpose = { act, because: isRedirect ? 'redirected here' : because, route: request.route };
  const cause = causeOf(context, request);
  const settings = {
    method,
    headers,
    ...(cause === undefined ? {} : { cause }),
    tls: at.tls,
    dialTimeoutMs: at.dialTimeoutMs,
    headerTimeoutMs: context.plan.engine.headerTimeoutMs ?? options.responseTimeoutMs,
    maxBytes: request.maxBytes,
    bodyTimeoutMs: hashAs === undefined ? bodyTimeoutMs : options.deadlineMs,
    ...(hashAs === undefined ? {} : { hashAs }),
    signal: context.signal,
  };
  const sent = { method, ...(presented === undefined ? {} : { as: presented.as }) };
  const secrets = { headers, own: at.headers };
  const asked = withoutEcho(await connections.ask({ ...settings, url }), secrets);
  record(context, purpose, { ...sent, url }, asked);
  if (asked.outcome.ok || !at.httpsFirst || !fallsBack(asked.outcome.fault, context, at)) return asked;
  const plain = plainUrl(url);
  const again = withoutEcho(await connections.ask({ ...settings, url: plain }), secrets);
  const why = 'HTTPS failed on an http:// entry with TLS settings';
  record(context, { ...purpose, because: why }, { ...sent, url: plain }, again);
  // What is kept by host is kept under one name: a written :443 is another name without TLS.
  if (again.outcome.ok && plain.host === url.host) pass.plainHttp.add(plain.host);
  return again;
}

/** The authorizer's header replaces one that hosts.toml sets (authorizer.go Authorize). */
function withAuthorization(own: readonly Header[], value: Secret): readonly Header[] {
  const others = own.filter(([name]) => name.toLowerCase() !== 'authorization');
  return [...others, ['Authorization', openHeader(value)]];
}

const connectionFaults: readonly string[] = [
  'tcp.refused',
  'tcp.timed_out',
  'dns.timed_out',
  'api.timed_out',
  'tls.timed_out',
] satisfies readonly Fault['code'][];

/** resolver.go isTLSError and isPortError, where isConnError is a refused connection and os.IsTimeout any time-out. */
function fallsBack(fault: Fault, { plan: { engine } }: AttemptContext, route: Route): boolean {
  if (fault.code === 'tls.not_tls') return true;
  if (fault.code === 'tls.timed_out' && engine.httpAfterTlsTimeout) return true;
  if (!engine.httpAfterConnectionError || /:\d+$/.test(route.authority)) return false;
  return connectionFaults.includes(fault.code);
}

/** A response names the request that got it, which is NewHTTPFallback's own; an error names the one that was meant. */
export function answeringUrl(context: AttemptContext, url: URL): URL {
  return context.wire.pass.plainHttp.has(url.host) ? plainUrl(url) : url;
}

function plainUrl(url: URL): URL {
  return new URL(url.href.replace(/^https:/, 'http:'));
}
