import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProxiedUrl } from '#go/http-proxy.ts';
import { proxyFor, proxyWarnings } from '#go/http-proxy.ts';
import { Secret } from '#report/secret.ts';
import type { ProxyRules } from '#node/view.ts';

function rules(https: string, no = '', http = ''): ProxyRules {
  return { https: new Secret(https), http: new Secret(http), no, source: 'test' };
}

const registry: ProxiedUrl = { scheme: 'https', host: 'reg.example.com', port: 443 };

function shown(given: ProxyRules, url: ProxiedUrl): string {
  const proxy = proxyFor(given, url);
  if (!proxy.ok) return proxy.fault.code === 'proxy.malformed' ? proxy.fault.why : proxy.fault.code;
  return proxy.value?.shown ?? 'direct';
}

describe('the variable of the request’s own scheme counts (httpproxy proxyForURL)', () => {
  const plain: ProxiedUrl = { scheme: 'http', host: 'reg.example.com', port: 80 };
  test.each([
    ['https asks HTTPS_PROXY', rules('http://s:1', '', 'http://p:2'), registry, 'http://s:1'],
    ['http asks HTTP_PROXY', rules('http://s:1', '', 'http://p:2'), plain, 'http://p:2'],
    ['https does not fall back to HTTP_PROXY', rules('', '', 'http://p:2'), registry, 'direct'],
    ['http does not fall back to HTTPS_PROXY', rules('http://s:1'), plain, 'direct'],
    ['nothing is set', { source: 'test' }, registry, 'direct'],
  ])('%s', (_, given, url, expected) => {
    expect(shown(given, url)).toBe(expected);
  });
});

describe('a proxy’s value is read as in Go (httpproxy parseProxy, net/http transport.go)', () => {
  test.each([
    ['http://proxy:3128', 'http://proxy:3128'],
    ['http://proxy', 'http://proxy:80'],
    ['http://proxy:', 'http://proxy:80'],
    ['http://proxy:3128/', 'http://proxy:3128'],
    ['HTTP://proxy:3128', 'http://proxy:3128'],
    ['https://proxy', 'https://proxy:443'],
    ['socks5://proxy', 'socks5://proxy:1080'],
    ['socks5h://proxy:1', 'socks5h://proxy:1'],
    ['proxy', 'http://proxy:80'],
    ['proxy:3128', 'http://proxy:3128'],
    ['10.0.0.1:3128', 'http://10.0.0.1:3128'],
    ['user:pw@proxy:3128', 'http://proxy:3128'],
    ['//proxy:3128', 'it names no host'],
    ['[2001:db8::1]:3128', 'http://[2001:db8::1]:3128'],
    ['http://[2001:db8::1]', 'http://[2001:db8::1]:80'],
    // Read once more behind http://, the scheme becomes the host.
    ['http:/proxy', 'http://http:80'],
    // Any other scheme is spoken to in HTTP, if it says where.
    ['ftp://proxy:21', 'http://proxy:21'],
    ['ftp://proxy', 'unsupported scheme ftp'],
    ['http://proxy:99999', 'address 99999: invalid port'],
    ['http://:3128', 'it names no host'],
  ])('%s', (value, expected) => {
    expect(shown(rules(value), registry)).toBe(expected);
  });

  test.each([
    ['socks5://proxy:1', 'socks5://proxy:1', undefined],
    [
      'socks5h://proxy:1',
      'http://socks5h:80',
      'scheme socks5h is unknown to this runtime, so Go takes socks5h for the',
    ],
    ['ftp://proxy', 'http://ftp:80', 'scheme ftp is unknown to this runtime, so Go takes ftp for the'],
    ['proxy:3128', 'http://proxy:3128', undefined],
  ])('before Go 1.23 there are three schemes: %s', (value, expected, why) => {
    const old: ProxyRules = { ...rules(value), threeSchemes: true };
    expect(shown(old, registry)).toBe(expected);
    const warned = why === undefined ? [] : [{ code: 'proxy.malformed', value, why: `${why} name of the proxy` }];
    expect(proxyWarnings(old)).toEqual(warned);
  });

  test.each([
    [' http://proxy:1', 'first path segment in URL cannot contain colon'],
    ['http://%zz', 'invalid URL escape "%zz"'],
  ])('Go drops %j without a word and connects directly; the plan may warn', (value, why) => {
    expect(shown(rules(value), registry)).toBe('direct');
    expect(proxyWarnings(rules(value))).toEqual([{ code: 'proxy.malformed', value, why }]);
  });

  test.each([
    ['http://proxy:port', 'invalid port ":port" after host'],
    ['http://pro xy:1', 'invalid character " " in host name'],
    ['https://[::1', "missing ']' in host"],
  ])('a URL that Go cannot read becomes a proxy named like its scheme: %s', (value, why) => {
    const host = value.split(':', 1)[0] ?? '';
    expect(shown(rules(value), registry)).toBe(`http://${host}:80`);
    expect(proxyWarnings(rules(value))).toEqual([
      { code: 'proxy.malformed', value, why: `${why}, so Go takes ${host} for the name of the proxy` },
    ]);
  });

  test('good values give no warning', () => {
    expect(proxyWarnings(rules('http://proxy:3128', '', 'proxy'))).toEqual([]);
    expect(proxyWarnings({ source: 'test' })).toEqual([]);
  });
});

