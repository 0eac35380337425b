/** Certificates of servers that end. */
import { describe, expect, test } from 'vitest';
import type { CertificateHistory } from '#forecast/history/certificates.ts';
import { noTries } from '#forecast/history/tries.ts';
import type { TlsFacts } from '#report/rehearsal.ts';
import { exchange, good } from '../../kit/exchanges.ts';
import { dayMs, predicted, session, noon, onDay, type FactsSketch } from '../../kit/foreseen.ts';
import { plain } from '../../kit/stage.ts';

const day = 86_400;
const resolving = (tls: Partial<TlsFacts>, host = 'reg.test') =>
  exchange('resolve', `https://${host}/v2/`, { steps: session(host, tls) });
const found = (tls: Partial<TlsFacts>, sketch: FactsSketch = {}) =>
  predicted('certificate-expires', { exchanges: [resolving(tls)], ...sketch });

/** A certificate that lives so many days and has so many left. */
const living = (lives: number, left: number): Partial<TlsFacts> => ({
  notAfter: onDay(left),
  leaf: { fingerprint: '0123456789abcdef', notBefore: onDay(left - lives), notAfter: onDay(left) },
});
/** A host whose certificates were renewed with so many days left. */
const renewing = (...daysLeft: readonly number[]): FactsSketch => {
  const certificate: CertificateHistory = {
    fingerprint: '0123456789abcdef',
    issuer: 'CN=x',
    notBeforeMs: noon.getTime() - 10 * dayMs,
    notAfterMs: noon.getTime() + 10 * dayMs,
    sinceMs: noon.getTime() - 10 * dayMs,
    renewedWithS: daysLeft.map((left) => left * day),
  };
  const host = { firstMs: 0, seenMs: 0, addresses: {}, dialsMs: [], requests: noTries, v4: noTries, v6: noTries };
  return { history: { hosts: { 'reg.test': { ...host, certificate } } } };
};

describe('how soon', () => {
  test.each([
    [onDay(3), 3 * day, 'likely'],
    [onDay(13.9), 13.9 * day, 'likely'],
    [onDay(6 / 24), 0.25 * day, 'likely'],
    [onDay(5.99 / 24), (5.99 / 24) * day, 'certain'],
    [onDay(0.2), 0.2 * day, 'certain'],
    [onDay(-1), 0, 'certain'],
  ] as const)('%s is near', (notAfter, withinS, likelihood) => {
    expect(found({ notAfter })).toMatchObject([{ fault: 'tls.expired', effect: 'fails', likelihood, withinS }]);
  });

  test.each([onDay(14), onDay(300), 'no date'])('%s is not', (notAfter) => {
    expect(found({ notAfter })).toEqual([]);
  });

  test.each([
    [90, 20, false],
    [90, 13, true],
    [47, 15, false],
    [47, 13, true],
    [6, 2, false],
    [6, 1.5, true],
    [1, 0.5, false],
    [1, 0.2, true],
  ])('of a life of %d days, %d left are late: %s', (lives, left, isLate) => {
    expect(found(living(lives, left))).toHaveLength(isLate ? 1 : 0);
  });
});

describe('whoever was seen to renew', () => {
  test.each([
    ['at the last moment twice, does so again', [3, 3], 4, false],
    ['at the last moment twice, is late after that', [3, 3], 2, true],
    ['at the last moment once, may have been lucky', [3], 4, true],
    ['a month ahead, is late before the fortnight', [30, 30], 20, true],
    ['a month ahead, may take some days more', [30, 30], 25, false],
    ['half a year ahead, is not expected a month ahead', [180, 180], 31, false],
  ] as const)('%s', (_, before, left, isLate) => {
    expect(found(living(90, left), renewing(...before))).toHaveLength(isLate ? 1 : 0);
  });

  test('is told by that', () => {
    expect(found(living(90, 20), renewing(30, 29))[0]?.because).toContain('renewed with at least 29 days left');
  });
});

describe('which certificate', () => {
  test('above the server has a month, and a name', () => {
    const endsWith = { is: 'root', subject: 'CN=Old Root', file: '/etc/ssl/ca.crt' } as const;
    const [forecast] = found({ ...living(90, 29), endsWith });
    expect(forecast?.because).toBe(
      'the root certificate (CN=Old Root in /etc/ssl/ca.crt) behind the certificate of reg.test expires on 2026-04-02 12:00 UTC',
    );
    expect(forecast?.remedy).toContain('next root');
    expect(found({ ...living(90, 31), endsWith })).toEqual([]);
  });

  test('of one of several addresses counts too, and the earliest of them', () => {
    const tls = { version: 'TLSv1.3', subject: 'CN=x', issuer: 'CN=y', notAfter: onDay(2), verified: true };
    const evidence = {
      of: 'address',
      host: 'reg.test',
      target: '10.0.0.2:443',
      ms: 1,
      outcome: good({ note: '', tls }),
    };
    expect(found({ notAfter: onDay(80) }, { evidence: [evidence as never] })).toMatchObject([{ withinS: 2 * day }]);
  });

  test('that nobody verifies may end', () => {
    expect(found({ notAfter: onDay(1), verified: false })).toEqual([]);
  });

  test('of a mirror is a lesser matter: another host would stand in', () => {
    const mirrors = [plain('mirror.test', { url: 'https://mirror.test' })];
    const exchanges = [resolving({ notAfter: onDay(0.1) }, 'mirror.test')];
    const [forecast] = predicted('certificate-expires', { mirrors, exchanges });
    expect(forecast).toMatchObject({ about: 'mirror.test', likelihood: 'possible' });
    expect(forecast?.because).toContain('; reg.test would be used instead');
  });

  test('of a token service has nobody to stand in', () => {
    const mirrors = [plain('mirror.test', { url: 'https://mirror.test' })];
    const exchanges = [exchange('token', 'https://auth.test/token', { steps: session('auth.test', living(90, 3)) })];
    expect(predicted('certificate-expires', { mirrors, exchanges })).toMatchObject([{ likelihood: 'likely' }]);
  });

  test('is one forecast a host, however often it was greeted', () => {
    const exchanges = [resolving({ notAfter: onDay(3) }), resolving({ notAfter: onDay(3) })];
    expect(predicted('certificate-expires', { exchanges })).toHaveLength(1);
  });
});
