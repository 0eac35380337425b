import { describe, expect, it } from 'vitest';
import { judgeNameServers, judgePinned } from '#registry/dns/check-name-servers.ts';
import { judgeAddresses, judgePath, type PathDependencies } from '#registry/check-addresses.ts';
import { fakeDns } from '../kit/fake-dns.ts';
import { plainTls, resolver, trusting } from '../kit/footing.ts';
import { authority, leaf } from '../kit/certificates.ts';
import { deadPort, listener } from '../kit/silent-listener.ts';
import { tlsServer } from '../kit/tls-server.ts';
import { Secret } from '#report/secret.ts';

const elapsedMs = (): number => performance.now();
const paths: PathDependencies = { resolver, roots: { pems: [] }, now: () => new Date(), elapsedMs };

describe('name servers', () => {
  it('are asked each for itself, also those that the pull did not need', async () => {
    await using good = await fakeDns({ 'reg.example': { is: 'addresses', addresses: ['192.0.2.1', '192.0.2.2'] } });
    await using bad = await fakeDns({ 'reg.example': { is: 'servfail' } });
    const port = await deadPort();
    const servers = [good, bad, { address: '127.0.0.1', port }].map((one) => ({
      address: one.address,
      port: one.port,
    }));
    const judged = await judgeNameServers({ ...resolver, servers }, { host: 'reg.example' }, elapsedMs);
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
    const judged = await judgeNameServers({ ...resolver, servers: [dns] }, { host: 'reg.example' }, elapsedMs);
    expect(judged).toMatchObject([{ outcome: { ok: true, value: { note: '2001:db8::1' } } }]);
  });

  it('are not more than eight', async () => {
    await using dns = await fakeDns({});
    const servers = Array.from({ length: 20 }, () => dns);
    expect(await judgeNameServers({ ...resolver, servers }, { host: 'reg.example' }, elapsedMs)).toHaveLength(8);
  });

  it.each(['127.0.0.1', '::1', 'registry.test', 'Registry.Test.', `${'x'.repeat(64)}.test`, 'a..b'])(
    'are left alone for %s',
    async (host) => {
      await using dns = await fakeDns({});
      expect(await judgeNameServers({ ...resolver, servers: [dns] }, { host }, elapsedMs)).toEqual([]);
      expect(dns.received).toEqual([]);
    },
  );
});

describe('addresses', () => {
  it('are connected to each for itself, and let go', async () => {
    await using server = await listener();
    const at = { host: 'reg.example', port: server.port, addresses: ['127.0.0.1', '127.0.0.2'] };
    expect(await judgeAddresses(at, paths)).toMatchObject([
      { of: 'address', target: `127.0.0.1:${server.port}`, outcome: { ok: true, value: { note: 'connected' } } },
      { of: 'address', target: `127.0.0.2:${server.port}`, outcome: { ok: false, fault: { code: 'tcp.refused' } } },
    ]);
    expect(server.heard()).toBe('');
  });

  it('are not more than eight', async () => {
    const port = await deadPort();
    const addresses = Array.from({ length: 30 }, (_, i) => `127.0.3.${i + 1}`);
    expect(await judgeAddresses({ host: 'reg.example', port, addresses }, paths)).toHaveLength(8);
  });
});

describe('a name that the hosts file answers', () => {
  it('is asked of name servers for what they would say', async () => {
    await using dns = await fakeDns({ 'registry.test': { is: 'addresses', addresses: ['192.0.2.9'] } });
    expect(await judgePinned({ ...resolver, servers: [dns] }, 'registry.test', elapsedMs)).toMatchObject({
      of: 'pinned_name',
      target: `127.0.0.1:${dns.port}`,
      outcome: { ok: true, value: { addresses: ['192.0.2.9'] } },
    });
  });

  it('and that no name server knows is nothing to tell', async () => {
    await using dns = await fakeDns({});
    expect(await judgePinned({ ...resolver, servers: [dns] }, 'registry.test', elapsedMs)).toBeUndefined();
    expect(await judgePinned(resolver, 'registry.test', elapsedMs)).toBeUndefined();
  });

  it.each(['127.0.0.1', 'localhost', 'a.localhost'])('%s is asked of nobody', async (host) => {
    await using dns = await fakeDns({});
    expect(await judgePinned({ ...resolver, servers: [dns] }, host, elapsedMs)).toBeUndefined();
    expect(dns.received).toEqual([]);
  });
});

describe('addresses of a host that speaks TLS', () => {
  it('are greeted each, and one may show a certificate for somebody else', async () => {
    const root = await authority();
    const [right, wrong] = [
      await leaf({ names: ['reg.example'], by: root }),
      await leaf({ names: ['x.example'], by: root }),
    ];
    const port = await deadPort();
    await using one = await tlsServer({ cert: right.chain, key: right.key }, { address: '127.0.0.1', port });
    await using other = await tlsServer({ cert: wrong.chain, key: wrong.key }, { address: '127.0.0.2', port });
    const at = { host: 'reg.example', port, addresses: [one.address, other.address], tls: trusting(root.cert) };
    expect(await judgeAddresses(at, paths)).toMatchObject([
      { target: `127.0.0.1:${port}`, outcome: { ok: true, value: { tls: { subject: 'CN=reg.example,O=Test' } } } },
      { target: `127.0.0.2:${port}`, outcome: { ok: false, fault: { code: 'tls.wrong_name' } } },
    ]);
  });
});

describe('the way that a restart would open', () => {
  const to = { scheme: 'http', host: 'registry.test', tls: plainTls } as const;

  it('directly is tried directly', async () => {
    await using server = await listener();
    const open = await judgePath({ ...to, port: server.port }, { source: 'none' }, paths);
    expect(open).toMatchObject({
      of: 'after_restart',
      host: 'registry.test',
      target: 'directly',
      outcome: { ok: true },
    });
    const closed = await judgePath({ ...to, port: await deadPort() }, { source: 'none' }, paths);
    expect(closed).toMatchObject({ outcome: { ok: false, fault: { code: 'tcp.refused' } } });
  });

  it('through a proxy is tried through it, and its password is not told', async () => {
    const proxy = `http://me:hush@127.0.0.1:${await deadPort()}`;
    const tried = await judgePath({ ...to, port: 80 }, { source: 'unit', http: new Secret(proxy) }, paths);
    expect(tried).toMatchObject({ outcome: { ok: false, fault: { code: 'proxy.unreachable' } } });
    expect(JSON.stringify(tried)).not.toContain('hush');
  });
});
