/** A login that is refused comes before the one that works: each pull fails once first, and Docker Hub locks accounts for it. */
import type { ImageFacts } from '#forecast/facts.ts';
import { accountOf, loginsOf } from '#kubelet/logins.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const credentialPrecedes: ImageRule = { name: 'credential-precedes', evaluate };

function evaluate({ plan, rehearsal }: ImageFacts): readonly Prediction[] {
  const working = rehearsal.attempts.at(-1);
  if (working?.ending.is !== 'pulled') return [];
  const logins = loginsOf(plan);
  const account = accountOf(logins, working.as);
  return rehearsal.attempts.slice(0, -1).flatMap(({ as, ending }): Prediction[] => {
    if (ending.is !== 'failed' || ending.fault.code !== 'auth.rejected') return [];
    // The lock is on the user name (hub-feedback#2201): the right password of a locked account is refused as well.
    const mayLock = plan.image.registry === 'docker.io' && accountOf(logins, as) === account;
    const because = `the kubelet tries ${as} first, which ${ending.fault.host} refuses, and then ${working.as}, which works`;
    const remedy = `Take the outdated login out: ${as}.`;
    if (!mayLock)
      return [{ about: as, fault: 'auth.rejected', likelihood: 'certain', effect: 'delays', because, remedy }];
    const locks = `${because}; Docker Hub locks the account ${account} after repeated failed logins`;
    return [{ about: as, fault: 'api.rate_limited', likelihood: 'possible', effect: 'fails', because: locks, remedy }];
  });
}
