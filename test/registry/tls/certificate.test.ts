import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namesIn } from '#registry/tls/alternative-names.ts';
import { inARow, wrongName } from '#registry/tls/certificate.ts';
import { authority, leaf } from '../../kit/certificates.ts';

async function with_(names: readonly string[], ips: readonly string[] = []): Promise<X509Certificate> {
  return new X509Certificate((await leaf({ names, ips, by: await authority() })).cert);
}

/** Go's crypto/x509 verify_test.go matchHostnamesTests, and its rules for what is no host name. */
describe('a certificate for', () => {
  it.each([
    ['a.b.c', 'a.b.c', true],
    ['a.b.c', 'A.b.C', true],
    ['A.B.C', 'a.b.c', true],
    ['a.b.c', 'b.b.c', false],
    ['*.b.c', 'a.b.c', true],
    ['*.b.c', 'a.b.c.', true],
    ['a.b.c', 'a.b.c.', true],
    ['*.b.c', 'a.a.b.c', false],
    ['*.b.c', 'b.c', false],
    ['a.*.c', 'a.b.c', false],
    ['a*.b.c', 'ab.b.c', false],
    ['*', 'a', false],
    ['_x.b.c', '_x.b.c', true],
    ['a.b.c', 'a.b.c..', false],
    ['a:b', 'a:b', true],
    ['A/b', 'a/B', true],
    ['-x.b.c', '-x.b.c', true],
    ['*.-.c', 'a.-.c', false],
    ['a.b.c', '', false],
  ])('%s serves %s: %s', async (pattern, host, fits) => {
    expect(wrongName(await with_([pattern]), host) === undefined).toBe(fits);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['127.0.0.1', '::ffff:127.0.0.1', true],
    ['2001:db8::1', '2001:DB8:0:0::1', true],
    ['2001:db8::1', '[2001:db8::1]', true],
    ['2001:db8::1', '2001:db8::2', false],
  ])('the address %s serves %s: %s', async (ip, host, fits) => {
    expect(wrongName(await with_([], [ip]), host) === undefined).toBe(fits);
  });

  it('addresses names them where an address was wanted, and names where a name was', async () => {
    const both = await with_(['a.example'], ['192.0.2.1']);
    expect(wrongName(both, '192.0.2.9')?.names).toEqual(['192.0.2.1']);
    expect(wrongName(both, 'b.example')?.names).toEqual(['a.example']);
  });

  it('a missing subject alternative name is reported only where the common name matches', async () => {
    const old = new X509Certificate((await leaf({ names: ['reg.example'], commonNameOnly: true })).cert);
    expect(wrongName(old, 'reg.example')).toEqual({ names: [], commonNameOnly: true });
    expect(wrongName(old, 'other.example')).toEqual({ names: [], commonNameOnly: false });
  });
});

describe('alternative names as Node writes them', () => {
  it.each([
    ['DNS:a.example, DNS:*.b.example, IP Address:192.0.2.1', ['a.example', '*.b.example'], ['192.0.2.1']],
    ['IP Address:2001:DB8:0:0:0:0:0:1', [], ['2001:db8::1']],
    ['DNS:"a, DNS:evil.example", DNS:b.example', ['a, DNS:evil.example', 'b.example'], []],
    ['DNS:"broken, DNS:b', ['"broken', 'b'], []],
    ['email:x@y, URI:http://z, DNS:a', ['a'], []],
    ['', [], []],
  ])('%s', (text, dns, ips) => {
    expect(namesIn(text)).toEqual({ dns, ips });
  });

  it('are read to an end whatever they hold', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { dns, ips } = namesIn(text);
        expect([...dns, ...ips].join('').length).toBeLessThanOrEqual(text.length * 10 + 50);
      }),
    );
  });
});

it('a name is written in a row, the last attribute first', () => {
  expect(inARow('C=DE\nO=Example\nCN=reg.example')).toBe('CN=reg.example,O=Example,C=DE');
});
