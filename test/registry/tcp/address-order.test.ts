import { describe, expect, it } from 'vitest';
import { inOrder } from '#registry/tcp/address-order.ts';
import { sorted, type Pair } from '#registry/tcp/rfc6724.ts';

/** Cases of Go's net/addrselect_test.go and of RFC 6724 §10.2. */
describe('addresses of one name', () => {
  it.each<[string, readonly Pair[], readonly string[]]>([
    [
      'without a route come last',
      [
        { address: '2001:db8::1', source: undefined },
        { address: '198.51.100.121', source: '198.51.100.117' },
      ],
      ['198.51.100.121', '2001:db8::1'],
    ],
    [
      'of IPv6 come first where there is a global source',
      [
        { address: '198.51.100.121', source: '198.51.100.117' },
        { address: '2001:db8:1::1', source: '2001:db8:1::2' },
      ],
      ['2001:db8:1::1', '198.51.100.121'],
    ],
    [
      'of a scope that the source has not come later',
      [
        { address: '2001:db8:1::1', source: 'fe80::1' },
        { address: '198.51.100.121', source: '198.51.100.117' },
      ],
      ['198.51.100.121', '2001:db8:1::1'],
    ],
    [
      'by 6to4 come after native IPv6',
      [
        { address: '2002:c633:6401::1', source: '2002:c633:6401::2' },
        { address: '2001:db8:1::1', source: '2001:db8:1::2' },
      ],
      ['2001:db8:1::1', '2002:c633:6401::1'],
    ],
    [
      'by 6to4 come after IPv4 where the source is native',
      [
        { address: '2002:c633:6401::1', source: 'fe80::2' },
        { address: '10.1.2.3', source: '10.1.2.4' },
      ],
      ['10.1.2.3', '2002:c633:6401::1'],
    ],
    [
      'that are unique-local come after IPv4, by their precedence',
      [
        { address: 'fc00::1', source: 'fc00::2' },
        { address: '10.1.2.3', source: '10.1.2.4' },
      ],
      ['10.1.2.3', 'fc00::1'],
    ],
    [
      'of the smaller scope come first',
      [
        { address: '2001:db8:1::1', source: '2001:db8:1::2' },
        { address: 'fe80::1', source: 'fe80::2' },
      ],
      ['fe80::1', '2001:db8:1::1'],
    ],
    [
      'of IPv6 that share more with their source come first',
      [
        { address: '2001:db8:3ffe::1', source: '2001:db8:1::2' },
        { address: '2001:db8:1::1', source: '2001:db8:1::2' },
      ],
      ['2001:db8:1::1', '2001:db8:3ffe::1'],
    ],
    [
      'of IPv4 stay as the server sent them, whatever they share',
      [
        { address: '10.9.9.9', source: '10.1.2.4' },
        { address: '10.1.2.3', source: '10.1.2.4' },
      ],
      ['10.9.9.9', '10.1.2.3'],
    ],
    [
      'that none of them can be reached stay as the server sent them',
      [
        { address: '2001:db8::1', source: undefined },
        { address: '10.1.2.3', source: undefined },
      ],
      ['2001:db8::1', '10.1.2.3'],
    ],
  ])('%s', (_, pairs, expected) => {
    expect(sorted(pairs)).toEqual(expected);
  });

  it('are judged by the sources that this machine has', async () => {
    expect(await inOrder(['127.0.0.2', '127.0.0.1'])).toEqual(['127.0.0.2', '127.0.0.1']);
    expect(await inOrder([])).toEqual([]);
  });
});
