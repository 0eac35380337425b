/**
 * An account that Docker Hub is about to lock, because the kubelet goes on presenting a wrong password for it. The lock is on the
 * user name, so that right passwords are refused as well (hub-feedback#2201).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { loginsOf } from '#kubelet/logins.ts';
import type { RefusedLogin } from '#forecast/history/refused-logins.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const loginNearsLock: ImageRule = { name: 'login-nears-lock', evaluate };

/** The lock is let go after 10 minutes (hub-feedback#2201) or 15 (#2217): failures are taken to count for as long. */
const windowS = 15 * 60;
/** Docker publishes no number: this is a guess on the careful side. */
const failuresToLock = 10;

function evaluate({ plan, history, now }: ImageFacts): readonly Prediction[] {
  if (plan.image.registry !== 'docker.io') return [];
  const accounts = new Set(loginsOf(plan).map(({ user }) => user));
  const refused = Object.values(history.refusedLogins).filter(({ account }) => accounts.has(account));
  return [...Map.groupBy(refused, ({ account }) => account)].flatMap(([account, logins]): Prediction[] => {
    const withinS = secondsToLock(logins, now.getTime());
    if (withinS === undefined) return [];
    const containers = logins.reduce((sum, login) => sum + login.containers, 0);
    const waiting = containers === 1 ? 'one container waits' : `${containers} containers wait`;
    return [
      {
        about: `docker.io account ${account}`,
        fault: 'api.rate_limited',
        likelihood: 'possible',
        effect: 'fails',
        withinS,
        assuming: `the lock falls at ${failuresToLock} failed logins in ${windowS / 60} minutes, of this node alone`,
        because: `${waiting} for images whose login as ${account} Docker Hub refuses, and the kubelet presents it at each try`,
        remedy: `Mend or delete the pull secret with the wrong password of ${account}: ${logins.map(({ image }) => image).join(', ')}.`,
      },
    ];
  });
}

/** The kubelet's image back-off: 10 s, doubled up to 300 s (k8s kubelet.go backOffPeriod, MaxImageBackOff). */
function triesBetween(fromS: number, toS: number): number {
  let tries = 0;
  for (let at = 0, wait = 10; at <= toS; at += wait, wait = Math.min(wait * 2, 300)) if (at > fromS) tries += 1;
  return tries;
}

/** undefined: not at this pace. */
function secondsToLock(logins: readonly RefusedLogin[], nowMs: number): number | undefined {
  for (let withinS = 0; withinS <= windowS; withinS += 10) {
    const failures = logins.reduce((sum, { sinceMs, containers, perTry }) => {
      const sinceS = (nowMs - sinceMs) / 1000 + withinS;
      return sum + triesBetween(sinceS - windowS, sinceS) * containers * perTry;
    }, 0);
    if (failures >= failuresToLock) return withinS;
  }
  return undefined;
}
