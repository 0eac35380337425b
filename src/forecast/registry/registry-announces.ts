/** What a registry tells its users in `Warning` headers. To be shown and not acted upon (OCI distribution specification, Warnings). */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const registryAnnounces: ImageRule = { name: 'registry-announces', evaluate };

const most = 4;

function evaluate({ rehearsal }: ImageFacts): readonly Prediction[] {
  const texts = new Map<string, Set<string>>();
  for (const { url, outcome } of rehearsal.attempts.flatMap(({ exchanges }) => exchanges)) {
    if (!outcome.ok) continue;
    const host = /^https?:\/\/([^/?#]+)/.exec(url)?.[1] ?? url;
    const shown = texts.get(host) ?? new Set<string>();
    for (const text of outcome.value.announcements ?? []) shown.add(text);
    texts.set(host, shown);
  }
  return [...texts].flatMap(([host, shown]): Prediction[] => {
    if (shown.size === 0) return [];
    return [
      {
        about: host,
        fault: 'api.announced',
        likelihood: 'possible',
        effect: 'none',
        because: `${host} announces: ${[...shown]
          .slice(0, most)
          .map((text) => `“${text}”`)
          .join(', ')}`,
        remedy: `Read what ${host} announces, and ask whoever runs it.`,
      },
    ];
  });
}
