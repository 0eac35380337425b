/** A credential provider plugin that would fail now, while the answer that it gave before still serves. */
import type { ImageFacts } from '#forecast/facts.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const providerFails: ImageRule = { name: 'provider-fails', evaluate };

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
        assuming: "the kubelet's own kept answer is no older than ours, and the plugin goes on failing",
        because: `the credential provider ${name} fails (${failing}); its last answer is kept for ${spanText(leftMs)} more`,
        remedy: `Find out why ${name} fails: its role or identity, the metadata service, its log in the kubelet's journal.`,
      },
    ];
  });
}
