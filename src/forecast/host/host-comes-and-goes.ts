/** A host that works now but failed several times in the last day: the next pull may come at the wrong time. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Tries } from '#forecast/history/tries.ts';
import { spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { hostsAsked, othersThan, standIns } from './role.ts';
import { dayS } from '#forecast/times.ts';

export const hostComesAndGoes: ImageRule = {
  name: 'host-comes-and-goes',
  meta: {
    title: 'A host fails again and again',
    why: 'A host that fails for minutes several times a day fails the pull that comes at the wrong time: a load balancer with a dead backend, a full connection table, a restart loop.',
    needs: 'Three changes from working to failing within the last day.',
    remedy: 'Find out what makes the host go away.',
  },
  evaluate,
};

/** One failure may be a restart, two may be chance. */
const leastFalls = 3;

function evaluate({ rehearsal, plan, history, now }: ImageFacts): readonly Prediction[] {
  const sinceMs = now.getTime() - dayS * 1000;
  return [...hostsAsked(rehearsal)].flatMap((host): readonly Prediction[] => {
    const requests = valueAt(history.hosts, host)?.requests;
    const falls = (requests?.falls ?? []).filter((atMs) => atMs > sinceMs);
    const [firstMs, lastMs] = [falls[0], falls.at(-1)];
    if (requests === undefined || firstMs === undefined || lastMs === undefined || falls.length < leastFalls) return [];
    const everyS = (lastMs - firstMs) / 1000 / (falls.length - 1);
    const nextS = everyS - (now.getTime() - lastMs) / 1000;
    // No failure for twice the usual interval: it is over.
    if (nextS < -everyS) return [];
    const others = othersThan(plan, host);
    return [
      {
        about: host,
        fault: requests.fault ?? 'api.unavailable',
        likelihood: 'possible',
        effect: others.length > 0 ? 'delays' : 'fails',
        withinS: Math.max(0, Math.round(nextS)),
        assuming: 'it continues as in the last day',
        because: `${host} went from working to failing ${falls.length} times in the last day, every ${spanText(everyS * 1000)} (${requests.fault ?? 'api.unavailable'})${share(requests)}${standIns(others)}`,
        remedy: `Find out why ${host} goes away: a load balancer with a dead backend, a firewall with a full connection table, a restart.`,
      },
    ];
  });
}

/** Failures are kept and old successes only counted: the number is omitted when failures outweigh it. */
function share({ good, bad }: Tries): string {
  return good > bad.length ? `; it answered ${good} requests since it was first seen` : '';
}
