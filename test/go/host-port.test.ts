import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { joinHostPort, originOf, splitAuthority, splitHostPort } from '#go/host-port.ts';

describe('splitHostPort, as net.SplitHostPort of Go', () => {
  test.each([
    ['a:1', { host: 'a', port: '1' }],
    ['a:', { host: 'a', port: '' }],
    [':1', { host: '', port: '1' }],
    ['[::1]:1', { host: '::1', port: '1' }],
    ['[a]:x', { host: 'a', port: 'x' }],
    ['a', undefined],
    ['::1', undefined],
    ['[::1]', undefined],
    ['[::1', undefined],
    ['[::1]x:1', undefined],
    ['[::1]:1:2', undefined],
    ['a]:1', undefined],
    ['a[b:1', undefined],
    ['[[a]:1', undefined],
  ])('%s', (text, expected) => {
    expect(splitHostPort(text)).toEqual(expected);
  });
});

test.each([
  ['host', 'host', ''],
  ['host:80', 'host', '80'],
  ['host:', 'host', ''],
  ['[::1]', '::1', ''],
  ['[::1]:80', '::1', '80'],
  ['[::1]:', '::1', ''],
  ['host:port', 'host:port', ''],
  ['', '', ''],
])('splitAuthority of %j', (authority, host, port) => {
  expect(splitAuthority(authority)).toEqual({ host, port });
});

test.each([
  ['https://reg.example/v2/', { scheme: 'https', host: 'reg.example', port: 443 }],
  ['http://reg.example', { scheme: 'http', host: 'reg.example', port: 80 }],
  ['http://[::1]:5000/', { scheme: 'http', host: '::1', port: 5000 }],
])('originOf %s', (url, origin) => {
  expect(originOf(new URL(url))).toEqual(origin);
});

test('what joinHostPort writes, both parsers read', () => {
  fc.assert(
    fc.property(fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()), fc.nat(65_535), (host, port) => {
      const text = joinHostPort(host, port);
      expect(splitHostPort(text)).toEqual({ host, port: String(port) });
      expect(splitAuthority(text)).toEqual({ host, port: String(port) });
    }),
  );
});
