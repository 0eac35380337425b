/** The words of a failed pull, as real kubelets showed them with containerd 1.6.20, 1.7.34, 2.1.9 and 2.3.4. */
import { describe, expect, test } from 'vitest';
import { engineOf, type Engine } from '#runtime/containerd/versions.ts';
import type { Fault } from '#report/fault.ts';
import {
  aggregate,
  contentNotFound,
  criError,
  fetchStatusText,
  openFailed,
  pullFailed,
  requestFailed,
  resolveFailed,
  resolveStatusText,
  tokenStatusText,
  transportText,
  urlError,
} from '#runtime/containerd/error-texts.ts';
import { engines, versionOf } from '../../kit/stage.ts';

type Version = (typeof engines)[number];
const engine = (version: Version): Engine =>
  engineOf(versionOf(version), version.startsWith('2.') ? 'transfer' : 'local');
const ref = 'reg.test/team/app:v1';
const head = { method: 'HEAD', url: new URL('https://reg.test/v2/team/app/manifests/v1') };
const blob = new URL('https://reg.test/v2/team/app/blobs/sha256:aa');
const old =
  'failed to pull and unpack image "reg.test/team/app:v1": failed to resolve reference "reg.test/team/app:v1": ';
const young = 'failed to pull and unpack image "reg.test/team/app:v1": failed to resolve image: ';
const prefix: Readonly<Record<Version, string>> = { '1.6.20': old, '1.7.34': old, '2.1.9': young, '2.3.4': young };

function transport(version: Version, fault: Fault, asking = head): string {
  return criError(resolveFailed(ref, transportText(asking, fault, engine(version)), engine(version)));
}

describe.each(engines)('containerd %s', (version) => {
  const does = `${prefix[version]}failed to do request: Head "https://reg.test/v2/team/app/manifests/v1": `;

  test.each<readonly [Fault, string]>([
    [
      { code: 'dns.not_found', host: 'reg.test', server: '127.0.153.53:53', asked: ['reg.test.'] },
      'dial tcp: lookup reg.test on 127.0.153.53:53: no such host',
    ],
    [
      { code: 'dns.server_failed', host: 'reg.test', server: '127.0.153.53:53', rcode: 'SERVFAIL' },
      'dial tcp: lookup reg.test on 127.0.153.53:53: server misbehaving',
    ],
    [
      { code: 'tcp.refused', address: '127.1.255.1', port: 443 },
      'dial tcp 127.1.255.1:443: connect: connection refused',
    ],
    [{ code: 'tls.not_tls', host: 'reg.test', port: 443 }, 'http: server gave HTTP response to HTTPS client'],
    [
      { code: 'tls.client_rejected', host: 'reg.test', alert: 'certificate required' },
      'remote error: tls: certificate required',
    ],
  ])('%j', (fault, errorText) => {
    expect(transport(version, fault)).toBe(does + errorText);
  });

  const x509 = version === '1.6.20' ? 'x509: ' : 'tls: failed to verify certificate: x509: ';

  test.each<readonly [Fault, string]>([
    [
      { code: 'tls.untrusted', host: 'reg.test', subject: 'CN=a', issuer: 'CN=b', trustedFrom: [] },
      'certificate signed by unknown authority',
    ],
    [
      {
        code: 'tls.untrusted',
        host: 'reg.test',
        subject: 'CN=a',
        issuer: 'CN=b',
        trustedFrom: [],
        nearMiss: { authority: 'b "1"', why: 'crypto/rsa: verification error' },
      },
      String.raw`certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "b \"1\"")`,
    ],
    [
      {
        code: 'tls.expired',
        host: 'reg.test',
        subject: '',
        notAfter: '2026-11-19T01:08:48.000Z',
        now: '2026-11-21T01:46:01.123Z',
      },
      'certificate has expired or is not yet valid: current time 2026-11-21T01:46:01Z is after 2026-11-19T01:08:48Z',
    ],
    [
      { code: 'tls.wrong_name', host: 'tls-wrong-host.lab.test', names: ['elsewhere.example'], commonNameOnly: false },
      'certificate is valid for elsewhere.example, not tls-wrong-host.lab.test',
    ],
  ])('%j', (fault, errorText) => {
    expect(transport(version, fault)).toBe(does + x509 + errorText);
  });

  test('a time-out of the dial, which carries a code in some versions', () => {
    const errorText = `${does}dial tcp 127.1.255.99:443: i/o timeout`;
    const coded = version === '1.7.34' || version === '2.3.4';
    expect(transport(version, { code: 'tcp.timed_out', address: '127.1.255.99', port: 443, afterMs: 30_000 })).toBe(
      coded ? `rpc error: code = DeadlineExceeded desc = ${errorText}` : errorText,
    );
  });

  test('the namespace of a mirror is hidden in transport errors, but in 1.6', () => {
    const asking = { method: 'HEAD', url: new URL('https://mirror.test/v2/team/app/manifests/v1?ns=reg.test') };
    const shown = urlError(asking, { code: 'tcp.refused', address: '127.1.255.1', port: 443 }, engine(version));
    const ns = version === '1.6.20' ? 'reg.test' : '%5BREDACTED%5D';
    expect(shown).toBe(
      `Head "https://mirror.test/v2/team/app/manifests/v1?ns=${ns}": dial tcp 127.1.255.1:443: connect: connection refused`,
    );
  });

  test('a status of HEAD', () => {
    const answer = { status: 500, authority: 'reg.test', path: 'manifests v1', message: '' };
    expect(resolveStatusText(head, answer, engine(version)).text).toBe(
      version === '1.6.20'
        ? 'pulling from host reg.test failed with status code [manifests v1]: 500 Internal Server Error'
        : 'unexpected status from HEAD request to https://reg.test/v2/team/app/manifests/v1: 500 Internal Server Error',
    );
  });

  test('a status of GET, with what the server says', () => {
    const message = 'toomanyrequests: You have reached your pull rate limit.';
    const logged = fetchStatusText(
      { method: 'GET', url: blob },
      { status: 429, requested: blob, message },
      engine(version),
    ).text;
    expect(logged).toBe(
      version.startsWith('1.')
        ? `unexpected status code ${blob.href}: 429 Too Many Requests - Server message: ${message}`
        : `unexpected status from GET request to ${blob.href}: 429 Too Many Requests\n${message}`,
    );
  });

  test('a status of a token service', () => {
    const url = new URL('https://reg.test/token?scope=repository%3Ateam%2Fapp%3Apull&service=reg.test');
    expect(tokenStatusText({ method: 'GET', url }, 403, engine(version))).toBe(
      version === '1.6.20'
        ? 'unexpected status: 403 Forbidden'
        : `unexpected status from GET request to ${url.href}: 403 Forbidden`,
    );
  });

  test('a redirected GET names the first place in 1.x and the last in 2.1', () => {
    const at = new URL('https://cdn.test/blob?sig=secret');
    const logged = fetchStatusText(
      { method: 'GET', url: at },
      { status: 403, requested: blob, message: '' },
      engine(version),
    ).text;
    expect(logged).toContain(version.startsWith('1.') ? 'https://reg.test/' : 'https://cdn.test/blob');
    expect(logged).not.toContain('secret');
  });
});

