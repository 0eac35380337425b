/**
 * One try of a request: authorised, sent, redirected, and sent again in plain HTTP where containerd would.
 * Imitates net/http Client.do and containerd core/remotes/docker/resolver.go (request.do, NewHTTPFallback), v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import type { Route } from '#runtime/plan.ts';
import { isWithin, mostRequests, nextRequest } from '#go/redirect.ts';
import { cleanPath } from '#runtime/containerd/hosts.ts';
import { fetchStatusText, requestFailed, resolveStatusText, transportText } from '#runtime/containerd/error-texts.ts';
import type { Header } from '#node/view.ts';
import { openHeader } from '#registry/token/fetch-token.ts';
import { withoutEcho } from '#registry/http/echo.ts';
import { header, type Answer, type Asked } from '#registry/wire.ts';
import type { Authorization, Authorizer } from './authorizer.ts';
import type { Elsewhere } from './elsewhere.ts';
import { answering, fallsBack, plainly } from './fall-back.ts';
import { isMetered, noteLimit } from '#runtime/attempt/metered.ts';
import { record, type Purpose, type AttemptContext } from '#runtime/attempt/context.ts';
import { outOfBudget } from './out-of-turn.ts';
import { trouble, type Tried, type Trouble } from '#runtime/attempt/trouble.ts';
import { unsendable } from './unsendable.ts';
import { urlAt } from './url-at.ts';

export interface Request {
  readonly method: 'HEAD' | 'GET';
  readonly route: number;
  /** `manifests/v1`, below the repository. */
  readonly object: string;
  /** Asked in place of a route of the plan's, by nobody. */
  readonly elsewhere?: Elsewhere;
  readonly headers: readonly Header[];
  readonly headersOfGet?: readonly Header[];
  readonly maxBytes: number;
  /** As in registry/wire.ts: hashed as it comes, however long that takes within the image's deadline. */
  readonly hashAs?: string;
  readonly lastHost: boolean;
  /** Of the runtime's tries, so many are over. */
  readonly triesBefore?: number;
  /** Ours: nothing but a demand for credentials has it sent again. */
  readonly once?: true;
  readonly purpose: Omit<Purpose, 'route'>;
}

export interface Reply {
  readonly answer: Answer;
  /** GET where a HEAD was answered 405. */
  readonly method: 'HEAD' | 'GET';
  /** What was asked at first, and what answered in the end, after redirects: in plain HTTP where it fell back to that. */
  readonly requested: URL;
  readonly url: URL;
  readonly presented?: Authorization;
}

/** Headers that net/http drops when a redirect leaves the domain. */
const staysHome = new Set(['authorization', 'host', 'www-authenticate', 'cookie', 'cookie2']);
/** Made by net/http, or about the connection, which is ours. */
const made = new Set('host content-length transfer-encoding trailer connection keep-alive upgrade expect'.split(' '));
const bodyTimeoutMs = 30_000;

export interface Sending extends Request {
  readonly at: Route;
}

