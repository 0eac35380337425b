import { describe, expect, it } from 'vitest';
import { judgeAddresses, judgeNameServers } from '../../src/registry/evidence.ts';
import { fakeDns } from '../kit/fake-dns.ts';
import { resolver } from '../kit/footing.ts';
import { deadPort, listener } from '../kit/silent-listener.ts';

const elapsedMs = (): number => performance.now();

describe('name servers', () => {
  it('are asked each for itself, also those that the pull did not need', async () => {
    await using good = await fakeDns({ 'reg.example': { is: 'addresses', addresses: ['192.0.2.1', '192.0.2.2'] } });
    await using bad = await fakeDns({ 'reg.example': { is: 'servfail' } });
    const port = await deadPort();
    const servers = [good, bad, { address: '127.0.0.1', port }].map((one) => ({
      address: one.address,
      port: one.port,
    }));
    const judged = await judgeNameServers({ ...resolver, servers }, 'reg.example', elapsedMs);
    const of = { of: 'name_server', host: 'reg.example' };
    expect(judged).toMatchObject([
      { ...of, target: `127.0.0.1:${good.port}`, outcome: { ok: true, value: { note: '192.0.2.1, 192.0.2.2' } } },
      { ...of, target: `127.0.0.1:${bad.port}`, outcome: { ok: false, fault: { code: 'dns.server_failed' } } },
      { ...of, target: `127.0.0.1:${port}`, outcome: { ok: false, fault: { code: 'dns.refused' } } },
    ]);
    expect(good.received).toHaveLength(1);
  });

  it('that know an IPv6 address alone are asked once more', async () => {
    await using dns = await fakeDns({ 'reg.example': { is: 'addresses', addresses: ['2001:db8::1'] } });
    const judged = await judgeNameServers({ ...resolver, servers: [dns] }, 'reg.example', elapsedMs);
    expect(judged).toMatchObject([{ outcome: { ok: true, value: { note: '2001:db8::1' } } }]);
  });

  it('are not more than eight', async () => {
    await using dns = await fakeDns({});
    const servers = Array.from({ length: 20 }, () => dns);
    expect(await judgeNameServers({ ...resolver, servers }, 'reg.example', elapsedMs)).toHaveLength(8);
  });

  it.each(['127.0.0.1', '::1', 'registry.test', 'Registry.Test.'])('are left alone for %s', async (host) => {
    await using dns = await fakeDns({});
    expect(await judgeNameServers({ ...resolver, servers: [dns] }, host, elapsedMs)).toEqual([]);
    expect(dns.received).toEqual([]);
  });
});

describe('addresses', () => {
  it('are connected to each for itself, and let go', async () => {
    await using server = await listener();
    const at = { host: 'reg.example', port: server.port, addresses: ['127.0.0.1', '127.0.0.2'] };
    expect(await judgeAddresses(at, elapsedMs)).toMatchObject([
      { of: 'address', target: `127.0.0.1:${server.port}`, outcome: { ok: true, value: { note: 'connected' } } },
      { of: 'address', target: `127.0.0.2:${server.port}`, outcome: { ok: false, fault: { code: 'tcp.refused' } } },
    ]);
    expect(server.heard()).toBe('');
  });

  it('are not more than eight', async () => {
    const port = await deadPort();
    const addresses = Array.from({ length: 30 }, (_, i) => `127.0.3.${i + 1}`);
    expect(await judgeAddresses({ host: 'reg.example', port, addresses }, elapsedMs)).toHaveLength(8);
  });
});
