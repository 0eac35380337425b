import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { engineOf } from '#runtime/containerd/versions.ts';
import { parseImage, type Image } from '#image/reference.ts';
import { bad, good } from '#report/outcome.ts';
import type { Route } from '#runtime/plan.ts';
import { cleanPath, isLocalhost, routesFor, splitAuthority } from '#runtime/containerd/hosts.ts';
import type { HostRule, HostsDir, HostsRules, RuntimeConfig, TlsRule } from '#node/view.ts';
import { plain, toml, versionOf } from '../../kit/stage.ts';

const ca: TlsRule = { verify: true, extraRoots: [{ path: '/ca.crt', pem: 'PEM' }], clients: [] };
const unverified: TlsRule = { verify: false, extraRoots: [], clients: [] };
const bare: RuntimeConfig = {
  engine: 'local',
  registry: { kind: 'hosts_dirs', roots: [] },
  headers: [],
  auths: {},
  sandboxImage: '',
  root: '/var/lib/containerd',
};

function imageOf(written: string): Image {
  const image = parseImage(written);
  if (!image.ok) throw new Error(written);
  return image.value;
}

type Dirs = Readonly<Record<string, HostsRules>>;

function configOf(...roots: readonly Dirs[]): RuntimeConfig {
  const made = roots.map((dirs, i) => ({
    path: `/root${i}`,
    dirs: Object.fromEntries(
      Object.entries(dirs).map(([name, is]): [string, HostsDir] => [name, { path: `/root${i}/${name}`, is: good(is) }]),
    ),
  }));
  return { ...bare, registry: { kind: 'hosts_dirs', roots: made } };
}

function routes(
  written: string,
  config: RuntimeConfig = bare,
  version = '2.1.9',
  kind: 'local' | 'transfer' = 'local',
): readonly Route[] {
  const found = routesFor(imageOf(written), config, engineOf(versionOf(version), kind));
  if (!found.ok) throw new Error(found.fault.code);
  return found.value;
}

const url = ({ scheme, authority, path }: Route): string => `${scheme}://${authority}${path}`;
const urls = (...args: Parameters<typeof routes>): readonly string[] => routes(...args).map(url);
const host = (text: string, over: Partial<HostRule> = {}): HostRule => plain('', { url: text, ...over });
const nothing: HostRule = { capabilities: ['pull', 'resolve', 'push'], overridePath: false, headers: [] };
const only = (...hosts: readonly HostRule[]): HostsRules => toml(nothing, ...hosts);

describe('without a directory for it', () => {
  test.each([
    ['nginx', 'https://registry-1.docker.io/v2'],
    ['index.docker.io/nginx', 'https://registry-1.docker.io/v2'],
    ['registry-1.docker.io/library/nginx', 'https://registry-1.docker.io/v2'],
    ['reg.io/app', 'https://reg.io/v2'],
    ['reg.io:5000/app', 'https://reg.io:5000/v2'],
    ['[2001:db8::1]:5000/app', 'https://[2001:db8::1]:5000/v2'],
  ])('%s is asked for at %s', (written, expected) => {
    expect(urls(written)).toEqual([expected]);
  });

  test('the route may do everything, verifies, and is the origin', () => {
    const [route] = routes('reg.io:5000/app');
    expect(route).toMatchObject({ role: 'origin', host: 'reg.io', port: 5000, mayPull: true, mayResolve: true });
    expect(route).toMatchObject({ tls: { verify: true }, httpsFirst: false, dialTimeoutMs: 30_000, headers: [] });
    expect(route).not.toHaveProperty('ns');
  });
});

