import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Platform } from '#image/platform.ts';
import { formatPlatform, matcherFor, normalise, parsePlatform } from '#image/platform.ts';

function platform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

describe('platforms are normalised as in containerd/platforms database.go (database_test.go)', () => {
  test.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/x86_64', 'linux/amd64'],
    ['linux/x86-64', 'linux/amd64'],
    ['Linux/AMD64', 'linux/amd64'],
    ['linux/amd64/v1', 'linux/amd64'],
    ['linux/amd64/v2', 'linux/amd64/v2'],
    ['linux/i386', 'linux/386'],
    ['linux/i386/v1', 'linux/386'],
    ['linux/386', 'linux/386'],
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/arm64/8', 'linux/arm64'],
    ['linux/arm64/v8.0', 'linux/arm64'],
    ['linux/arm64/V8.1', 'linux/arm64/v8.1'],
    ['linux/arm64/9.0', 'linux/arm64/v9'],
    ['linux/armhf', 'linux/arm/v7'],
    ['linux/armhf/v6', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/arm/7', 'linux/arm/v7'],
    ['linux/arm/6', 'linux/arm/v6'],
    ['linux/arm/v5', 'linux/arm/v5'],
    ['linux/s390x', 'linux/s390x'],
    ['linux/constructor/__proto__', 'linux/constructor/__proto__'],
    ['macos/arm64', 'darwin/arm64'],
    ['/amd64', 'linux/amd64'],
    ['unknown/unknown', 'unknown/unknown'],
  ])('%s', (written, normal) => {
    expect(formatPlatform(normalise(platform(written)))).toBe(normal);
  });

  test('normalising twice changes nothing', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('arm', 'arm64', 'amd64', 'v8', '8', 'v1', '', 'armhf', 'linux'));
    fc.assert(
      fc.property(word, word, word, (os, architecture, variant) => {
        const once = normalise({ os, architecture, variant });
        expect(normalise(once)).toEqual(once);
      }),
    );
  });
});

describe('a platform is read from what people write (platforms.go Parse)', () => {
  const here = { os: 'linux', architecture: 'arm', variant: 'v6' };
  test.each([
    ['linux/amd64', 'linux/amd64'],
    ['linux/arm/v7', 'linux/arm/v7'],
    ['linux/aarch64', 'linux/arm64'],
    ['arm64', 'linux/arm64'],
    ['x86_64', 'linux/amd64'],
    ['linux', 'linux/arm/v6'],
    ['windows(10.0.17763)/amd64', 'windows/amd64'],
  ])('%s', (text, expected) => {
    const read = parsePlatform(text, here);
    expect(read.ok && formatPlatform(read.platform)).toBe(expected);
  });

  test.each([
    '',
    '/',
    'linux/',
    'linux//v7',
    'linux/amd64/v1/x',
    'linux/am d64',
    '*',
    'linux/*',
    'nonsense',
    'ünix/amd64',
  ])('refuses %j', (text) => {
    expect(parsePlatform(text, here)).toMatchObject({ ok: false });
  });

  test('an operating system alone needs to know where it is read', () => {
    expect(parsePlatform('linux')).toEqual({ ok: false, why: '"linux" names no architecture' });
    expect(parsePlatform('windows(10.0.17763)/amd64')).toMatchObject({
      ok: true,
      platform: { osVersion: '10.0.17763' },
    });
  });

  test('reading never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => typeof parsePlatform(text).ok === 'boolean'));
  });
});

describe('the in-process engine takes what the processor runs, best first (compare.go Only, compare_test.go TestOnly)', () => {
  test.each([
    ['linux/amd64', 'linux/amd64 linux/386'],
    ['linux/amd64/v3', 'linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386'],
    ['linux/386', 'linux/386'],
    ['linux/arm64', 'linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    ['linux/arm64/v8', 'linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    [
      'linux/arm64/v8.2',
      'linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5',
    ],
    [
      'linux/arm64/v9',
      'linux/arm64/v9 linux/arm64/v8.5 linux/arm64/v8.4 linux/arm64/v8.3 linux/arm64/v8.2 linux/arm64/v8.1 linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5',
    ],
    ['linux/arm64/v10', ''],
    ['linux/arm64/v9.8', ''],
    ['linux/arm/v8', 'linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    ['linux/arm', 'linux/arm/v7 linux/arm/v6 linux/arm/v5'],
    ['linux/arm/v6', 'linux/arm/v6 linux/arm/v5'],
    ['linux/arm/v5', 'linux/arm/v5'],
    ['linux/s390x', 'linux/s390x'],
    ['linux/ppc64le', 'linux/ppc64le'],
  ])('%s', (node, expected) => {
    const everything = [
      'linux/386',
      ...['', '/v2', '/v3'].map((variant) => `linux/amd64${variant}`),
      ...['v5', 'v6', 'v7', 'v8'].map((variant) => `linux/arm/${variant}`),
      ...['', ...[1, 2, 3, 4, 5, 6].map((n) => `/v8.${n}`), '/v9', '/v9.1'].map((variant) => `linux/arm64${variant}`),
      'linux/s390x',
      'linux/ppc64le',
      'windows/amd64',
      'unknown/unknown',
    ].map(platform);
    const { match, compare } = matcherFor(platform(node), 'compatible');
    expect(everything.filter(match).toSorted(compare).map(formatPlatform).join(' ')).toBe(expected);
  });
});

describe('the transfer service takes the node’s own platform only (imagestore.go ImageFilter, Ordered)', () => {
  test.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/x86_64/v1', true],
    ['linux/amd64', 'linux/amd64/v2', false],
    ['linux/amd64', 'linux/386', false],
    ['linux/amd64', '/amd64', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64', 'linux/arm/v7', false],
    ['linux/arm/v7', 'linux/arm', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/amd64', 'unknown/unknown', false],
  ])('%s and %s: %s', (node, entry, expected) => {
    expect(matcherFor(platform(node), 'exact').match(platform(entry))).toBe(expected);
  });
});

test('a matcher prefers what it matches to what it does not, and is indifferent between equals', () => {
  const { compare } = matcherFor(platform('linux/amd64'), 'compatible');
  expect(compare(platform('linux/386'), platform('linux/s390x'))).toBeLessThan(0);
  expect(compare(platform('linux/s390x'), platform('linux/arm64'))).toBe(0);
  expect(compare(platform('linux/amd64'), platform('linux/x86_64'))).toBe(0);
});

test('os.version means nothing on Linux, and os.features only since containerd 2.3', () => {
  const entry = { os: 'linux', architecture: 'amd64', osVersion: '6.1', osFeatures: ['erofs'] };
  for (const rule of ['compatible', 'exact'] as const) {
    expect(matcherFor(platform('linux/amd64'), rule).match(entry)).toBe(true);
    expect(matcherFor(platform('linux/amd64'), rule, 'refused').match(entry)).toBe(false);
    expect(matcherFor(platform('linux/amd64'), rule, 'refused').match({ ...entry, osFeatures: [] })).toBe(true);
  }
});

test('an unnamed operating system shows as unknown', () => {
  expect(formatPlatform(platform('/amd64'))).toBe('unknown');
});
