/** Docker Hub's quota where it cannot be seen: behind a mirror that asks for everybody, or with headers that say nothing. */
import type { NodeFacts } from '#forecast/facts.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeRule, Unseen } from '#forecast/rule.ts';

export const quotaUnseen: NodeRule = { name: 'quota-unseen', evaluate: () => [], unseen };

const fault = 'api.rate_limited';

function unseen({ entries, history }: NodeFacts): readonly Unseen[] {
  const mirrors = new Set(entries.flatMap(({ report }) => mirrorOf(report) ?? []));
  const behind = [...mirrors].map((mirror): Unseen => ({
    about: `docker.io quota of ${mirror}`,
    fault,
    because: `images of docker.io come through ${mirror}, whose own quota at Docker Hub cannot be seen from here`,
    remedy: `Watch the quota where ${mirror} asks Docker Hub, with its address or account.`,
  }));
  const empty = history.quotas.filter(({ registry, reported }) => registry === 'docker.io' && reported === 'empty');
  const silent = empty.map(({ account }): Unseen => ({
    about: `docker.io quota of ${account}`,
    fault,
    because: 'Docker Hub sends its quota headers without numbers (hub-feedback#2081)',
    remedy: 'Wait: it has lasted for minutes before.',
  }));
  return [...behind, ...silent];
}

/** The first host that is asked for content, where it is not the registry itself. */
function mirrorOf({ registry, plan }: PullReport): string | undefined {
  const first = plan?.routes[0];
  if (registry !== 'docker.io' || first?.role !== 'mirror') return undefined;
  return /^https?:\/\/([^/]+)/.exec(first.url)?.[1];
}
