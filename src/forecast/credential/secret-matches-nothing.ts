/** A pull secret that no image of this node has any use for: its Pods pull as if they had none. */
import type { NodeFacts } from '#forecast/facts.ts';
import { rootOf } from '#report/fault.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const secretMatchesNothing: NodeRule = { name: 'secret-matches-nothing', evaluate };

interface Idle {
  readonly keys: readonly string[];
  readonly registries: Set<string>;
  /** An image that carries it is refused for want of a login. */
  isMissed: boolean;
}

function evaluate({ entries }: NodeFacts): readonly Prediction[] {
  const used = new Set<string>();
  const idle = new Map<string, Idle>();
  for (const { report } of entries) {
    const { identities = [], unusedSecrets = [] } = report.plan ?? {};
    for (const label of identities) used.add(/^pull secret (.+?), key /.exec(label)?.[1] ?? '');
    // Where another login serves, nobody misses this one.
    if (!identities.includes('anonymous')) continue;
    for (const { secret, keys } of unusedSecrets) {
      const found = idle.get(secret) ?? { keys, registries: new Set(), isMissed: false };
      found.registries.add(report.registry ?? '');
      found.isMissed ||= report.verdict.is === 'fails' && rootOf(report.verdict.fault).code.startsWith('auth.');
      idle.set(secret, found);
    }
  }
  return [...idle].flatMap(([secret, { keys, registries, isMissed }]): Prediction[] => {
    if (used.has(secret)) return [];
    const asked = [...registries].join(', ');
    const holds = keys.length === 0 ? 'holds no login' : `holds logins for ${keys.join(', ')}`;
    return [
      {
        about: `pull secret ${secret}`,
        fault: 'auth.required',
        // Images that anybody may pull need none: whether these stay so was not seen.
        likelihood: isMissed ? 'certain' : 'unknown',
        effect: 'fails',
        ...(isMissed ? { withinS: 0 } : {}),
        because: `the pull secret ${secret} ${holds}, and the images that name it come from ${asked}: the kubelet pulls them without a login`,
        remedy: `Give ${secret} a key for ${asked} (for Docker Hub https://index.docker.io/v1/), or take it out of imagePullSecrets.`,
      },
    ];
  });
}