export async function sendOnce(
  context: AttemptContext,
  authorizer: Authorizer,
  sending: Sending,
): Promise<Tried<Reply>> {
  const { plan } = context;
  const { method, elsewhere } = sending;
  const requested = elsewhere?.url ?? urlAt(sending.at, sending.at.repository ?? plan.image.path, sending.object);
  if (requested === undefined)
    return { ok: false, trouble: noSuchPlace(sending, sending.at.repository ?? plan.image.path) };
  const held =
    heldBack(context, sending) ?? unsendable(context, sending, requested) ?? (await outOfBudget(context, sending));
  if (held !== undefined) return { ok: false, trouble: held };
  let own = headersFor(context, sending, requested);
  let url = requested;
  /** What the first request presents goes along to the same host and those below it, until a redirect has led elsewhere. */
  let carried: Authorization | undefined;
  for (let redirects = 0; redirects < mostRequests; redirects += 1) {
    const limited = context.wire.memory.limits.at(url.host, context.wire.elapsedMs());
    if (limited !== undefined)
      return { ok: false, trouble: asAnswered(context, { fault: limited, status: 429 }, { sending, url, requested }) };
    const authorized: Tried<Authorization | undefined> =
      elsewhere === undefined ? await authorizer.authorize(url.host, sending.route) : { ok: true, value: undefined };
    if (!authorized.ok)
      return { ok: false, trouble: refusedBefore(authorized.trouble, { context, sending, url, redirects }) };
    if (redirects === 0) carried = authorized.value;
    const authorization = authorized.value ?? carried;
    const presented = authorization === undefined ? {} : { presented: authorization };
    const asked = await ask(context, { ...sending, url, own, ...presented, redirects });
    if (!asked.outcome.ok) {
      const { fault } = asked.outcome;
      const at = { host: url.host, ...(redirects === 0 ? {} : { redirectedBy: requested.host }) };
      return { ok: false, trouble: { fault, errorText: transportText({ method, url }, fault, plan.engine), at } };
    }
    const answer = asked.outcome.value;
    if (answer.status !== 429) context.wire.memory.limits.lift(url.host, context.wire.elapsedMs());
    if (redirects === 0) noteLimit(context, sending.route, answer);
    const next = nextRequest(answer.status, header(answer, 'location'), url);
    if (next === undefined)
      return { ok: true, value: { answer, method, requested, url: answering(context, url), ...presented } };
    if (typeof next === 'string')
      return { ok: false, trouble: lost(context, { sending, url, location: '', why: next }) };
    if (!isWithin(next.hostname, requested.hostname)) {
      carried = undefined;
      own = own.filter(([name]) => !staysHome.has(name.toLowerCase()));
    }
    url = next;
  }
  return { ok: false, trouble: lost(context, { sending, url, location: url.host, why: 'stopped after 10 redirects' }) };
}

/**
 * hosts.toml may say any header; net/http leaves out those that it makes itself (reqWriteExcludeHeader), and keeps an
 * explicit :443 in the Host header, which URL drops.
 */
function headersFor(
  context: AttemptContext,
  { at, headers, headersOfGet, method }: Sending,
  requested: URL,
): readonly Header[] {
  const ours = method === 'GET' ? [...headers, ...(headersOfGet ?? [])] : headers;
  const own = [...at.headers, ...ours].filter(([name]) => !made.has(name.toLowerCase()));
  const named = own.some(([name]) => name.toLowerCase() === 'user-agent');
  const agent: readonly Header[] = named ? [] : [['User-Agent', context.plan.engine.userAgent]];
  const host: readonly Header[] = requested.host === at.authority.toLowerCase() ? [] : [['Host', at.authority]];
  return [...own, ...agent, ...host];
}

/** The one place that every request for a manifest passes: a GET would be a pull to a registry that counts them. */
function heldBack(context: AttemptContext, { method, object, route, at }: Sending): Trouble | undefined {
  if (method === 'HEAD' || !object.startsWith('manifests/') || !isMetered(context, route)) return undefined;
  return trouble({ code: 'agent.spends_quota', host: at.authority, what: 'only a GET of the manifest could tell' }, '');
}

/** A port beyond 65535, or a name that no URL can hold. */
function noSuchPlace({ at, method, object }: Sending, repository: string): Trouble {
  const port = /:(\d+)$/.exec(at.authority)?.[1];
  const bad = port !== undefined && Number(port) > 65_535;
  const why = bad ? `address ${port}: invalid port` : `lookup ${at.host}: no such host`;
  const fault: Fault = bad
    ? { code: 'tcp.unreachable', address: at.host, port: Number(port), why: 'invalid port' }
    : { code: 'dns.not_found', host: at.host, server: '', asked: [at.host] };
  const url = `${at.scheme}://${at.authority}${cleanPath(`${at.path}/${repository}/${object}`)}`;
  return trouble(fault, `failed to do request: ${method === 'HEAD' ? 'Head' : 'Get'} "${url}": dial tcp: ${why}`);
}