describe('queries', () => {
  test.each(['1.6.20', '2.1.9'] as const)(
    'are never shown where they may be capabilities, not even where containerd %s does',
    (version) => {
      const url = new URL('https://cdn.test/x?X-Amz-Signature=abc&sig=def&ns=reg.test');
      for (const shown of [
        urlError(
          { method: 'GET', url },
          { code: 'tcp.closed', address: '', port: 1, failurePoint: 'response' },
          engine(version),
        ),
        requestFailed({ method: 'GET', url }, 'stopped after 10 redirects', engine(version)),
        resolveStatusText(
          { method: 'GET', url },
          { status: 403, authority: '', path: '', message: '' },
          engine('2.1.9'),
        ).text,
        fetchStatusText({ method: 'GET', url }, { status: 403, requested: url, message: '' }, engine(version)).text,
        contentNotFound(url),
      ]) {
        expect(shown).not.toMatch(/abc|def/);
        expect(shown).toContain('sig=%5BREDACTED%5D');
      }
    },
  );

  test('the namespace is shown in statuses', () => {
    expect(contentNotFound(new URL('https://m.test/v2/a/manifests/x?ns=reg.test'))).toBe(
      'content at https://m.test/v2/a/manifests/x?ns=reg.test not found: not found',
    );
  });

  test('a password in a URL is not shown', () => {
    const url = new URL('https://user:password@cdn.test/x');
    expect(
      urlError({ method: 'GET', url }, { code: 'tls.timed_out', host: '', afterMs: 1 }, engine('2.1.9')),
    ).not.toContain('password');
  });
});

describe('wrapping', () => {
  test('codes other than Unknown stay in front', () => {
    expect(criError({ text: 'x', code: 'NotFound' })).toBe('rpc error: code = NotFound desc = x');
    expect(criError({ text: 'x' })).toBe('x');
  });

  test('what failed to open and what failed otherwise', () => {
    expect(openFailed(ref, { text: 'x' }).text).toBe(
      'failed to pull and unpack image "reg.test/team/app:v1": failed to copy: httpReadSeeker: failed open: x',
    );
    expect(pullFailed(ref, { text: 'x', code: 'NotFound' })).toEqual({
      text: 'failed to pull and unpack image "reg.test/team/app:v1": x',
      code: 'NotFound',
    });
  });

  test.each([
    [['a'], 'a'],
    [['a', 'a'], 'a'],
    [['a', 'b'], '[a, b]'],
    [['a', 'b', 'a'], '[a, b]'],
    [[], '[]'],
  ])('the errors %j of several credentials are %j', (texts, expected) => {
    expect(aggregate(texts)).toBe(expected);
  });
});

test.each([
  [418, "418 I'm a teapot"],
  [599, '599'],
  [200, '200'],
])('status %s is written %j', (status, line) => {
  expect(tokenStatusText(head, status, engine('1.6.20'))).toBe(`unexpected status: ${line}`);
});
