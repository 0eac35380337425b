/** A status that refuses, as a fault; and what is remembered of it so that nobody is asked in vain twice. */
import type { Fault } from '#report/fault.ts';
import { messageFor } from '#registry/http/error-body.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Reply } from './hop.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

/** A refusing status as a fault, for whatever was asked; 404 is the asker's to name. */
function statusFault(reply: Reply, context: AttemptContext): Fault {
  const { answer, presented } = reply;
  const host = reply.url.host;
  const body = Buffer.from(answer.body).toString('utf8');
  const message = messageFor(body);
  const { status } = answer;
  if (status === 429) {
    const limit = readRateLimit(answer.headers, body, context.wire.now()) ?? { scope: 'unknown' as const };
    return { code: 'api.rate_limited', host, status, limit, message };
  }
  if (status === 401) return unauthorized(reply, host, message);
  if (status === 403) return { code: 'auth.denied', host, as: presented?.as ?? 'anonymous', status, message };
  if (status >= 500) return { code: 'api.unavailable', host, status, message };
  return { code: 'api.rejected', host, status, message };
}

/** A status that refuses, as a fault; a Basic login refused here is remembered and not presented here again. */
export function refusal(reply: Reply, context: AttemptContext): Fault {
  const fault = statusFault(reply, context);
  const { presented } = reply;
  if (fault.code === 'auth.rejected' && presented?.login !== undefined && presented.scheme === 'basic') {
    const { login, place } = presented;
    context.wire.memory.keepRefusal({ login, place, path: context.plan.image.path }, fault);
  }
  if (fault.code === 'api.rate_limited')
    context.wire.memory.limits.keep(reply.url.host, fault, context.wire.elapsedMs());
  return fault;
}

function unauthorized(reply: Reply, host: string, message: string): Fault {
  const lines = reply.answer.headers['www-authenticate'] ?? [];
  const schemes = lines.map((line) => /^\s*([^\s,]*)/.exec(line)?.[1]?.toLowerCase() ?? '');
  const { presented } = reply;
  if (presented?.login !== undefined) return { code: 'auth.rejected', host, as: presented.as, status: 401, message };
  if (lines.length === 0) return { code: 'auth.malformed_challenge', host, why: '401 without WWW-Authenticate' };
  if (schemes.some((scheme) => scheme === 'basic' || scheme === 'bearer'))
    return { code: 'auth.required', host, scheme: schemes[0] ?? '' };
  return { code: 'auth.unsupported', host, schemes };
}
