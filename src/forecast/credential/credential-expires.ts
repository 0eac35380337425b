/** A login that works today and says when it expires. One that was always renewed in time is not reported. */
import type { ImageFacts } from '#forecast/facts.ts';
import { loginsOf, type PublicLogin } from '#kubelet/logins.ts';
import { spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { LoginHistory } from '#forecast/history/logins.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const credentialExpires: ImageRule = {
  name: 'credential-expires',
  meta: {
    title: 'A login expires soon',
    why: 'Tokens of cloud registries live for hours and are renewed by a job or plugin. When the renewal stops, pulls work until the token expires and fail afterwards. A login that was always renewed in time is not reported.',
    needs:
      'A login that says when it expires, such as a JWT or an ECR token, and that the pull used. Without an earlier renewal the forecast is `unknown` until the last sixth of the lifetime, a week at most.',
    remedy: 'Renew the login, and check the job that should renew it.',
  },
  evaluate,
};

const dayMs = 24 * 3_600_000;
/** Automatic renewal happens before the last sixth of the lifetime: CronJobs renew ECR's twelve hours after six to ten. */
const lastShare = 6;
const soonestMs = 7 * dayMs;
/** An expiry further ahead than this is not worth reporting. */
const noticeMs = 14 * dayMs;
/** Between a renewal and the pass that sees it. */
const slackMs = 15 * 60_000;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { now, plan, history } = facts;
  const login = loginInUse(facts);
  const endsMs = Date.parse(login?.endsAt ?? '');
  const leftMs = endsMs - now.getTime();
  // The registry ignores the expiry of a login that works past it.
  if (login === undefined || !(leftMs > 0)) return [];
  const known = valueAt(history.logins, login.as);
  const [likelihood, why] = isOfPlugin(facts, login.as)
    ? outlastedBy(plan.providers, endsMs)
    : judged({ login, endsMs, leftMs }, known?.endsMs === endsMs ? known : undefined);
  if (likelihood === undefined) return [];
  return [
    {
      about: login.as,
      fault: 'auth.rejected',
      likelihood,
      effect: 'fails',
      withinS: Math.round(leftMs / 1000),
      ...(likelihood === 'unknown' ? {} : { assuming: 'it is not renewed by then' }),
      because: `the login of ${login.as} expires in ${spanText(leftMs)} (${new Date(endsMs).toISOString().slice(0, 16)}Z); ${why}`,
      remedy: `Renew the login of ${login.as}, and check the job that should renew it.`,
    },
  ];
}

/** The login that the pull depends on: presented, and accepted. */
function loginInUse({ plan, rehearsal }: ImageFacts): PublicLogin | undefined {
  const last = rehearsal.attempts.at(-1);
  if (last?.ending.is !== 'pulled') return undefined;
  const presented = new Set(last.exchanges.map(({ as }) => as));
  return loginsOf(plan).find(({ as }) => presented.has(as));
}

function isOfPlugin({ plan }: ImageFacts, as: string): boolean {
  if (!plan.identities.ok) return false;
  return plan.identities.value.some(({ label, credential }) => label === as && credential?.source.is === 'provider');
}

type Judgement = readonly ['likely' | 'unknown', string] | readonly [undefined];

/** The kubelet asks a plugin for a new login in time, unless it caches the answer for longer than the login is valid. */
function outlastedBy(providers: ImageFacts['plan']['providers'], endsMs: number): Judgement {
  const outlasting = providers.find(({ keptUntilMs = 0 }) => keptUntilMs > endsMs);
  if (outlasting === undefined) return [undefined];
  return ['likely', `the kubelet caches the answer of ${outlasting.name} for longer than that`];
}

function judged(
  at: { readonly login: PublicLogin; readonly endsMs: number; readonly leftMs: number },
  known: LoginHistory | undefined,
): Judgement {
  const { login, endsMs, leftMs } = at;
  const lifeMs = Math.max(
    ...[Date.parse(login.beganAt ?? ''), known?.sinceMs ?? Number.NaN].map((from) => (from > 0 ? endsMs - from : 0)),
    leftMs,
  );
  const isSoon = leftMs <= Math.min(soonestMs, lifeMs / lastShare);
  const usualMs = Math.min(...(known?.leftMs ?? []));
  if (!Number.isFinite(usualMs)) {
    if (isSoon) return ['likely', 'it has not been renewed yet'];
    return leftMs <= noticeMs ? ['unknown', 'whether it is renewed by then was not seen'] : [undefined];
  }
  if (usualMs <= 0) return isSoon ? ['likely', 'it was renewed too late before'] : [undefined];
  const isOverdue = leftMs < usualMs - Math.max(slackMs, usualMs / 10);
  return isOverdue ? ['likely', `it was renewed with ${spanText(usualMs)} left before`] : [undefined];
}