describe('user and password', () => {
  test.each([
    ['http://ci:p%40ss@proxy:3128', 'ci:p@ss'],
    ['http://ci@proxy:3128', 'ci:'],
    ['http://:pw@proxy:3128', ':pw'],
    ['http://d%C3%BC:%E2%82%AC@proxy', 'dü:€'],
  ])('%s become Basic proxy authorization', (value, login) => {
    const proxy = proxyFor(rules(value), registry);
    const target = proxy.ok ? proxy.value : null;
    expect(target?.authorization?.reveal()).toBe(`Basic ${Buffer.from(login).toString('base64')}`);
    expect(`${target?.login?.username.reveal() ?? ''}:${target?.login?.password.reveal() ?? ''}`).toBe(login);
  });

  test('without them there is none', () => {
    expect(proxyFor(rules('http://proxy:3128'), registry)).toEqual({
      ok: true,
      value: { scheme: 'http', host: 'proxy', port: 3128, shown: 'http://proxy:3128' },
    });
  });

  test.each([
    'http://ci:c4nary@proxy:3128',
    'ci:c4nary@proxy',
    'http://ci:c4nary@proxy:port',
    'http://ci:c4nary@proxy:99999',
    'http://ci:c4n/ary@proxy:3128',
    'http://ci:c4n#ary@proxy:3128',
    'http://ci:c4nary@x@proxy:port',
    'http://ci:c4nary%zz@proxy',
    'http://ci:c4nary %@proxy',
    'ftp://ci:c4nary@proxy',
  ])('%s never shows its password', (value) => {
    const seen = [proxyFor(rules(value), registry), proxyWarnings(rules(value))];
    const printed = JSON.stringify(seen) + inspect(seen, { depth: null });
    expect(printed).not.toMatch(/c4n|ary|Y2k6/);
  });
});

describe('NO_PROXY exempts as in Go (httpproxy proxy_test.go UseProxyTests, init)', () => {
  const target = (hostAndPort: string): ProxiedUrl => {
    const [, host = '', port = '443'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(hostAndPort) ?? [];
    return { scheme: 'https', host, port: Number(port) };
  };
  const long =
    'foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, 2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64';
  test.each([
    [long, '192.168.1.1', 'direct'],
    [long, '192.168.1.2', 'proxied'],
    [long, '192.168.1.3', 'proxied'],
    [long, '192.168.1.4', 'proxied'],
    [long, '192.168.1.2:81', 'direct'],
    [long, '10.0.0.2', 'direct'],
    [long, '10.0.0.4', 'proxied'],
    [long, '[2001:db8::52:0:1]', 'direct'],
    [long, '[2001:db8::52:0:2]', 'direct'],
    [long, '[2001:db8::52:0:3]', 'proxied'],
    [long, '[2002:db8:a::123]', 'direct'],
    [long, '[2002:db8:b::123]', 'proxied'],
    [long, 'foobar.com', 'direct'],
    [long, 'www.foobar.com', 'direct'],
    [long, 'FooBar.COM', 'direct'],
    [long, 'foofoobar.com', 'proxied'],
    [long, 'foobar.com.evil', 'proxied'],
    [long, 'barbaz.net', 'proxied'],
    [long, 'a.barbaz.net', 'direct'],
    [long, 'wildcard.io', 'proxied'],
    [long, 'x.wildcard.io', 'direct'],
    ['', 'example.com', 'proxied'],
    ['*', 'example.com', 'direct'],
    ['other.com,*', 'example.com', 'direct'],
    [' * ', 'example.com', 'direct'],
    ['*.com', 'example.com', 'direct'],
    ['*example.com', 'example.com', 'proxied'],
    ['com', 'example.com', 'direct'],
    ['EXAMPLE.com', 'example.com', 'direct'],
    ['example.com:443', 'example.com', 'direct'],
    ['example.com:80', 'example.com', 'proxied'],
    ['example.com:443', 'example.com:8443', 'proxied'],
    ['.example.com:443', 'a.example.com', 'direct'],
    ['example.com other.com', 'example.com', 'proxied'],
    ['example.com;other.com', 'example.com', 'proxied'],
    ['https://example.com', 'example.com', 'proxied'],
    ['example.com.', 'example.com', 'proxied'],
    ['10.0.0.0/8', 'ten.example.com', 'proxied'],
    ['10.0.0.0/8', '[::ffff:10.1.1.1]', 'direct'],
    ['10.0.0.0/33', '10.1.1.1', 'proxied'],
    ['10.', '10.1.1.1', 'proxied'],
    // A number is a domain suffix to Go.
    ['1.1', '10.0.1.1', 'direct'],
    [':443', 'example.com', 'proxied'],
    [',, ,', 'example.com', 'proxied'],
    ['[::2]', '[::2]', 'proxied'],
    ['::2', '[::2]', 'direct'],
    ['bücher.example', 'xn--bcher-kva.example', 'direct'],
    ['.bücher.example', 'a.xn--bcher-kva.example', 'direct'],
    ['', 'localhost', 'direct'],
    ['', 'localhost:5000', 'direct'],
    ['', '127.0.0.1:5000', 'direct'],
    ['', '127.9.9.9', 'direct'],
    ['', '[::1]', 'direct'],
    ['', 'LOCALHOST', 'proxied'],
    ['', 'foo.localhost', 'proxied'],
    ['', '0.0.0.0', 'proxied'],
  ])('%j and %s: %s', (no, host, expected) => {
    const proxy = proxyFor(rules('http://proxy:3128', no), target(host));
    expect(proxy.ok && (proxy.value === null ? 'direct' : 'proxied')).toBe(expected);
  });
});

test('choosing never throws', () => {
  const near = fc
    .array(fc.constantFrom('a', '.', '*', ':', '[', ']', '/', '1', ',', ' ', '@', 'http://', '%', 'ü'))
    .map((all) => all.join(''));
  fc.assert(
    fc.property(near, near, near, (value, no, host) => {
      const given = rules(value, no, value);
      proxyWarnings(given);
      expect(typeof proxyFor(given, { scheme: 'https', host, port: 443 }).ok).toBe('boolean');
    }),
  );
});
