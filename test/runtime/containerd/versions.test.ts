import { describe, expect, test } from 'vitest';
import { atLeast, engineOf, type Engine } from '#runtime/containerd/versions.ts';
import { versionOf } from '../../kit/stage.ts';

const engine = (text: string, kind: Engine['kind'] = 'local'): Engine => engineOf(versionOf(text), kind);

type Flag = (engine: Engine) => unknown;

/** What a version does → the versions between which it changed, as read from containerd's source at those tags. */
const table: readonly (readonly [what: string, flag: Flag, expected: Readonly<Record<string, unknown>>])[] = [
  [
    'whose error is shown',
    (e) => e.shows,
    { '1.6.39': 'first_not_404', '1.7.34': 'first_not_404', '2.0.0': 'furthest', '2.3.4': 'furthest' },
  ],
  ['how often one host is asked', (e) => e.tries, { '1.6.0': 6, '2.1.9': 6, '2.3.1': 6, '2.3.2': 5, '2.4.0': 5 }],
  [
    '5xx from the last host',
    (e) => e.retriesServerErrors,
    { '1.7.34': false, '2.0.11': false, '2.1.0': true, '3.0.0': true },
  ],
  ['a broken connection', (e) => e.retriesBrokenConnections, { '2.2.7': false, '2.3.1': false, '2.3.2': true }],
  ['a GET after HEAD 403', (e) => e.asksWhyForbidden, { '2.1.9': false, '2.3.2': false, '2.3.3': true }],
  [
    'blobs after anything but 404',
    (e) => e.asksBlobsAfterNotFoundOnly,
    {
      '1.7.34': false,
      '2.0.10': false,
      '2.0.11': true,
      '2.1.0': false,
      '2.1.9': false,
      '2.2.5': false,
      '2.2.6': true,
      '2.3.0': true,
    },
  ],
  [
    'the status of a GET in place of HEAD',
    (e) => e.checksResolveGet,
    { '1.7.34': false, '2.2.7': false, '2.3.0': true },
  ],
  ['how long a silent server is waited for', (e) => e.headerTimeoutMs, { '2.2.7': undefined, '2.3.0': 30_000 }],
  [
    'Basic without credentials',
    (e) => e.namesMissingCredentials,
    { '1.6.24': false, '1.6.25': true, '1.6.39': true, '1.7.7': false, '1.7.8': true, '2.0.0': true },
  ],
  [
    'HTTPS first for http:// with TLS settings',
    (e) => e.httpsFirst,
    {
      '1.6.20': 'never',
      '1.6.24': 'never',
      '1.6.25': 'written_port',
      '1.6.39': 'written_port',
      '1.7.6': 'never',
      '1.7.7': 'any_port',
      '1.7.8': 'written_port',
      '1.7.23': 'written_port',
      '1.7.24': 'not_port_80',
      '2.0.0': 'not_port_80',
      '2.3.4': 'not_port_80',
    },
  ],
  [
    'HTTP after a TLS handshake that timed out',
    (e) => e.httpAfterTlsTimeout,
    { '1.6.31': false, '1.6.32': true, '1.7.15': false, '1.7.16': true, '2.0.0': true },
  ],
  [
    'HTTP after a refused connection',
    (e) => e.httpAfterConnectionError,
    { '1.6.39': false, '1.7.23': false, '1.7.24': true, '2.0.0': true },
  ],
  [
    'localhost by its port',
    (e) => e.localhostByPort,
    { '1.6.24': false, '1.6.25': true, '1.7.7': false, '1.7.8': true, '2.0.0': true },
  ],
  ['os.features', (e) => e.osFeatures, { '2.2.7': 'ignored', '2.3.0': 'refused' }],
  ['encodings', (e) => e.encodings, { '1.7.34': 'gzip', '2.0.0': 'zstd_gzip_deflate' }],
  ['schema 1', (e) => e.convertsSchema1, { '1.7.34': true, '2.0.0': false }],
  [
    'the words of a refused HEAD',
    (e) => e.texts.headStatus,
    {
      '1.6.24': 'pulling_from_host',
      '1.6.25': 'unexpected_status',
      '1.7.0': 'unexpected_status',
      '2.3.4': 'unexpected_status',
    },
  ],
  ['the words of a refused GET', (e) => e.texts.getStatus, { '2.0.11': 'server_message', '2.1.0': 'new_line' }],
  [
    'queries in transport errors',
    (e) => e.texts.redactsQueries,
    { '1.6.20': false, '1.7.34': true, '2.1.9': true, '2.3.4': true },
  ],
  [
    'proxies of any scheme',
    (e) => e.proxiesOfAnyScheme,
    { '1.6.37': false, '1.6.38': true, '1.7.25': false, '1.7.26': true, '2.0.0': true },
  ],
  [
    'TLS with RSA key exchange',
    (e) => e.takesRsaKeyExchange,
    { '1.6.38': true, '1.6.39': false, '1.7.27': true, '1.7.28': false, '2.0.0': false },
  ],
  [
    'the way round a refused SHA-1',
    (e) => e.texts.offersSha1,
    { '1.6.39': true, '1.7.28': true, '1.7.29': false, '2.0.6': true, '2.0.7': false, '2.1.5': false, '2.2.0': false },
  ],
  ['the prefix of x509 errors', (e) => e.texts.tlsPrefix, { '1.6.20': false, '1.7.34': true, '2.1.9': true }],
  [
    'the code of a time-out',
    (e) => e.texts.deadlineCode,
    { '1.6.20': false, '1.7.34': true, '2.1.9': false, '2.3.4': true },
  ],
];

describe('engineOf', () => {
  for (const [what, flag, expected] of table) {
    test(`knows by the version: ${what}`, () => {
      expect(Object.fromEntries(Object.keys(expected).map((text) => [text, flag(engine(text))]))).toEqual(expected);
    });
  }

  test.each([
    ['1.7.34', 'local', 'none'],
    ['2.0.11', 'local', 'none'],
    ['2.1.0', 'local', 'all'],
    ['2.1.0', 'transfer', 'hosts_toml'],
  ] as const)('containerd %s (%s) sends %s configured headers to token services', (text, kind, expected) => {
    expect(engine(text, kind).headersToRealm).toBe(expected);
  });

  test('the transfer service wants the exact platform, the in-process engine takes lesser ones', () => {
    expect(engine('2.1.9', 'transfer').platforms).toBe('exact');
    expect(engine('2.1.9', 'local').platforms).toBe('compatible');
  });

  test('it is called by its version', () => {
    expect(engine('2.1.9').userAgent).toBe('containerd/2.1.9');
  });
});

test.each([
  ['2.1.9', [2, 1, 9], true],
  ['2.1.9', [2, 1, 10], false],
  ['2.1.9', [2, 2, 0], false],
  ['2.1.9', [1, 7, 99], true],
  ['2.1.9', [3, 0, 0], false],
] as const)('%s is at least %j: %s', (text, [major, minor, patch], expected) => {
  expect(atLeast(versionOf(text), major, minor, patch)).toBe(expected);
});
