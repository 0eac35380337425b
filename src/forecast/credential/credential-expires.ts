/** A login that pulls today and says when it ends. One that somebody has always renewed in time is no trouble. */
import type { ImageFacts } from '#forecast/facts.ts';
import { loginsOf, type PublicLogin } from '#kubelet/logins.ts';
import { spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { LoginHistory } from '#forecast/history/logins.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const credentialExpires: ImageRule = { name: 'credential-expires', evaluate };

const dayMs = 24 * 3_600_000;
/** Who renews at all renews before the last sixth of its life: CronJobs renew ECR's twelve hours after six to ten. */
const lastShare = 6;
const soonestMs = 7 * dayMs;
/** Beyond it nobody needs to hear that something will end. */
const noticeMs = 14 * dayMs;
/** Between a renewal and our seeing it. */
const slackMs = 15 * 60_000;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { now, plan, history } = facts;
  const login = loginInUse(facts);
  const endsMs = Date.parse(login?.endsAt ?? '');
  const leftMs = endsMs - now.getTime();
  // One that works past its end is not looked at by its registry.
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
      ...(likelihood === 'unknown' ? {} : { assuming: 'nobody renews it by then' }),
      because: `the login of ${login.as} ends in ${spanText(leftMs)} (${new Date(endsMs).toISOString().slice(0, 16)}Z); ${why}`,
      remedy: `Renew the login of ${login.as}, and look after whatever should renew it.`,
    },
  ];
}

/** The login that the pull rests on: presented, and taken. */
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

/** A plugin is asked for a new one in time, unless its answer is kept for longer than it is good. */
function outlastedBy(providers: ImageFacts['plan']['providers'], endsMs: number): Judgement {
  const outlasting = providers.find(({ keptUntilMs = 0 }) => keptUntilMs > endsMs);
  if (outlasting === undefined) return [undefined];
  return ['likely', `the kubelet keeps the answer of ${outlasting.name} for longer than that`];
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
    if (isSoon) return ['likely', 'nobody has renewed it yet'];
    return leftMs <= noticeMs ? ['unknown', 'whether somebody renews it by then was not seen'] : [undefined];
  }
  if (usualMs <= 0) return isSoon ? ['likely', 'it was renewed too late before'] : [undefined];
  const isOverdue = leftMs < usualMs - Math.max(slackMs, usualMs / 10);
  return isOverdue ? ['likely', `it was renewed with ${spanText(usualMs)} left before`] : [undefined];
}
