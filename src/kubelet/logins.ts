/** The logins that a pull could present, as anybody may know them: who, and until when. */
import { lifetimeOf } from './credential-lifetime.ts';
import type { PullPlan } from '#runtime/plan.ts';

export interface PublicLogin {
  /** The label that performances and exchanges show. */
  readonly as: string;
  readonly user: string;
  /** ISO 8601: when it ends by itself, and when it was made; absent where it does not say. */
  readonly endsAt?: string;
  readonly beganAt?: string;
}

/** In the kubelet's order; the runtime's own ones where the kubelet has none to offer. */
export function loginsOf({ identities, routes, staticAuths }: PullPlan): readonly PublicLogin[] {
  if (!identities.ok) return [];
  const offered = identities.value.flatMap(({ label, credential }): PublicLogin[] =>
    credential === undefined ? [] : [{ as: label, user: credential.username, ...dates(credential.lifetime) }],
  );
  if (offered.length > 0 || !routes.ok) return offered;
  const hosts = new Set(routes.value.map(({ authority }) => authority));
  return Object.entries(staticAuths).flatMap(([host, { username, password, identityToken }]) => {
    if (!hosts.has(host)) return [];
    const secret = username === '' && identityToken !== undefined ? identityToken : password;
    return [{ as: `containerd's own credential for ${host}`, user: username, ...dates(lifetimeOf(secret)) }];
  });
}

/** Whom a registry counts a login's pulls and failures for; `anonymous` where none is presented. */
export function accountOf(logins: readonly PublicLogin[], as: string | undefined): string {
  if (as === undefined || as === 'anonymous') return 'anonymous';
  const user = logins.find((login) => login.as === as)?.user ?? '';
  return user === '' ? as : user;
}

function dates(lifetime: ReturnType<typeof lifetimeOf>): Pick<PublicLogin, 'endsAt' | 'beganAt'> {
  if (lifetime === undefined) return {};
  const { endsMs, beganMs } = lifetime;
  const endsAt = new Date(endsMs).toISOString();
  return beganMs === undefined ? { endsAt } : { endsAt, beganAt: new Date(beganMs).toISOString() };
}