describe('hosts directories', () => {
  const mirror = (name: string): HostsRules => only(host(`https://${name}`));

  test.each([
    [
      'host_port_ goes before host:port',
      { 'reg.io_5000_': mirror('a'), 'reg.io:5000': mirror('b'), _default: mirror('c') },
      'a',
    ],
    ['host:port goes before _default', { 'reg.io:5000': mirror('b'), _default: mirror('c') }, 'b'],
    ['_default serves what has none', { 'reg.io': mirror('b'), _default: mirror('c') }, 'c'],
  ])('%s', (_, dirs, expected) => {
    expect(urls('reg.io:5000/app', configOf(dirs))[0]).toBe(`https://${expected}/v2`);
  });

  test("the first root's _default hides the second root", () => {
    const config = configOf({ _default: mirror('first') }, { 'reg.io': mirror('second') });
    expect(urls('reg.io/app', config)[0]).toBe('https://first/v2');
  });

  test('the second root serves where the first has nothing', () => {
    const config = configOf({ 'other.io': mirror('first') }, { 'reg.io': mirror('second') });
    expect(urls('reg.io/app', config)[0]).toBe('https://second/v2');
  });

  test("Docker Hub's directory is docker.io", () => {
    const config = configOf({ 'registry-1.docker.io': mirror('wrong'), 'docker.io': mirror('right') });
    expect(urls('nginx', config)).toEqual(['https://right/v2', 'https://registry-1.docker.io/v2']);
  });

  test('names of Object.prototype are no directories', () => {
    expect(urls('constructor.io/app', configOf({}))).toEqual(['https://constructor.io/v2']);
    expect(urls('__proto__:1/app'.replace('__proto__', 'valueOf'), configOf({}))).toEqual(['https://valueOf:1/v2']);
  });

  test('a directory that cannot be used fails every route', () => {
    const fault = { code: 'hosts.ca_unreadable', file: '/ca.crt', why: 'no such file' } as const;
    const config: RuntimeConfig = {
      ...bare,
      registry: {
        kind: 'hosts_dirs',
        roots: [{ path: '/r', dirs: { 'reg.io': { path: '/r/reg.io', is: bad(fault) } } }],
      },
    };
    const found = routesFor(imageOf('reg.io/app'), config, engineOf(versionOf('2.1.9'), 'local'));
    expect(found).toEqual(bad(fault));
  });

  test('certificate files serve the registry itself', () => {
    const config = configOf({ 'reg.io': { from: 'cert_files', tls: ca } });
    expect(routes('reg.io/app', config)).toMatchObject([
      { authority: 'reg.io', tls: ca, because: '/root0/reg.io (certificate files)' },
    ]);
  });
});

describe('hosts.toml', () => {
  test('mirrors come in file order and the registry itself last, whether there is a server or not', () => {
    const mirrors = [host('https://b.io'), host('https://a.io')];
    expect(urls('reg.io/app', configOf({ 'reg.io': only(...mirrors) }))).toEqual([
      'https://b.io/v2',
      'https://a.io/v2',
      'https://reg.io/v2',
    ]);
    const elsewhere = configOf({ 'reg.io': toml(host('https://elsewhere.io'), ...mirrors) });
    expect(urls('reg.io/app', elsewhere).at(-1)).toBe('https://elsewhere.io/v2');
  });

  test('without a server the registry itself keeps the TLS, headers and dial_timeout of the root of the file', () => {
    const root: HostRule = { ...nothing, tls: ca, headers: [['X-A', '1']], dialTimeoutMs: 1234 };
    const [, origin] = routes('reg.io/app', configOf({ 'reg.io': toml(root, host('https://a.io')) }));
    expect(origin).toMatchObject({ authority: 'reg.io', tls: ca, headers: [['X-A', '1']], dialTimeoutMs: 1234 });
  });

  test('without a server the registry itself may do everything, whatever capabilities the root has', () => {
    const root: HostRule = { ...nothing, capabilities: ['push'] };
    expect(routes('reg.io/app', configOf({ 'reg.io': toml(root) }))[0]).toMatchObject({
      mayPull: true,
      mayResolve: true,
    });
  });

  test.each([
    [['pull'], true, false],
    [['resolve'], false, true],
    [['push'], false, false],
    [['pull', 'resolve'], true, true],
  ] as const)('capabilities %j', (capabilities, mayPull, mayResolve) => {
    const config = configOf({ 'reg.io': only(host('https://a.io', { capabilities })) });
    expect(routes('reg.io/app', config)[0]).toMatchObject({ mayPull, mayResolve });
  });

  test.each([
    ['https://m.io', false, '/v2'],
    ['https://m.io', true, ''],
    ['https://m.io/', false, '/v2'],
    ['https://m.io/', true, '/'],
    ['https://m.io/v2', false, '/v2'],
    ['https://m.io/v2/', false, '/v2'],
    ['https://m.io/v2', true, '/v2'],
    ['https://m.io/proxy', false, '/proxy/v2'],
    ['https://m.io/proxy', true, '/proxy'],
    ['https://m.io//a/./b/../c//', false, '/a/c/v2'],
    ['https://m.io/v2/proxy', false, '/v2/proxy/v2'],
    ['https://m.io/v2/proxy', true, '/v2/proxy'],
    ['https://m.io/p?q=1#f', false, '/p/v2'],
    ['m.io/proxy', false, '/proxy/v2'],
  ])('%s with override_path %s hangs its registry at %j', (written, overridePath, path) => {
    const config = configOf({ 'reg.io': only(host(written, { overridePath })) });
    expect(routes('reg.io/app', config)[0]).toMatchObject({ authority: 'm.io', path });
  });

  test.each([
    ['m.io', 'https', 'm.io', 443],
    ['m.io:8443', 'https', 'm.io', 8443],
    ['http://m.io', 'http', 'm.io', 80],
    ['http://m.io:8080', 'http', 'm.io', 8080],
    ['https://user:password@m.io', 'https', 'm.io', 443],
    ['https://[::1]:5000', 'https', '::1', 5000],
  ])('%s is %s to %s, port %s', (written, scheme, name, port) => {
    const config = configOf({ 'reg.io': only(host(written)) });
    const [route] = routes('reg.io/app', config);
    expect(route).toMatchObject({ scheme, host: name, port });
    expect(JSON.stringify(route)).not.toContain('password@');
  });

  test('an entry without a host is no route', () => {
    expect(urls('reg.io/app', configOf({ 'reg.io': only(host('https://'), host('https:///v2')) }))).toEqual([
      'https://reg.io/v2',
    ]);
  });

  test('headers of the whole configuration come before those of a host', () => {
    const config = {
      ...configOf({ 'reg.io': only(host('https://m.io', { headers: [['X', 'host']] })) }),
      headers: [['X', 'all']] as const,
    };
    expect(routes('reg.io/app', config)[0]?.headers).toEqual([
      ['X', 'all'],
      ['X', 'host'],
    ]);
  });

  test.each([
    ['1.7.34', 'local', []],
    ['2.1.9', 'transfer', [['X', 'host']]],
    [
      '2.1.9',
      'local',
      [
        ['X', 'all'],
        ['X', 'host'],
      ],
    ],
  ] as const)('in containerd %s (%s) the token service gets the headers %j', (version, kind, expected) => {
    const config = {
      ...configOf({ 'reg.io': only(host('https://m.io', { headers: [['X', 'host']] })) }),
      headers: [['X', 'all']] as const,
    };
    expect(routes('reg.io/app', config, version, kind)[0]?.realmHeaders).toEqual(expected);
  });
});

