/** A token service that gave no token: whose fault it is, and how containerd words it (docker/authorizer.go doBearerAuth). */
import type { Fault } from '#report/fault.ts';
import { messageFor } from '#registry/http/error-body.ts';
import { tokenStatusText, urlError } from '#runtime/containerd/error-texts.ts';
import type { TokenAsked } from '#registry/token/fetch-token.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Trouble } from '#runtime/attempt/trouble.ts';

interface RealmAsked {
  readonly realm: string;
  readonly host: string;
  readonly label: string | undefined;
  /** The login's fingerprint. */
  readonly print: string | undefined;
}

export function refusedToken(context: AttemptContext, asked: TokenAsked, from: RealmAsked): Trouble {
  const { engine } = context.plan;
  const last = asked.tries.at(-1);
  const kind = from.label === undefined ? 'anonymous' : 'oauth';
  const prefix = `failed to authorize: failed to fetch ${kind} token: `;
  const { realm } = from;
  const { ending } = asked;
  switch (ending.is) {
    case 'granted':
    case 'empty':
      return trouble(
        { code: 'auth.empty_token', realm },
        `${prefix}authorization server did not include a token in the response`,
      );
    case 'undecodable':
      return trouble(
        { code: 'auth.realm_failed', realm, status: 200, message: ending.why },
        `${prefix}unable to decode token response: ${ending.why}`,
      );
    case 'unreachable': {
      const cause: Fault =
        last === undefined || last.asked.outcome.ok
          ? { code: 'agent.bug', where: 'token', what: 'no fault' }
          : last.asked.outcome.fault;
      const text = last === undefined ? '' : urlError(last, cause, engine);
      if (cause.code.startsWith('agent.')) return trouble(cause, prefix + text);
      return trouble({ code: 'auth.realm_unreachable', realm, cause }, prefix + text);
    }
    case 'refused': {
      const text = last === undefined ? '' : tokenStatusText(last, ending.status, engine);
      return trouble(
        refusalFault(context, ending, {
          ...from,
          answer: last?.asked.outcome.ok === true ? last.asked.outcome.value : undefined,
        }),
        prefix + text,
      );
    }
  }
}

function refusalFault(
  context: AttemptContext,
  ending: { readonly status: number; readonly body: string },
  from: RealmAsked & { readonly answer: Answer | undefined },
): Fault {
  const { status } = ending;
  const message = messageFor(ending.body);
  if (status === 429) {
    const limit = readRateLimit(from.answer?.headers ?? {}, ending.body, context.wire.now()) ?? {
      scope: 'unknown' as const,
    };
    const fault = { code: 'api.rate_limited', host: from.realm, status, limit, message } as const;
    // A lock is on the login, not on whoever else asks from here.
    const place = limit.scope === 'login' && from.print !== undefined ? `${from.print}@${from.realm}` : from.realm;
    context.wire.memory.limits.keep(place, fault, context.wire.elapsedMs());
    return fault;
  }
  if (status >= 500) return { code: 'auth.realm_failed', realm: from.realm, status, message };
  if (from.label === undefined) {
    if (status === 401 || status === 403) return { code: 'auth.required', host: from.host, scheme: 'Bearer' };
    return { code: 'auth.realm_failed', realm: from.realm, status, message };
  }
  if (status === 401 || status === 400)
    return { code: 'auth.rejected', host: from.realm, as: from.label, status, message };
  if (status === 403) return { code: 'auth.denied', host: from.realm, as: from.label, status, message };
  return { code: 'auth.realm_failed', realm: from.realm, status, message };
}
