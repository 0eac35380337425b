/** Docker Hub's quota cannot be seen: behind a mirror that pulls on its own account, or because its headers are empty. */
import type { NodeFacts } from '#forecast/facts.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeRule, Unseen } from '#forecast/rule.ts';

export const quotaUnseen: NodeRule = {
  name: 'quota-unseen',
  meta: {
    title: "Docker Hub's quota cannot be seen",
    why: "Behind a mirror the mirror's own quota counts, and this node cannot see it. Docker Hub also sends its quota headers without numbers at times. The forecast is always `unknown`.",
    needs: 'Nothing more: the rule says what is missing.',
    remedy: 'Monitor the quota where the mirror pulls from Docker Hub.',
  },
  evaluate: () => [],
  unseen,
};

const fault = 'api.rate_limited';

function unseen({ entries, history }: NodeFacts): readonly Unseen[] {
  const mirrors = new Set(entries.flatMap(({ report }) => mirrorOf(report) ?? []));
  const behind = [...mirrors].map((mirror): Unseen => ({
    about: `docker.io quota of ${mirror}`,
    fault,
    because: `images of docker.io are pulled through ${mirror}, whose own quota at Docker Hub cannot be seen from this node`,
    remedy: `Monitor the quota where ${mirror} pulls from Docker Hub, with its address or account.`,
  }));
  const empty = history.quotas.filter(({ registry, reported }) => registry === 'docker.io' && reported === 'empty');
  const silent = empty.map(({ account }): Unseen => ({
    about: `docker.io quota of ${account}`,
    fault,
    because: 'Docker Hub sends its quota headers without numbers (hub-feedback#2081)',
    remedy: 'Wait: in the past this lasted for minutes.',
  }));
  return [...behind, ...silent];
}

/** The first host that is queried for content, if it is not the registry itself. */
function mirrorOf({ registry, plan }: PullReport): string | undefined {
  const first = plan?.routes[0];
  if (registry !== 'docker.io' || first?.role !== 'mirror') return undefined;
  return /^https?:\/\/([^/]+)/.exec(first.url)?.[1];
}
