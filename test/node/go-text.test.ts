import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseGoDuration, parseGoUrl } from '../../src/node/go-text.ts';

describe('a Go duration', () => {
  test.each([
    ['5s', 5000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['100ms', 100],
    ['.5s', 500],
    ['1.s', 1000],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['0', 0],
    ['-1s', -1000],
    ['+2s', 2000],
    ['0s', 0],
  ])('%s', (text, ms) => {
    expect(parseGoDuration(text)).toBeCloseTo(ms);
  });

  test.each(['', '5', 's', '.s', '1x', '1s ', ' 1s', '1d', '-', '1s2', 'toString', '1e3s', '999999999h'])(
    '%j is none',
    (text) => {
      expect(parseGoDuration(text)).toBeUndefined();
    },
  );
});

describe('a URL as Go parses it', () => {
  test.each([
    ['https://m.io', { scheme: 'https', host: 'm.io', path: '' }],
    ['HTTP://m.io:5000/v2/x', { scheme: 'http', host: 'm.io:5000', path: '/v2/x' }],
    ['https://u:p@m.io/x?q#f', { scheme: 'https', host: 'm.io', path: '/x' }],
    ['https://[::1]:5000/', { scheme: 'https', host: '[::1]:5000', path: '/' }],
    ['https://m.io:', { scheme: 'https', host: 'm.io:', path: '' }],
    ['http-mirror:5000', { scheme: 'http-mirror', host: '', path: '' }],
    ['httpmirror', { scheme: '', host: '', path: 'httpmirror' }],
    ['https:/m.io', { scheme: 'https', host: '', path: '/m.io' }],
    ['//m.io/x', { scheme: '', host: 'm.io', path: '/x' }],
  ])('%s', (text, url) => {
    expect(parseGoUrl(text)).toEqual(url);
  });

  test.each([
    'https://m.io:abc',
    'https://m io',
    'https://[::1',
    'https://m.io/%zz',
    'https://m.io/\n',
    ':x',
    'https://a:b:c/',
    '1.2.3.4:5000',
    'https://a%20b/',
  ])('%j is refused', (text) => {
    expect(parseGoUrl(text)).toBeUndefined();
  });

  test('neither parser throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseGoUrl(text);
        parseGoDuration(text);
      }),
    );
  });
});
