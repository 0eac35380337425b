/**
 * One request of the pull with what containerd does around it: credentials when asked, redirects, retries, HTTP fallback.
 * Imitates containerd core/remotes/docker/resolver.go (do, doWithRetries, retryRequest, NewHTTPFallback) and net/http's
 * Client.Do. We hold back where the answer would be the same: a refused credential is not presented again, and 429 is
 * asked again once, not five times, and not at all where the registry says how long to wait.
 */
import { readRateLimit } from '../registry/rate-limit.ts';
import type { Answer } from '../registry/wire.ts';
import type { Authorization, Authorizer } from './authorizer.ts';
import { sendOnce, type Reply, type Request } from './hop.ts';
import type { Scene } from './scene.ts';
import { trouble, type Tried } from './trouble.ts';

export async function send(scene: Scene, authorizer: Authorizer, request: Request): Promise<Tried<Reply>> {
  const route = scene.routes[request.route];
  if (route === undefined)
    return { ok: false, trouble: trouble({ code: 'agent.bug', where: 'send', what: 'no such route' }, '') };
  const limited = scene.wire.limited.get(route.authority);
  if (limited !== undefined) return { ok: false, trouble: trouble(limited, limited.code) };
  let sending = { ...request };
  let presented: Authorization | undefined;
  let previous: number | undefined;
  for (let tries = 1; ; tries += 1) {
    const tried = await sendOnce(scene, authorizer, { ...sending, at: route });
    if (!tried.ok) {
      const broken =
        tried.trouble.fault.code === 'tcp.closed' && scene.plan.engine.retriesBrokenConnections && request.lastHost;
      if (broken && tries === 1) continue;
      return tried;
    }
    const reply = tried.value;
    const { status } = reply.answer;
    if (reply.presented !== undefined) presented = reply.presented;
    if (status === 401) {
      const demanded = authorizer.demand(reply.answer, {
        url: reply.url,
        route: request.route,
        tries,
        ...(presented === undefined ? {} : { presented }),
      });
      if (demanded.is === 'trouble') return { ok: false, trouble: demanded.trouble };
      if (demanded.is === 'final' || tries >= scene.plan.engine.tries)
        return { ok: true, value: withProof(reply, presented) };
      sending = { ...sending, purpose: { ...sending.purpose, because: `${reply.url.host} demands credentials` } };
      continue;
    }
    noteSuccess(scene, reply);
    const again = shouldRepeat(scene, { request: sending, reply, tries, previous });
    if (again === undefined) return { ok: true, value: withProof(reply, presented) };
    previous = status;
    sending = { ...sending, ...again };
  }
}

function withProof(reply: Reply, presented: Authorization | undefined): Reply {
  return presented === undefined ? reply : { ...reply, presented };
}

/** A Basic login that a host accepted is right; what it refuses later is about a repository. */
function noteSuccess(scene: Scene, reply: Reply): void {
  const { presented, answer } = reply;
  if (presented?.login === undefined || answer.status >= 400) return;
  scene.wire.memory.keepProof(presented.login, presented.place);
}

function shouldRepeat(
  scene: Scene,
  at: {
    readonly request: Request;
    readonly reply: Reply;
    readonly tries: number;
    readonly previous: number | undefined;
  },
): Partial<Request> | undefined {
  const { status } = at.reply.answer;
  const { engine } = scene.plan;
  const because = (text: string): Partial<Request> => ({ purpose: { ...at.request.purpose, because: text } });
  switch (status) {
    case 405:
      if (at.request.method !== 'HEAD' || at.request.stayHead === true || !at.request.object.startsWith('manifests/'))
        return undefined;
      return { method: 'GET', ...because('HEAD answered 405') };
    case 408:
      return at.tries === 1 ? because('408 is asked again') : undefined;
    case 429:
      return at.tries === 1 && !saysWait(at.reply.answer, scene.wire.now())
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

function saysWait(answer: Answer, now: Date): boolean {
  const limit = readRateLimit(answer.headers, '', now);
  return limit?.retryAfterS !== undefined || limit?.remaining === 0;
}
