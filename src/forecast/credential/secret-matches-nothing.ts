/** A pull secret matches no image of this node: its Pods pull as if they had none. */
import type { NodeFacts } from '#forecast/facts.ts';
import { rootOf } from '#report/fault.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const secretMatchesNothing: NodeRule = {
  name: 'secret-matches-nothing',
  meta: {
    title: 'A pull secret matches no image',
    why: 'A pull secret whose keys name another registry is silently unused: the kubelet pulls without a login. That fails for private images, and counts as anonymous at Docker Hub.',
    needs:
      'The pull secrets of the Pods (component `pull-secrets`). The forecast is `unknown` while the images can be pulled without a login.',
    remedy:
      'Give the secret a key for the registry of the images (for Docker Hub `https://index.docker.io/v1/`), or remove it from imagePullSecrets.',
  },
  evaluate,
};

interface Idle {
  readonly keys: readonly string[];
  readonly registries: Set<string>;
  /** An image that names it is refused because it has no login. */
  isNeeded: boolean;
}

function evaluate({ entries }: NodeFacts): readonly Prediction[] {
  const used = new Set<string>();
  const idle = new Map<string, Idle>();
  for (const { report } of entries) {
    const { identities = [], unusedSecrets = [] } = report.plan ?? {};
    for (const label of identities) used.add(/^pull secret (.+?), key /.exec(label)?.[1] ?? '');
    // When another login matches, this one is not missing.
    if (!identities.includes('anonymous')) continue;
    for (const { secret, keys } of unusedSecrets) {
      const found = idle.get(secret) ?? { keys, registries: new Set(), isNeeded: false };
      found.registries.add(report.registry ?? '');
      found.isNeeded ||= report.verdict.is === 'fails' && rootOf(report.verdict.fault).code.startsWith('auth.');
      idle.set(secret, found);
    }
  }
  return [...idle].flatMap(([secret, { keys, registries, isNeeded }]): Prediction[] => {
    if (used.has(secret)) return [];
    const pulledFrom = [...registries].join(', ');
    const holds = keys.length === 0 ? 'holds no login' : `holds logins for ${keys.join(', ')}`;
    return [
      {
        about: `pull secret ${secret}`,
        fault: 'auth.required',
        // Public images need no login: whether these stay public was not seen.
        likelihood: isNeeded ? 'certain' : 'unknown',
        effect: 'fails',
        ...(isNeeded ? { withinS: 0 } : {}),
        because: `the pull secret ${secret} ${holds}, and the images that name it come from ${pulledFrom}: the kubelet pulls them without a login`,
        remedy: `Give ${secret} a key for ${pulledFrom} (for Docker Hub https://index.docker.io/v1/), or remove it from imagePullSecrets.`,
      },
    ];
  });
}