/** A login that this host refused before is worded as the 401 that it would get again. */
function refusedBefore(
  before: Trouble,
  at: { readonly context: AttemptContext; readonly sending: Sending; readonly url: URL; readonly redirects: number },
): Trouble {
  const { context, sending, url, redirects } = at;
  const { method } = sending;
  if (redirects > 0) {
    const why = before.errorText.text.replace(/^failed to authorize: /, '');
    return trouble(
      before.fault,
      requestFailed({ method, url }, `failed to authorize redirect: ${why}`, context.plan.engine),
    );
  }
  if (before.errorText.text !== '') return before;
  return asAnswered(context, { fault: before.fault, status: 401 }, { sending, url, requested: url });
}

/** A host that has said so before is not asked again: it is worded as the answer that it would give. */
function asAnswered(
  context: AttemptContext,
  recorded: { readonly fault: Fault; readonly status: number },
  at: { readonly sending: Sending; readonly url: URL; readonly requested: URL },
): Trouble {
  const { sending, url, requested } = at;
  const { method, object, purpose } = sending;
  const { status, fault } = recorded;
  const { engine } = context.plan;
  const answer = { status, authority: sending.at.authority, path: object.replace('/', ' '), message: '', requested };
  const errorText =
    purpose.act === 'resolve'
      ? resolveStatusText({ method, url: answering(context, url) }, answer, engine)
      : fetchStatusText({ method, url: answering(context, url) }, answer, engine);
  return { fault, errorText, answered: true };
}

/** A redirect that leads nowhere. */
function lost(
  context: AttemptContext,
  at: { readonly sending: Sending; readonly url: URL; readonly location: string; readonly why: string },
): Trouble {
  const { url, location, why } = at;
  const fault: Fault = { code: 'api.redirect_failed', host: url.host, location, why };
  return trouble(fault, requestFailed({ method: at.sending.method, url }, why, context.plan.engine));
}

interface Asking extends Sending {
  readonly url: URL;
  readonly own: readonly Header[];
  readonly presented?: Authorization;
  readonly redirects: number;
}

async function ask(context: AttemptContext, asking: Asking): Promise<Asked> {
  const { presented, at } = asking;
  const headers = presented === undefined ? asking.own : withAuthorization(asking.own, openHeader(presented.value));
  const purpose: Purpose = {
    act: asking.purpose.act,
    because: asking.redirects === 0 ? asking.purpose.because : 'redirected here',
    route: asking.route,
  };
  const sent = { method: asking.method, ...(presented === undefined ? {} : { as: presented.as }) };
  const settings = {
    method: asking.method,
    headers,
    tls: at.tls,
    dialTimeoutMs: at.dialTimeoutMs,
    headerTimeoutMs: context.plan.engine.headerTimeoutMs ?? context.wire.manners.patienceMs,
    maxBytes: asking.maxBytes,
    bodyTimeoutMs: asking.hashAs === undefined ? bodyTimeoutMs : context.wire.manners.deadlineMs,
    ...(asking.hashAs === undefined ? {} : { hashAs: asking.hashAs }),
    signal: context.signal,
  };
  const recorded = { headers, own: at.headers };
  const asked = withoutEcho(await context.wire.connections.ask({ ...settings, url: asking.url }), recorded);
  record(context, purpose, { ...sent, url: asking.url }, asked);
  if (asked.outcome.ok || !at.httpsFirst || !fallsBack(asked.outcome.fault, at, context)) return asked;
  const plain = plainly(asking.url);
  const again = withoutEcho(await context.wire.connections.ask({ ...settings, url: plain }), recorded);
  record(
    context,
    { ...purpose, because: 'HTTPS failed on an http:// entry with TLS settings' },
    { ...sent, url: plain },
    again,
  );
  // What is kept by host is kept under one name: a written :443 would be another without TLS.
  if (again.outcome.ok && plain.host === asking.url.host) context.wire.plain.add(plain.host);
  return again;
}

/** The authorizer's own word goes over one that hosts.toml says (authorizer.go Authorize). */
function withAuthorization(own: readonly Header[], value: string): readonly Header[] {
  return [...own.filter(([name]) => name.toLowerCase() !== 'authorization'), ['Authorization', value]];
}