describe('the namespace', () => {
  test.each([
    ['nginx', 'https://registry-1.docker.io', undefined],
    ['nginx', 'https://index.docker.io', 'docker.io'],
    ['nginx', 'https://registry-1.docker.io:443', 'docker.io'],
    ['nginx', 'https://docker.io', undefined],
    ['nginx', 'https://mirror.io', 'docker.io'],
    ['reg.io/app', 'https://reg.io', undefined],
    ['reg.io/app', 'https://reg.io:443', 'reg.io'],
    ['reg.io:5000/app', 'https://reg.io:5000', undefined],
    ['reg.io:5000/app', 'https://mirror.io', 'reg.io:5000'],
    ['registry-1.docker.io/library/nginx', 'https://registry-1.docker.io', undefined],
  ])('of %s at %s is %s', (written, at, ns) => {
    const [route] = routes(written, configOf({ _default: toml(host(at)) }));
    expect(route?.ns).toBe(ns);
  });
});

/** containerd/config/hosts.go ConfigureHosts: scheme, port, whether it is verified, whether HTTPS is tried first. */
describe('registries on localhost', () => {
  test.each([
    ['1.6.20', 'localhost', 'http', false, false],
    ['1.6.20', 'localhost:5000', 'http', false, false],
    ['1.6.20', 'localhost:443', 'http', false, false],
    ['1.7.7', 'localhost:5000', 'https', false, true],
    ['1.7.7', 'localhost:80', 'https', false, true],
    ['1.6.39', 'localhost', 'https', false, false],
    ['1.6.39', 'localhost:443', 'https', false, false],
    ['1.6.39', 'localhost:5000', 'https', false, true],
    ['1.6.39', 'localhost:80', 'http', true, false],
    ['2.1.9', 'localhost', 'https', false, false],
    ['2.1.9', '127.0.0.1:5000', 'https', false, true],
    ['2.1.9', '127.5.4.3:5000', 'https', false, true],
    ['2.1.9', '[::1]:5000', 'https', false, true],
    ['2.1.9', 'localhost:80', 'http', true, false],
    ['2.1.9', '10.0.0.1:5000', 'https', true, false],
  ])('containerd %s asks %s over %s, verifies %s, falls back %s', (version, registry, scheme, verify, httpsFirst) => {
    expect(routes(`${registry}/app`, bare, version)).toMatchObject([{ scheme, tls: { verify }, httpsFirst }]);
  });

  test('with a server of its own the file decides', () => {
    const config = configOf({ 'localhost:5000': toml(host('https://localhost:5000')) });
    expect(routes('localhost:5000/app', config)).toMatchObject([
      { scheme: 'https', tls: { verify: true }, httpsFirst: false },
    ]);
  });

  test.each([
    ['localhost', true],
    ['localhost:1', true],
    ['127.0.0.1', true],
    ['127.255.255.254:80', true],
    ['[::1]:80', true],
    ['[0:0:0:0:0:0:0:1]:80', true],
    ['[::1]', false],
    ['::1', true],
    ['localhost.', false],
    ['127.0.0.1.nip.io', false],
    ['127.0.0.256', false],
    ['127.1', false],
    ['reg.io', false],
    ['', false],
  ])('isLocalhost(%j) is %s', (registry, expected) => {
    expect(isLocalhost(registry)).toBe(expected);
  });
});

