import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, isLoopback, isV4, parseAddress, parseNetwork, sameAddress, splitHostPort } from '#go/ip.ts';

const hexOf = (text: string): string | undefined =>
  parseAddress(text)
    ?.map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
const v4 = '00000000000000000000ffff';

describe('an address is read as in Go (net ParseIP, ip_test.go)', () => {
  test.each([
    ['127.0.0.1', `${v4}7f000001`],
    ['0.0.0.0', `${v4}00000000`],
    ['255.255.255.255', `${v4}ffffffff`],
    ['::', '0'.repeat(32)],
    ['::1', '1'.padStart(32, '0')],
    ['1::', '0001'.padEnd(32, '0')],
    ['2001:db8::a:B', '20010db80000000000000000000a000b'],
    ['::ffff:10.0.0.1', `${v4}0a000001`],
    ['::10.0.0.1', '0a000001'.padStart(32, '0')],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:1.2.3.4', '00010002000300040005000601020304'],
    ['1::3:4:5:6:7:8', '00010000000300040005000600070008'],
    ['::2:3:4:5:6:7:8', '00000002000300040005000600070008'],
    ['', undefined],
    ['1', undefined],
    ['1.2.3', undefined],
    ['1.2.3.4.5', undefined],
    ['1.2.3.256', undefined],
    ['1.2.3.04', undefined],
    ['1.2.3.', undefined],
    ['1.2.3.-4', undefined],
    [' 1.2.3.4', undefined],
    ['0x7f.0.0.1', undefined],
    [':', undefined],
    [':1', undefined],
    ['1:', undefined],
    [':::', undefined],
    ['1:2', undefined],
    ['1::2::3', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1:2:3:4:5:6:7::8', undefined],
    ['12345::', undefined],
    ['g::', undefined],
    ['fe80::1%eth0', undefined],
    ['[::1]', undefined],
    ['1.2.3.4::', undefined],
    ['::1.2.3.4:5', undefined],
    ['::1.2.3', undefined],
  ])('%s', (text, hex) => {
    expect(hexOf(text)).toBe(hex);
  });

  test('loopback is 127.0.0.0/8 and ::1', () => {
    const loopback = (text: string): boolean => isLoopback(parseAddress(text) ?? []);
    expect(['127.0.0.1', '127.255.0.9', '::1', '::ffff:127.0.0.1'].every(loopback)).toBe(true);
    expect(['126.0.0.1', '128.0.0.1', '::', '::2', '1::1'].some(loopback)).toBe(false);
  });
});

describe('a network holds addresses as in Go (net ParseCIDR, IPNet.Contains)', () => {
  test.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.9.9.9/8', '10.1.1.1', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:10.1.1.1', true],
    ['10.0.0.4/30', '10.0.0.7', true],
    ['10.0.0.4/30', '10.0.0.8', false],
    ['10.0.0.1/32', '10.0.0.1', true],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '::1', true],
    ['::/0', '8.8.8.8', false],
    ['::ffff:10.0.0.0/104', '10.1.1.1', true],
    ['2001:db8::/33', '2001:db8:7fff::1', true],
    ['2001:db8::/33', '2001:db8:8000::1', false],
    ['10.0.0.0/33', '10.0.0.0', undefined],
    ['::/129', '::', undefined],
    ['10.0.0.0', '10.0.0.0', undefined],
    ['10.0.0.0/', '10.0.0.0', undefined],
    ['10.0.0.0/-1', '10.0.0.0', undefined],
    ['10.0.0.0/a', '10.0.0.0', undefined],
    ['10.0.0.0/255.0.0.0', '10.0.0.0', undefined],
    ['10.0/8', '10.0.0.0', undefined],
  ])('%s %s', (cidr, text, expected) => {
    const network = parseNetwork(cidr);
    const address = parseAddress(text) ?? [];
    expect(network === undefined ? undefined : contains(network, address)).toBe(expected);
  });
});

describe('host and port part as in Go (net SplitHostPort)', () => {
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

test('every address reads back from its dotted or grouped form', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV6(), (four, six) => {
      expect(isV4(parseAddress(four) ?? [])).toBe(true);
      const address = parseAddress(six);
      expect(address).toHaveLength(16);
      expect(sameAddress(address ?? [], parseAddress(six.toUpperCase()) ?? [])).toBe(true);
    }),
  );
});

test('reading never throws', () => {
  const near = fc.array(fc.constantFrom('1', ':', '::', '.', '255', 'f', '/', '[', ']', '%'), { maxLength: 12 });
  fc.assert(
    fc.property(near, (parts) => {
      const text = parts.join('');
      parseNetwork(text);
      splitHostPort(text);
      expect([undefined, 16]).toContain(parseAddress(text)?.length);
    }),
  );
});
