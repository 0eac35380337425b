/** An image comes from a registry that was frozen, moved or closed, or will be: deprecated-registries.ts. */
import type { DeprecatedRegistry } from './deprecated-registries.ts';
import { deprecationOf } from './deprecation.ts';
import type { ImageFacts } from '#forecast/facts.ts';
import { isGone } from '#forecast/history/absences.ts';
import { ownerOf, type Fault } from '#report/fault.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const registryDeprecated: ImageRule = {
  name: 'registry-deprecated',
  meta: {
    title: 'The registry is frozen, moved or closed',
    why: 'Images of registries that their operators gave up stop receiving fixes, or stop being served. drypull knows them from a list with day and source.',
    needs: 'The name of the image only.',
    remedy: 'Use the successor that the forecast names.',
  },
  evaluate,
};

function evaluate({ demand, rehearsal, now }: ImageFacts): readonly Prediction[] {
  if (!demand.image.ok) return [];
  const { repository, tag, runtime } = demand.image.value;
  const row = deprecationOf(repository);
  if (row === undefined || (row.spares !== undefined && row.spares === tag)) return [];
  const ending = rehearsal.attempts.at(-1)?.ending;
  const fault = ending?.is === 'failed' ? ending.fault : undefined;
  const about = { about: row.place, ...textOf(row, runtime, now) };
  if (fault !== undefined)
    return isExplained(row, fault)
      ? [{ ...about, fault: fault.code, likelihood: 'certain', effect: 'fails', withinS: 0 }]
      : [];
  const leftS = Math.round((Date.parse(row.since) - now.getTime()) / 1000);
  const when = leftS > 0 ? { withinS: leftS } : {};
  switch (row.fate) {
    case 'succeeded':
      return leftS > 0
        ? [{ ...about, ...when, fault: 'manifest.unknown_repository', likelihood: 'possible', effect: 'fails' }]
        : [];
    case 'frozen':
      return [{ ...about, ...when, fault: 'manifest.unknown_repository', likelihood: 'possible', effect: 'none' }];
    case 'unsupported':
      return [{ ...about, ...when, fault: 'dns.not_found', likelihood: 'possible', effect: 'fails' }];
    case 'moved':
      return [{ ...about, ...when, fault: 'manifest.unknown_tag', likelihood: 'likely', effect: 'fails' }];
    case 'closed':
      return [{ ...about, ...when, fault: 'manifest.unknown_repository', likelihood: 'likely', effect: 'fails' }];
  }
}

/** The faults of a registry that is gone: not found or denied; and unreachable, when the whole registry is gone. */
function isExplained(row: DeprecatedRegistry, fault: Fault): boolean {
  if (isGone(fault) || fault.code === 'auth.denied') return true;
  const isTurnedOff = row.fate === 'closed' || row.fate === 'unsupported' || row.fate === 'frozen';
  return isTurnedOff && !row.place.includes('/') && ownerOf(fault.code) === 'network';
}

function textOf(row: DeprecatedRegistry, runtime: string, now: Date): Pick<Prediction, 'because' | 'remedy'> {
  const tense = Date.parse(row.since) > now.getTime() ? 'from' : 'since';
  return {
    because: `${runtime} comes from ${row.place}: ${tense} ${row.since} ${row.what}`,
    remedy: `Use ${row.instead} (${row.source}).`,
  };
}
