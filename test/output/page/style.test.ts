/** The page's colours, measured: WCAG 2.2, 1.4.3 (text, 4.5) and 1.4.11 (what graphics need to be understood, 3), light and dark. */
import { describe, expect, test } from 'vitest';
import { style } from '#output/page/style.ts';

type Scheme = 'light' | 'dark';

/** Names of the page's colours, and each selector that paints a rectangle, with their two values. */
const colours = new Map<string, readonly [string, string]>(
  [...style.matchAll(/(?:--([\w-]+):|\.(s-\w+)\{fill:)light-dark\((#\w+),(#\w+)\)/g)].map(
    ([, name, painted, light = '', dark = '']) => [name ?? painted ?? '', [light, dark]],
  ),
);

function colourOf(name: string, scheme: Scheme): string {
  const found = colours.get(name)?.[scheme === 'light' ? 0 : 1];
  if (found === undefined) throw new Error(`the style has no colour ${name}`);
  return found;
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.slice(1).replace(/./g, '$&$&') : colour.slice(1);
  const [r = 0, g = 0, b = 0] = (digits.match(/../g) ?? []).map((pair) => {
    const share = Number.parseInt(pair, 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

test('black on white is 21, and grey on grey is nothing', () => {
  expect(contrast('#fff', '#000000')).toBeCloseTo(21);
  expect(contrast('#777777', '#777')).toBeCloseTo(1);
});

describe.each<Scheme>(['light', 'dark'])('in the %s', (scheme) => {
  const ratio = (one: string, other: string): number => contrast(colourOf(one, scheme), colourOf(other, scheme));

  test.each<readonly [string, string]>([
    ['ink', 'ground'],
    ['ink', 'paper'],
    ['ink', 'code'],
    ['quiet', 'ground'],
    ['quiet', 'paper'],
    ['link', 'ground'],
    ['link', 'paper'],
    ['fails', 'paper'],
    ...['fails', 'unknown', 'at_risk', 'pulls'].map((verdict) => ['paper', verdict] as const),
  ])('text of %s on %s can be read', (text, dialing) => {
    expect(ratio(text, dialing)).toBeGreaterThanOrEqual(4.5);
  });

  test.each(['fails', 'unknown', 'at_risk', 'pulls'])('%s stands out on its card and beside it', (verdict) => {
    expect(Math.min(ratio(verdict, 'paper'), ratio(verdict, 'ground'), ratio(verdict, 'code'))).toBeGreaterThanOrEqual(
      3,
    );
  });

  test.each(['s-dns', 's-tcp', 's-proxy', 's-tls', 's-auth', 's-manifest', 's-blob'])(
    'the step %s stands out on its lane and in the legend',
    (step) => {
      expect(Math.min(ratio(step, 'code'), ratio(step, 'paper'))).toBeGreaterThanOrEqual(3);
    },
  );

  test('the ring of what has the keyboard stands out', () => {
    expect(Math.min(ratio('link', 'paper'), ratio('link', 'ground'))).toBeGreaterThanOrEqual(3);
  });
});

test('every colour of the style is measured or is a hairline', () => {
  const measured = /^(?:ink|ground|paper|code|quiet|link|fails|unknown|at_risk|pulls|s-\w+)$/;
  expect([...colours.keys()].filter((name) => !measured.test(name))).toEqual(['line']);
});

test('on paper, badges are not white on white, and what cannot be clicked is left out', () => {
  const print = style.slice(style.indexOf('@media print'));
  expect(print).toContain(':root{color-scheme:light}');
  expect(print).toContain('.badge{color:#000;background:none;border:1px solid}');
});
