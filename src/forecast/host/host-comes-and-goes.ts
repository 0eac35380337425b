/** A host that works now and did not a while ago, again and again: the next pull may meet the wrong moment. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Tries } from '#forecast/history/tries.ts';
import { spanText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';
import { hostsAsked, othersThan, standIns } from './role.ts';
import { dayS } from '#forecast/times.ts';

export const hostComesAndGoes: ImageRule = { name: 'host-comes-and-goes', evaluate };

/** Once may be a restart, twice an accident. */
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
    // It has kept still for twice as long as it ever did: that is over.
    if (nextS < -everyS) return [];
    const others = othersThan(plan, host);
    return [
      {
        about: host,
        fault: requests.fault ?? 'api.unavailable',
        likelihood: 'possible',
        effect: others.length > 0 ? 'delays' : 'fails',
        withinS: Math.max(0, Math.round(nextS)),
        assuming: 'it goes on as in the last day',
        because: `${host} failed ${falls.length} times after it had worked in the last day, every ${spanText(everyS * 1000)} (${requests.fault ?? 'api.unavailable'})${share(requests)}${standIns(others)}`,
        remedy: `Find out what takes ${host} away: a load balancer with a dead member, a firewall's table of connections, a restart.`,
      },
    ];
  });
}

/** Failures are kept and old successes only counted: an upper bound is no figure to print where it is nearly all. */
function share({ good, bad }: Tries): string {
  return good > bad.length ? `; it answered ${good} requests since it is known` : '';
}
