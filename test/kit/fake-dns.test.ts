import { Resolver } from 'node:dns/promises';
import { describe, expect, it } from 'vitest';
import { fakeDns, type Zone } from './fake-dns.ts';

/** The fake name server, with another client than drypull's. */
async function resolve(zone: Zone, name: string): Promise<unknown> {
  await using dns = await fakeDns(zone);
  const resolver = new Resolver({ timeout: 100, tries: 1 });
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  return await resolver
    .resolve4(name)
    .catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'x'));
}

describe('the fake name server', () => {
  const addresses = ['192.0.2.1'];
  it.each<[Zone, unknown]>([
    [{ 'a.example': { is: 'addresses', addresses } }, addresses],
    [{ 'a.example A': { is: 'addresses', addresses }, 'a.example': { is: 'nxdomain' } }, addresses],
    [{ 'a.example': { is: 'alias', names: ['b.example'], addresses } }, addresses],
    [{ 'a.example': { is: 'truncated', addresses } }, addresses],
    [{ 'a.example': { is: 'addresses', addresses: ['2001:db8::1'] } }, 'ENODATA'],
    [{}, 'ENOTFOUND'],
    [{ 'a.example': { is: 'servfail' } }, 'ESERVFAIL'],
    [{ 'a.example': { is: 'refused' } }, 'EREFUSED'],
    [{ 'a.example': { is: 'silence' } }, 'ETIMEOUT'],
  ])('says %j', async (zone, expected) => {
    expect(await resolve(zone, 'a.example')).toEqual(expected);
  });

  it('records the queries and their transport', async () => {
    await using dns = await fakeDns({ 'a.example': { is: 'truncated', addresses } });
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${dns.port}`]);
    await resolver.resolve4('a.example');
    expect(dns.received).toEqual([
      { name: 'a.example', type: 'A', over: 'udp' },
      { name: 'a.example', type: 'A', over: 'tcp' },
    ]);
  });
});
