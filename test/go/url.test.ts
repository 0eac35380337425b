import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostAndPort, parseGoUrl } from '#go/url.ts';

function parts(text: string): string {
  const read = parseGoUrl(text);
  if (!read.ok) return read.why;
  const { scheme, user, host, path } = read.url;
  const login = user === undefined ? '-' : `${user.name}|${user.password ?? '-'}`;
  return `${scheme} ${login} ${host} ${path}`;
}

describe('a URL is taken apart as in Go (net/url url_test.go)', () => {
  test.each([
    ['http://www.google.com', 'http - www.google.com '],
    ['http://www.google.com/', 'http - www.google.com /'],
    ['http://www.google.com/file%20one%26two', 'http - www.google.com /file one&two'],
    ['HTTP://Host:80/a?b#c', 'http - Host:80 /a'],
    ['http://host?a', 'http - host '],
    ['http://user:p%40ss@host:1/', 'http user|p@ss host:1 /'],
    ['http://user@host', 'http user|- host '],
    ['http://user:@host', 'http user| host '],
    ['http://u:p@q@host', 'http u|p@q host '],
    ['//host/path', ' - host /path'],
    ['///path', ' -  ///path'],
    ['path/to', ' -  path/to'],
    ['host:3128', 'host -  '],
    ['mailto:joe', 'mailto -  '],
    ['http-mirror:5000', 'http-mirror -  '],
    ['https:/m.io', 'https -  /m.io'],
    ['1.2.3.4:5000', 'first path segment in URL cannot contain colon'],
    ['http://[::1]:8080/', 'http - [::1]:8080 /'],
    ['http://[fe80::1%25en0]:8080/', 'http - [fe80::1%en0]:8080 /'],
    ['http://host:/', 'http - host: /'],
    ['http://*.reg.io', 'http - *.reg.io '],
    ['http://h%c3%bc.io', 'http - hü.io '],
    ['http://hü.io', 'http - hü.io '],
    ['', ' -  '],
    ['10.0.0.1:3128', 'first path segment in URL cannot contain colon'],
    [':3128', 'missing protocol scheme'],
    ['http://host:port', 'invalid port ":port" after host'],
    ['http://a:b:c/', 'invalid port ":c" after host'],
    ['http://a%20b/', 'invalid URL escape "%20"'],
    ['http://[::1', "missing ']' in host"],
    ['http://[::1]x', 'invalid port "x" after host'],
    ['http://host/%zz', 'invalid URL escape "%zz"'],
    ['http://host/%2', 'invalid URL escape "%2"'],
    ['http://h%41st/', 'invalid URL escape "%41"'],
    ['http://a b.com/', 'invalid character " " in host name'],
    [String.raw`http://a\b/`, String.raw`invalid character "\\" in host name`],
    ['http://us er@host', 'net/url: invalid userinfo'],
    ['http://host/\n', 'net/url: invalid control character in URL'],
    ['http://host/\u007f', 'net/url: invalid control character in URL'],
  ])('%j', (text, expected) => {
    expect(parts(text)).toBe(expected);
  });

  test.each([
    ['host', 'host', ''],
    ['host:80', 'host', '80'],
    ['host:', 'host', ''],
    ['[::1]', '::1', ''],
    ['[::1]:80', '::1', '80'],
    ['host:port', 'host:port', ''],
    ['', '', ''],
  ])('host and port of %j', (host, name, port) => {
    expect(hostAndPort(host)).toEqual({ name, port });
  });
});

test('taking apart never throws', () => {
  const near = fc
    .array(fc.constantFrom('http', ':', '/', '//', '@', '[', ']', '%', '%41', 'a', '?', '#', ' ', '1', 'ü'))
    .map((all) => all.join(''));
  fc.assert(fc.property(fc.oneof(fc.string(), near), (text) => typeof parseGoUrl(text).ok === 'boolean'));
});

test('a web address reads the same as in the platform’s own parser', () => {
  fc.assert(
    fc.property(fc.webUrl({ authoritySettings: { withPort: true } }), (text) => {
      const own = new URL(text);
      const read = parseGoUrl(text);
      expect(read.ok && `${read.url.scheme}:`).toBe(own.protocol);
      expect(read.ok && hostAndPort(read.url.host).name).toBe(own.hostname);
    }),
  );
});
