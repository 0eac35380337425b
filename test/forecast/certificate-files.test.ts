/** Certificates in files of the node, and connections that are trusted by luck. */
import { describe, expect, test } from 'vitest';
import { Secret } from '#report/secret.ts';
import type { ChainLuck, TlsFacts } from '#report/rehearsal.ts';
import type { TlsRule } from '#node/view.ts';
import { exchange } from '../kit/exchanges.ts';
import { predicted, session, onDay, type FactsSketch } from '../kit/foreseen.ts';
import { plain } from '../kit/stage.ts';

const day = 86_400;
const certificate = (from: number, to: number) => ({ subject: 'CN=node', notBefore: onDay(from), notAfter: onDay(to) });
const rule = (over: Partial<TlsRule>): TlsRule => ({ verify: true, extraRoots: [], clients: [], ...over });
const client = (from: number, to: number): FactsSketch => {
  const pair = { certPath: '/etc/node.cert', cert: '', key: new Secret(''), certificate: certificate(from, to) };
  return { server: { tls: rule({ clients: [pair] }) } };
};
const ca = (...ends: readonly number[]): TlsRule => {
  const certificates = ends.map((to) => certificate(-300, to));
  return rule({ extraRoots: [{ path: '/etc/ca.crt', pem: '', certificates }] });
};

describe('a client certificate', () => {
  test.each([
    [13, 'likely'],
    [0.1, 'certain'],
  ] as const)('that ends in %d days', (left, likelihood) => {
    expect(predicted('certificate-file-expires', client(-300, left))).toMatchObject([
      { about: '/etc/node.cert', fault: 'tls.client_rejected', likelihood, withinS: left * day },
    ]);
  });

  test.each([
    ['has time', -300, 15],
    ['has ended, and the pull went well: nobody asks for it', -300, -1],
    ['lives a day and has half of it', -0.5, 0.5],
    ['has no dates', NaN, 5],
  ])('that %s', (_, from, to) => {
    if (Number.isNaN(from)) {
      const pair = { certPath: '/etc/node.cert', cert: '', key: new Secret('') };
      expect(predicted('certificate-file-expires', { server: { tls: rule({ clients: [pair] }) } })).toEqual([]);
    } else expect(predicted('certificate-file-expires', client(from, to))).toEqual([]);
  });
});

describe('a ca file of a mirror that was not asked', () => {
  const found = (tls: TlsRule) =>
    predicted('certificate-file-expires', { mirrors: [plain('mirror.test', { url: 'https://mirror.test', tls })] });

  test('whose certificates all end soon', () => {
    expect(found(ca(3, 20))).toMatchObject([
      { about: '/etc/ca.crt', fault: 'tls.expired', likelihood: 'possible', withinS: 20 * day },
    ]);
  });

  test('whose certificates ended', () => {
    expect(found(ca(-2))).toMatchObject([{ withinS: 0 }]);
    expect(found(ca(-2))[0]?.because).toContain('ended on');
  });

  test('of which one stays', () => {
    expect(found(ca(3, 300))).toEqual([]);
  });

  test('that is not used: nobody verifies', () => {
    expect(found({ ...ca(3), verify: false })).toEqual([]);
  });

  test('whose dates nobody read', () => {
    expect(found(rule({ extraRoots: [{ path: '/etc/ca.crt', pem: '' }] }))).toEqual([]);
  });
});

test('a ca file of a host that was greeted is told of by the handshake, which knows what it needed', () => {
  const exchanges = [exchange('resolve', 'https://reg.test/', { steps: session('reg.test', {}) })];
  expect(predicted('certificate-file-expires', { server: { tls: ca(3) }, exchanges })).toEqual([]);
});

describe('luck', () => {
  const found = (luck: ChainLuck | undefined, over: Partial<TlsFacts> = {}) => {
    const steps = session('reg.test', { ...over, ...(luck === undefined ? {} : { luck }) });
    return predicted('certificate-by-luck', { exchanges: [exchange('resolve', 'https://reg.test/', { steps })] });
  };

  test('is an intermediate that only a file of the node holds', () => {
    const luck = { is: 'intermediate_not_sent', subject: 'CN=E5', file: '/etc/ca.crt' } as const;
    const leaf = { fingerprint: '0', notBefore: onDay(-60), notAfter: onDay(30) };
    expect(found(luck, { leaf })).toMatchObject([
      { fault: 'tls.untrusted', likelihood: 'possible', effect: 'fails', withinS: 30 * day },
    ]);
  });

  test('of what nobody verifies cannot be told', () => {
    const forecasts = found({ is: 'unverified', fault: 'tls.expired' }, { verified: false });
    expect(forecasts).toMatchObject([{ fault: 'tls.expired', likelihood: 'unknown' }]);
    expect(forecasts[0]?.because).toBe(
      'nobody verifies the certificate of reg.test (skip_verify); it would be refused (tls.expired)',
    );
  });

  test('is none where all is in order', () => {
    expect(found(undefined)).toEqual([]);
  });
});
