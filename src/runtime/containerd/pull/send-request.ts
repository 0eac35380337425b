/**
 * One request with what containerd does around it: credentials when the host demands them, repeats, and the error text.
 *
 * Imitates containerd core/remotes/docker/resolver.go (doWithRetries, retryRequest). The agent sends fewer requests where the answer would be
 * the same: it does not present a refused credential again, and repeats a request that got 429 once, not five times, and not at all where
 * the registry says how long to wait.
 */
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import { refusal } from '#runtime/attempt/faults.ts';
import type { Authorization, Reply, Request as SingleRequest, RequestError } from '#runtime/attempt/request.ts';
import { answeringUrl, sendRequest } from '#runtime/attempt/send-request.ts';
import { fetchStatusText, requestFailed, resolveStatusText, transportText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import type { AuthorizeError, Authorizer } from './authorize.ts';
import { pullError, type PullError, type Result } from './pull-error.ts';

export interface Request extends Omit<SingleRequest, 'at'> {
  readonly at?: SingleRequest['at'];
  readonly lastHost: boolean;
  /** Of the runtime's tries, so many are over. */
  readonly triesBefore?: number;
  /** The agent's own request: only a demand for credentials has it sent again. */
  readonly once?: true;
}

type Sending = Request & SingleRequest;

export async function send(context: PullContext, authorizer: Authorizer, request: Request): Promise<Result<Reply>> {
  const at = request.at ?? context.routes[request.route];
  if (at === undefined)
    return { ok: false, error: pullError({ code: 'agent.bug', where: 'send', what: 'no such route' }, '') };
  try {
    return await sendUntilDone(context, authorizer, { ...request, at });
  } finally {
    authorizer.releaseAll();
  }
}

async function sendUntilDone(context: PullContext, authorizer: Authorizer, first: Sending): Promise<Result<Reply>> {
  const { engine } = context.plan;
  let request = first;
  let presented: Authorization | undefined;
  let previous: Reply | undefined;
  for (let tries = 1 + (first.triesBefore ?? 0); ; tries += 1) {
    const sent = await sendRequest(context, authorizer, request);
    if (!sent.ok) {
      const error = errorOf(context, request, sent.error);
      const isBroken = error.fault.code === 'tcp.closed' && engine.retriesBrokenConnections && first.lastHost;
      if (isBroken && tries === 1) continue;
      return { ok: false, error };
    }
    const reply = sent.value;
    const { status } = reply.answer;
    if (reply.presented !== undefined) presented = reply.presented;
    if (status === 401 && first.foreignUrl === undefined) {
      const repeated =
        previous !== undefined && previous.method === reply.method && previous.url.href === reply.url.href;
      const at = { url: reply.url, route: first.route, repeated, ...(presented === undefined ? {} : { presented }) };
      const demanded = authorizer.demand(reply.answer, at);
      if (demanded.is === 'error') return { ok: false, error: demanded.error };
      if (demanded.is === 'final' || tries >= engine.tries)
        return { ok: true, value: final401(context, reply, presented) };
      request = { ...request, purpose: { ...request.purpose, because: `${reply.url.host} demands credentials` } };
      previous = reply;
      continue;
    }
    noteSuccess(context, reply);
    const again = repeatOf(context, { request, reply, tries, previous: previous?.answer.status });
    if (again === undefined) return { ok: true, value: withProof(reply, presented) };
    previous = reply;
    request = { ...request, ...again };
  }
}

/** A refused login is remembered before another attempt can present it. */
function final401(context: PullContext, reply: Reply, presented: Authorization | undefined): Reply {
  const whole = withProof(reply, presented);
  refusal(whole, context);
  return whole;
}

function withProof(reply: Reply, presented: Authorization | undefined): Reply {
  return presented === undefined ? reply : { ...reply, presented };
}

/** A Basic login that a host accepted is right; what it refuses later is about a repository. */
function noteSuccess(context: PullContext, { presented, answer }: Reply): void {
  if (presented?.login === undefined || answer.status >= 400) return;
  context.wire.memory.keepProof(presented.login, presented.place);
}

interface Answered {
  readonly request: Request;
  readonly reply: Reply;
  readonly tries: number;
  readonly previous: number | undefined;
}

function repeatOf(context: PullContext, at: Answered): Partial<Request> | undefined {
  const { status } = at.reply.answer;
  const { engine } = context.plan;
  if (at.request.once === true) return undefined;
  const because = (text: string): Partial<Request> => ({ purpose: { ...at.request.purpose, because: text } });
  switch (status) {
    case 405:
      if (at.request.method !== 'HEAD' || !at.request.object.startsWith('manifests/')) return undefined;
      return { method: 'GET', ...because('HEAD answered 405') };
    case 408:
      return at.tries === 1 ? because('408 is asked again') : undefined;
    case 429:
      return at.tries === 1 && !asksToWait(at.reply.answer, context.wire.now())
        ? because('429 is asked again at once')
        : undefined;
    case 500:
    case 503:
    case 504:
      if (!engine.retriesServerErrors || !at.request.lastHost || at.previous === status || at.tries > 2)
        return undefined;
      return because(`${status} from the last host is asked again`);
    default:
      return undefined;
  }
}

export function asksToWait(answer: Answer, now: Date): boolean {
  const limit = readRateLimit(answer.headers, '', now);
  return limit?.retryAfterS !== undefined || limit?.remaining === 0;
}

/** The error of a request without an answer, as containerd prints it. */
function errorOf(context: PullContext, request: Sending, error: RequestError<AuthorizeError>): PullError {
  const { engine } = context.plan;
  const { method } = request;
  switch (error.is) {
    case 'withheld':
      return pullError(error.fault, '');
    case 'no_url': {
      const verb = method === 'HEAD' ? 'Head' : 'Get';
      return pullError(error.fault, `failed to do request: ${verb} "${error.url}": dial tcp: ${error.why}`);
    }
    case 'refused_by_client':
      return pullError(error.fault, requestFailed({ method, url: error.url }, error.why, engine));
    case 'unauthorized':
      return unauthorized(context, request, error);
    case 'remembered':
      return rememberedAnswer(context, request, error);
    case 'transport': {
      const { fault, url, at } = error;
      return { fault, errorText: transportText({ method, url }, fault, engine), at };
    }
  }
}

function unauthorized(
  context: PullContext,
  request: Sending,
  { error, url, isRedirect }: Extract<RequestError<AuthorizeError>, { readonly is: 'unauthorized' }>,
): PullError {
  const { fault } = error;
  const why = error.is === 'no_token' ? error.why : '';
  if (isRedirect) {
    const text = `failed to authorize redirect: ${why}`;
    return pullError(fault, requestFailed({ method: request.method, url }, text, context.plan.engine));
  }
  if (error.is === 'no_token') return pullError(fault, `failed to authorize: ${why}`);
  // The host has refused this login before: it gets the text of the 401 that it would get again.
  return rememberedAnswer(context, request, {
    fault,
    status: 401,
    url: answeringUrl(context, url),
    requested: url,
  });
}

interface Remembered {
  readonly fault: PullError['fault'];
  readonly status: number;
  readonly url: URL;
  readonly requested: URL;
}

/** A host that is not asked again has the text of the answer that it would give. */
function rememberedAnswer(
  context: PullContext,
  request: Sending,
  { fault, status, url, requested }: Remembered,
): PullError {
  const { method, object, purpose, at } = request;
  const { engine } = context.plan;
  const answer = { status, authority: at.authority, path: object.replace('/', ' '), message: '', requested };
  const errorText =
    purpose.act === 'resolve'
      ? resolveStatusText({ method, url }, answer, engine)
      : fetchStatusText({ method, url }, answer, engine);
  return { fault, errorText, answered: true };
}
