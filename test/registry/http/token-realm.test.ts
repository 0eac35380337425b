import { describe, expect, test } from 'vitest';
import { inwardAddress } from '#registry/http/token-realm.ts';

const metadata = 'a link-local address, where metadata services live';
const loopback = 'a loopback address, while the registry does not';

describe('the addresses that a name in an answer resolves to', () => {
  test.each([
    ['169.254.169.254', metadata],
    ['fe80::1%eth0', metadata],
    ['fd00:ec2::254', metadata],
    ['fd20:ce::254', metadata],
    ['100.100.100.200', metadata],
    ['::ffff:169.254.169.254', metadata],
    ['64:ff9b::a9fe:a9fe', metadata],
    ['127.0.0.1', loopback],
    ['127.8.9.10', loopback],
    ['0.0.0.0', loopback],
    ['::1', loopback],
    ['::', loopback],
    ['64:ff9b::7f00:1', loopback],
    ['192.0.2.7', 'an address of this node, while the registry does not'],
    ['2001:db8::7', 'an address of this node, while the registry does not'],
  ])('%s is refused', (address, why) => {
    const own = ['192.0.2.7', '2001:db8::7'];
    expect(inwardAddress({ addresses: ['203.0.113.1', address], registry: ['203.0.113.9'], own })).toBe(
      `it resolves to ${address}, ${why}`,
    );
  });

  test.each(['203.0.113.1', '10.0.0.1', '2001:db8::1', '64:ff9b::cb00:7101', '100.64.0.1', 'fd00::1'])(
    '%s is not refused',
    (address) => {
      expect(inwardAddress({ addresses: [address], registry: ['203.0.113.9'], own: ['192.0.2.7'] })).toBeUndefined();
    },
  );

  test('where the registry is itself, a name in its answer may lead', () => {
    const allowed = (address: string, registry: string): boolean =>
      inwardAddress({ addresses: [address], registry: [registry], own: ['192.0.2.7', '192.0.2.8'] }) === undefined;
    expect(allowed('127.0.0.1', '::1')).toBe(true);
    expect(allowed('169.254.1.1', '169.254.2.2')).toBe(true);
    expect(allowed('192.0.2.7', '192.0.2.8')).toBe(true);
    expect(allowed('169.254.1.1', '127.0.0.1')).toBe(false);
    expect(allowed('192.0.2.7', '127.0.0.1')).toBe(true);
    expect(allowed('127.0.0.1', '192.0.2.8')).toBe(true);
    expect(allowed('127.0.0.1', '169.254.1.1')).toBe(false);
  });
});