describe('http:// entries with TLS settings', () => {
  test.each([
    ['1.6.20', 'http://m.io:8080', false],
    ['1.6.20', 'http://m.io', false],
    ['1.6.39', 'http://m.io:8080', true],
    ['1.6.39', 'http://m.io', false],
    ['1.6.39', 'http://m.io:80', false],
    ['1.7.7', 'http://m.io', true],
    ['1.7.7', 'http://m.io:80', true],
    ['1.7.23', 'http://m.io', false],
    ['1.7.23', 'http://m.io:8080', true],
    ['1.7.34', 'http://m.io', true],
    ['1.7.34', 'http://m.io:80', false],
    ['2.3.4', 'http://m.io', true],
    ['2.3.4', 'http://m.io:443', true],
    ['2.3.4', 'http://m.io:80', false],
  ])('containerd %s tries HTTPS first at %s: %s', (version, at, first) => {
    const config = configOf({ 'reg.io': only(host(at, { tls: unverified })) });
    expect(routes('reg.io/app', config, version)[0]).toMatchObject({
      httpsFirst: first,
      scheme: first ? 'https' : 'http',
    });
  });

  test('HTTPS first without a port dials 443', () => {
    const config = configOf({ 'reg.io': only(host('http://m.io', { tls: unverified })) });
    expect(routes('reg.io/app', config)[0]).toMatchObject({ port: 443, authority: 'm.io' });
  });

  test('plain http:// and https:// entries never change their scheme', () => {
    const config = configOf({ 'reg.io': only(host('http://a.io:8080'), host('https://b.io', { tls: unverified })) });
    expect(routes('reg.io/app', config)).toMatchObject([
      { scheme: 'http', httpsFirst: false },
      { scheme: 'https', httpsFirst: false },
      { scheme: 'https' },
    ]);
  });
});

