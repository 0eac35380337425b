/** What a registry tells its users in `Warning` headers. To be shown and not acted upon (OCI distribution specification, Warnings). */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Foreseen, ImageRule } from '#forecast/rule.ts';

export const registryAnnounces: ImageRule = { name: 'registry-announces', foresee };

const most = 4;

function foresee({ rehearsal }: ImageFacts): readonly Foreseen[] {
  const texts = new Map<string, Set<string>>();
  for (const { url, outcome } of rehearsal.performances.flatMap(({ exchanges }) => exchanges)) {
    if (!outcome.ok) continue;
    const host = /^https?:\/\/([^/?#]+)/.exec(url)?.[1] ?? url;
    const told = texts.get(host) ?? new Set<string>();
    for (const text of outcome.value.announcements ?? []) told.add(text);
    texts.set(host, told);
  }
  return [...texts].flatMap(([host, told]): Foreseen[] => {
    if (told.size === 0) return [];
    return [
      {
        about: host,
        fault: 'api.announced',
        likelihood: 'possible',
        effect: 'none',
        because: `${host} announces: ${[...told]
          .slice(0, most)
          .map((text) => `“${text}”`)
          .join(', ')}`,
        remedy: `Read what ${host} announces, and ask whoever runs it.`,
      },
    ];
  });
}
