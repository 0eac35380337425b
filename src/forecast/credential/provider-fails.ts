/** A credential provider plugin that fails now, while the kubelet still uses its last answer from its cache. */
import type { ImageFacts } from '#forecast/facts.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const providerFails: ImageRule = {
  name: 'provider-fails',
  meta: {
    title: 'A credential provider plugin fails',
    why: 'The kubelet caches the answer of a credential provider plugin. When the plugin starts to fail, pulls work until the cached answer expires and fail afterwards.',
    needs: "The kubelet's provider configuration and the right to run the plugins (component `credential-plugins`).",
    remedy:
      "Find out why the plugin fails: its role or identity, the metadata service, its log in the kubelet's journal.",
  },
  evaluate,
};

function evaluate({ plan, rehearsal, now }: ImageFacts): readonly Prediction[] {
  const last = rehearsal.attempts.at(-1);
  if (last?.ending.is !== 'pulled' || !plan.identities.ok) return [];
  const source = plan.identities.value.find(({ label }) => label === last.as)?.credential?.source;
  return plan.providers.flatMap(({ name, keptUntilMs, failing }): Prediction[] => {
    const isInUse = source?.is === 'provider' && source.name === name;
    if (failing === undefined || keptUntilMs === undefined || !isInUse) return [];
    const leftMs = Math.max(0, keptUntilMs - now.getTime());
    return [
      {
        about: `credential provider ${name}`,
        fault: 'credential.provider_failed',
        likelihood: 'likely',
        effect: 'fails',
        withinS: Math.round(leftMs / 1000),
        assuming: "the kubelet's cached answer is no older than drypull's, and the plugin continues to fail",
        because: `the credential provider ${name} fails (${failing}); its last answer stays cached for ${spanText(leftMs)}`,
        remedy: `Find out why ${name} fails: check its role or identity, the metadata service, and its log in the kubelet's journal.`,
      },
    ];
  });
}