describe('legacy mirrors', () => {
  const legacy = (
    mirrors: Readonly<Record<string, readonly string[]>>,
    tls: Record<string, ReturnType<typeof good<TlsRule>>> = {},
  ): RuntimeConfig => ({
    ...bare,
    registry: { kind: 'legacy', mirrors, tls },
  });

  test.each([
    ['none', {}, ['https://reg.io/v2']],
    [
      'its own',
      { 'reg.io': ['https://a.io', 'https://b.io'] },
      ['https://a.io/v2', 'https://b.io/v2', 'https://reg.io/v2'],
    ],
    ['the wildcard', { '*': ['https://w.io'] }, ['https://w.io/v2', 'https://reg.io/v2']],
    [
      'its own hide the wildcard',
      { 'reg.io': ['https://a.io'], '*': ['https://w.io'] },
      ['https://a.io/v2', 'https://reg.io/v2'],
    ],
    ['an empty list hides the wildcard', { 'reg.io': [], '*': ['https://w.io'] }, ['https://reg.io/v2']],
    ['itself among them', { 'reg.io': ['https://reg.io', 'https://b.io'] }, ['https://reg.io/v2', 'https://b.io/v2']],
    ['a path is taken as it is', { 'reg.io': ['https://a.io/proxy'] }, ['https://a.io/proxy', 'https://reg.io/v2']],
    ['no scheme is https', { 'reg.io': ['a.io:5000'] }, ['https://a.io:5000/v2', 'https://reg.io/v2']],
    [
      'no scheme on localhost is http',
      { 'reg.io': ['localhost:5000', '127.0.0.1'] },
      ['http://localhost:5000/v2', 'http://127.0.0.1/v2', 'https://reg.io/v2'],
    ],
    [
      'what is no URL is left out',
      { 'reg.io': ['ftp://a.io', 'https://b.io'] },
      ['https://b.io/v2', 'https://reg.io/v2'],
    ],
  ])('%s', (_, mirrors, expected) => {
    expect(urls('reg.io/app', legacy(mirrors))).toEqual(expected);
  });

  test('Docker Hub is asked at registry-1.docker.io after its mirrors', () => {
    expect(urls('nginx', legacy({ 'docker.io': ['https://a.io'] }))).toEqual([
      'https://a.io/v2',
      'https://registry-1.docker.io/v2',
    ]);
  });

  test('a registry on localhost is plain HTTP and nothing else', () => {
    expect(routes('localhost:5000/app', legacy({}))).toMatchObject([
      { scheme: 'http', httpsFirst: false, role: 'origin' },
    ]);
  });

  test('mirrors are called mirrors and the registry itself the origin', () => {
    expect(routes('reg.io/app', legacy({ 'reg.io': ['ftp://a.io', 'https://b.io'] }))).toMatchObject([
      { role: 'mirror', because: 'registry.mirrors."reg.io" endpoint b.io' },
      { role: 'origin', because: 'the registry itself' },
    ]);
  });

  test('TLS goes by the host and port of the endpoint', () => {
    const config = legacy({ 'reg.io': ['https://a.io:5000'] }, { 'a.io:5000': good(unverified), 'reg.io': good(ca) });
    expect(routes('reg.io/app', config)).toMatchObject([{ tls: unverified }, { tls: ca }]);
  });

  test('TLS settings that cannot be read fail every route', () => {
    const fault = { code: 'hosts.ca_unreadable', file: '/ca.crt', why: 'no such file' } as const;
    const config: RuntimeConfig = { ...bare, registry: { kind: 'legacy', mirrors: {}, tls: { 'reg.io': bad(fault) } } };
    expect(routesFor(imageOf('reg.io/app'), config, engineOf(versionOf('1.7.34'), 'local'))).toEqual(bad(fault));
  });

  test('every endpoint may resolve and pull', () => {
    expect(routes('reg.io/app', legacy({ 'reg.io': ['https://a.io'] }))).toMatchObject([
      { mayPull: true, mayResolve: true, ns: 'reg.io' },
      { mayPull: true, mayResolve: true },
    ]);
  });
});

describe('cleanPath', () => {
  test.each([
    ['', '/'],
    ['/', '/'],
    ['//a///b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../../b', '/b'],
    ['/..', '/'],
    ['a/b/', '/a/b'],
  ])('%j is %j', (path, expected) => {
    expect(cleanPath(path)).toBe(expected);
  });

  test('what is clean stays, and nothing climbs', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('..', '.', '', 'a', 'v2')), (parts) => {
        const cleaned = cleanPath(parts.join('/'));
        expect(cleanPath(cleaned)).toBe(cleaned);
        expect(cleaned.split('/')).not.toContain('..');
      }),
    );
  });
});

test.each([
  ['reg.io', { host: 'reg.io' }],
  ['reg.io:5000', { host: 'reg.io', port: '5000' }],
  ['reg.io:', { host: 'reg.io' }],
  ['[::1]', { host: '::1' }],
  ['[::1]:5000', { host: '::1', port: '5000' }],
  ['[::1]:', { host: '::1' }],
  ['', { host: '' }],
])('%j is split into %j', (authority, expected) => {
  expect(splitAuthority(authority)).toEqual(expected);
});

test('any configuration gives routes or a fault, and the registry itself is never lost', () => {
  const rule = fc
    .record({ url: fc.string(), overridePath: fc.boolean() })
    .map(({ url: at, overridePath }) => host(at, { overridePath }));
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 5 }), (hosts) => {
      expect(urls('reg.io/app', configOf({ _default: only(...hosts) })).at(-1)).toBe('https://reg.io/v2');
    }),
  );
});
