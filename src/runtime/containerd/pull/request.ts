/**
 * One request of the pull with what containerd does around it: credentials when asked, redirects, retries, HTTP fallback.
 * Imitates containerd core/remotes/docker/resolver.go (do, doWithRetries, retryRequest, NewHTTPFallback) and net/http's
 * Client.Do. We hold back where the answer would be the same: a refused credential is not presented again, and 429 is
 * asked again once, not five times, and not at all where the registry says how long to wait.
 */
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { Authorization, Authorizer } from './authorizer.ts';
import { sendOnce, type Reply, type Request, type Sending } from './hop.ts';
import { refusal } from './refusal.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Tried } from '#runtime/attempt/trouble.ts';

export async function send(context: AttemptContext, authorizer: Authorizer, request: Request): Promise<Tried<Reply>> {
  const route = request.elsewhere?.at ?? context.routes[request.route];
  if (route === undefined)
    return { ok: false, trouble: trouble({ code: 'agent.bug', where: 'send', what: 'no such route' }, '') };
  try {
    return await sendUntilDone(context, authorizer, { ...request, at: route });
  } finally {
    authorizer.releaseAll();
  }
}

async function sendUntilDone(context: AttemptContext, authorizer: Authorizer, first: Sending): Promise<Tried<Reply>> {
  const { engine } = context.plan;
  let sending = first;
  let presented: Authorization | undefined;
  let previous: Reply | undefined;
  for (let tries = 1 + (first.triesBefore ?? 0); ; tries += 1) {
    const tried = await sendOnce(context, authorizer, sending);
    if (!tried.ok) {
      const broken = tried.trouble.fault.code === 'tcp.closed' && engine.retriesBrokenConnections && first.lastHost;
      if (broken && tries === 1) continue;
      return tried;
    }
    const reply = tried.value;
    const { status } = reply.answer;
    if (reply.presented !== undefined) presented = reply.presented;
    if (status === 401 && first.elsewhere === undefined) {
      const repeated =
        previous !== undefined && previous.method === reply.method && previous.url.href === reply.url.href;
      const at = { url: reply.url, route: first.route, repeated, ...(presented === undefined ? {} : { presented }) };
      const demanded = authorizer.demand(reply.answer, at);
      if (demanded.is === 'trouble') return { ok: false, trouble: demanded.trouble };
      if (demanded.is === 'final' || tries >= engine.tries)
        return { ok: true, value: final401(context, reply, presented) };
      sending = { ...sending, purpose: { ...sending.purpose, because: `${reply.url.host} demands credentials` } };
      previous = reply;
      continue;
    }
    noteSuccess(context, reply);
    const again = shouldRepeat(context, { request: sending, reply, tries, previous: previous?.answer.status });
    if (again === undefined) return { ok: true, value: withProof(reply, presented) };
    previous = reply;
    sending = { ...sending, ...again };
  }
}

/** A login that was refused is remembered before anybody else's turn comes to present it. */
function final401(context: AttemptContext, reply: Reply, presented: Authorization | undefined): Reply {
  const whole = withProof(reply, presented);
  refusal(whole, context);
  return whole;
}

function withProof(reply: Reply, presented: Authorization | undefined): Reply {
  return presented === undefined ? reply : { ...reply, presented };
}

/** A Basic login that a host accepted is right; what it refuses later is about a repository. */
function noteSuccess(context: AttemptContext, reply: Reply): void {
  const { presented, answer } = reply;
  if (presented?.login === undefined || answer.status >= 400) return;
  context.wire.memory.keepProof(presented.login, presented.place);
}

function shouldRepeat(
  context: AttemptContext,
  at: {
    readonly request: Request;
    readonly reply: Reply;
    readonly tries: number;
    readonly previous: number | undefined;
  },
): Partial<Request> | undefined {
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
