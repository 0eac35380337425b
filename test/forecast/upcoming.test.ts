/** What will break next, the same trouble once. */
import { expect, test } from 'vitest';
import { byUrgency, threatens, type Forecast } from '#forecast/forecast.ts';
import { upcomingForecasts } from '#forecast/upcoming.ts';
import { entry, now, pulling, risking } from '../kit/ledger.ts';

const ends: Forecast = {
  rule: 'certificate-expires',
  about: 'reg.test',
  fault: 'tls.expired',
  likelihood: 'likely',
  effect: 'fails',
  withinS: 7200,
  because: 'the certificate of reg.test ends',
  remedy: 'Renew it.',
};
const slow: Forecast = { ...ends, rule: 'pulls-queue', about: 'the kubelet', effect: 'delays', withinS: 60 };
const untold: Forecast = { ...ends, rule: 'disk-fills', about: '/var/lib/containerd', likelihood: 'unknown' };

test('the same trouble of three images stands once, with its images and at its most urgent', () => {
  const entries = [
    entry(risking({ image: 'reg.test/a:1' }, [ends])),
    entry(risking({ image: 'reg.test/b:1' }, [{ ...ends, withinS: 7100 }])),
    entry(pulling({ image: 'reg.test/c:1' })),
  ];
  expect(upcomingForecasts({ entries, forecasts: [] })).toEqual([
    {
      forecast: { ...ends, withinS: 7100 },
      byMs: now - 110_000 + 7_100_000,
      images: ['reg.test/a:1', 'reg.test/b:1'],
    },
  ]);
});

test('what fails comes before what delays, and what could not be told comes last', () => {
  const prospects = upcomingForecasts({ entries: [], forecasts: [slow, untold, ends] });
  expect(prospects.map(({ forecast }) => forecast.rule)).toEqual(['certificate-expires', 'pulls-queue', 'disk-fills']);
});

test('of two that fail the sooner comes first, and a time before none', () => {
  const later = { ...ends, about: 'later.test', withinS: 9000 };
  const { withinS, ...whenever } = { ...ends, about: 'whenever.test' };
  expect(withinS).toBe(7200);
  expect([whenever, later, ends].toSorted(byUrgency)).toEqual([ends, later, whenever]);
});

test.each([
  [ends, true],
  [slow, false],
  [untold, false],
] as const)('$rule alone puts a verdict at risk: %#', (forecast, does) => {
  expect(threatens(forecast)).toBe(does);
});

test('a node with nothing coming has an empty outlook', () => {
  expect(upcomingForecasts({ entries: [entry(pulling({ image: 'reg.test/a:1' }))], forecasts: [] })).toEqual([]);
});
