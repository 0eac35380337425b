import { describe, expect, it } from 'vitest';
import type { Asked } from '#registry/wire.ts';
import type { Ask, NetworkSettings } from '#registry/wire.ts';
import { Connections } from '#registry/http/connections.ts';
import { Secret } from '#report/secret.ts';
import { authority, leaf } from '../kit/certificates.ts';
import { fakeProxy, type ProxyManner } from '../kit/fake-proxy.ts';
import { asking, network, plainTls, trusting } from '../kit/footing.ts';
import { deadPort, listener } from '../kit/silent-listener.ts';
import { tlsServer } from '../kit/tls-server.ts';

const root = await authority();
const good = await leaf({ names: ['far.example'], by: root });
const rule = trusting(root.cert);

async function askOnce(grounds: Partial<NetworkSettings>, url: string, with_: Partial<Ask> = {}): Promise<Asked> {
  const connections = new Connections(network(grounds));
  const asked = await connections.ask(asking(url, { tls: rule, ...with_ }));
  await connections.close();
  return asked;
}

function through(proxy: string): Partial<NetworkSettings> {
  return { proxy: { https: new Secret(proxy), http: new Secret(proxy), source: 'test' } };
}

function shapeOf(asked: Asked): readonly string[] {
  return asked.steps.map(({ step, target, outcome }) => `${step} ${target} ${outcome.ok ? 'ok' : outcome.fault.code}`);
}

/** far.example has no address: only the proxy leads there. */
async function behindProxy(
  manner: Omit<ProxyManner, 'to'>,
  path: { readonly url?: string; readonly login?: string; readonly scheme?: string } = {},
) {
  await using server = await tlsServer({ cert: good.chain, key: good.key });
  await using proxy = await fakeProxy({ to: server.port, ...manner });
  const { url = 'https://far.example/v2/', login = '', scheme = 'http' } = path;
  const asked = await askOnce(through(`${scheme}://${login}proxy.test:${proxy.port}`), url);
  return { asked, received: [...proxy.received], shown: `${scheme}://proxy.test:${proxy.port}`, port: proxy.port };
}

describe('a direct way', () => {
  it('has a step for the name, for TCP and for TLS, in order', async () => {
    await using server = await tlsServer({ cert: good.chain, key: good.key });
    const resolver = { ...network().resolver, hosts: { 'far.example': ['127.0.0.1'] } };
    const asked = await askOnce({ resolver }, `https://far.example:${server.port}/v2/`);
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 200 } });
    expect(shapeOf(asked)).toEqual(['dns far.example ok', `tcp far.example:${server.port} ok`, 'tls far.example ok']);
    const starts = asked.steps.map(({ startMs }) => startMs);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  });

  it('ends where the name has no address', async () => {
    const asked = await askOnce({}, 'https://far.example/v2/');
    expect(shapeOf(asked)).toEqual(['dns far.example dns.not_found']);
  });
});

describe('a proxy', () => {
  it('resolves the name, and TLS goes through it to the registry', async () => {
    const { asked, received, shown, port } = await behindProxy({});
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 200 } });
    expect(shapeOf(asked)).toEqual([
      'dns proxy.test ok',
      `tcp proxy.test:${port} ok`,
      'proxy far.example:443 ok',
      'tls far.example ok',
    ]);
    expect(asked.steps[2]?.outcome).toEqual({ ok: true, value: { proxy: shown, status: 200 } });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatch(/^CONNECT far\.example:443 HTTP\/1\.1\r\nHost: far\.example:443\r\n/);
    expect(received[0]).not.toMatch(/authorization/i);
  });

  it('that refuses is quoted', async () => {
    const { asked, shown } = await behindProxy({ refuse: '403 Filtered by policy' });
    const fault = {
      code: 'proxy.refused',
      proxy: shown,
      target: 'far.example:443',
      status: 403,
      reason: 'Filtered by policy',
    };
    expect(asked.outcome).toEqual({ ok: false, fault });
  });

  it('that refuses without a word leaves Go without one too', async () => {
    const { asked } = await behindProxy({ refuse: '503' });
    expect(asked.outcome).toMatchObject({ ok: false, fault: { status: 503, reason: 'unknown status code' } });
  });

  it('gets the user and password it demands, and nobody else does', async () => {
    const { asked, received } = await behindProxy({ demand: 'me:s3cret' }, { login: 'me:s3cret@' });
    expect(asked.outcome.ok).toBe(true);
    expect(received[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from('me:s3cret').toString('base64')}`);
    expect(JSON.stringify(asked)).not.toContain('s3cret');
  });

  it('that wants a password and gets none says 407', async () => {
    const { asked } = await behindProxy({ demand: 'me:s3cret' });
    const fault = { code: 'proxy.refused', status: 407, reason: 'Proxy Authentication Required' };
    expect(asked.outcome).toMatchObject({ ok: false, fault });
  });

  it('that is not there is unreachable, and says why', async () => {
    const port = await deadPort();
    const asked = await askOnce(through(`http://proxy.test:${port}`), 'https://far.example/v2/');
    const cause = { code: 'tcp.refused', address: '127.0.0.1', port };
    const fault = { code: 'proxy.unreachable', proxy: `http://proxy.test:${port}`, cause };
    expect(asked.outcome).toEqual({ ok: false, fault });
  });

  it('that has no address is unreachable too', async () => {
    const asked = await askOnce(through('http://nowhere.test:3128'), 'https://far.example/v2/');
    expect(asked.outcome).toMatchObject({
      ok: false,
      fault: { code: 'proxy.unreachable', cause: { code: 'dns.not_found' } },
    });
  });

  it.each([
    ['closes', { is: 'closes' }, { code: 'tcp.closed' }],
    ['resets', { is: 'resets' }, { code: 'tcp.reset' }],
    ['speaks something else', { is: 'says', bytes: 'SSH-2.0-x\r\n\r\n', then: 'stays' }, { code: 'api.malformed' }],
    ['never ends its head', { is: 'says', bytes: 'x'.repeat(80_000), then: 'stays' }, { code: 'api.malformed' }],
  ] as const)('that %s is unreachable, and says how', async (_, manner, cause) => {
    await using proxy = await listener(manner);
    const asked = await askOnce(through(`http://127.0.0.1:${proxy.port}`), 'https://far.example/v2/');
    expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'proxy.unreachable', cause } });
  });

  it('that says nothing is given up when nobody waits any more', async () => {
    const asker = new AbortController();
    await using server = await tlsServer({ cert: good.chain, key: good.key });
    await using proxy = await fakeProxy({ to: server.port, silent: true });
    const pending = askOnce(through(`http://proxy.test:${proxy.port}`), 'https://far.example/', {
      signal: asker.signal,
    });
    while (proxy.met() === 0) await new Promise(setImmediate);
    asker.abort();
    expect((await pending).outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
  });

  it('for plain HTTP gets the whole URL and no tunnel', async () => {
    await using origin = await listener({
      is: 'says',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      then: 'stays',
    });
    await using proxy = await fakeProxy({ to: origin.port, demand: 'me:s3cret' });
    const url = 'http://far.example/v2/?ns=a';
    const asked = await askOnce(through(`http://me:s3cret@proxy.test:${proxy.port}`), url);
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 200 } });
    expect(asked.steps.map(({ step }) => step)).toEqual(['dns', 'tcp']);
    expect(proxy.received[0]).toMatch(/^GET http:\/\/far\.example\/v2\/\?ns=a HTTP\/1\.1\r\nhost: far\.example\r\n/);
    expect(origin.heard()).toMatch(/proxy-authorization: basic/i);
  });

  it('may want TLS for itself, with the trust that the registry has', async () => {
    const tls = await leaf({ names: ['proxy.test'], by: root });
    const { asked } = await behindProxy({ tls: { cert: tls.chain, key: tls.key } }, { scheme: 'https' });
    expect(asked.outcome.ok).toBe(true);
    expect(asked.steps.map(({ step, target }) => `${step} ${target}`).slice(2)).toEqual([
      'tls proxy.test',
      'proxy far.example:443',
      'tls far.example',
    ]);
  });

  it('whose own certificate is bad is unreachable', async () => {
    const tls = await leaf({ names: ['other.test'], by: root });
    const { asked } = await behindProxy({ tls: { cert: tls.chain, key: tls.key } }, { scheme: 'https' });
    expect(asked.outcome).toMatchObject({
      ok: false,
      fault: { code: 'proxy.unreachable', cause: { code: 'tls.wrong_name' } },
    });
  });

  it('in front of a registry with a bad certificate is not to blame', async () => {
    await using server = await tlsServer({ cert: good.chain, key: good.key });
    await using proxy = await fakeProxy({ to: server.port });
    const asked = await askOnce(through(`http://proxy.test:${proxy.port}`), 'https://far.example/', { tls: plainTls });
    expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
  });
});

describe('a SOCKS 5 proxy', () => {
  it('gets the name and opens the way', async () => {
    const { asked, received, shown } = await behindProxy({ socks: { reply: 0 } }, { scheme: 'socks5' });
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 200 } });
    expect(received).toEqual(['far.example:443']);
    expect(asked.steps[2]?.outcome).toEqual({ ok: true, value: { proxy: shown, status: 0 } });
  });

  it('gets user and password where it asks for them', async () => {
    const socks = { socks: { reply: 0 }, demand: 'me:s3cret' };
    const right = await behindProxy(socks, { scheme: 'socks5', login: 'me:s3cret@' });
    expect(right.asked.outcome.ok).toBe(true);
    const wrong = await behindProxy(socks, { scheme: 'socks5', login: 'me:wrong@' });
    expect(wrong.asked.outcome).toMatchObject({ ok: false, fault: { code: 'proxy.refused' } });
    expect(JSON.stringify(wrong.asked)).toContain('far.example:443: username/password authentication failed');
    const none = await behindProxy(socks, { scheme: 'socks5' });
    expect(JSON.stringify(none.asked)).toContain('far.example:443: no acceptable authentication methods');
  });

  it.each([
    [2, 'unknown error connection not allowed by ruleset'],
    [5, 'unknown error connection refused'],
    [77, 'unknown error unknown code: 77'],
  ])('that answers %d is quoted as Go does', async (reply, why) => {
    const { asked, port } = await behindProxy({ socks: { reply } }, { scheme: 'socks5' });
    const reason = `socks connect tcp 127.0.0.1:${port}->far.example:443: ${why}`;
    expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'proxy.refused', status: reply, reason } });
  });

  it('carries plain HTTP without a trace of itself', async () => {
    await using origin = await listener({ is: 'says', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', then: 'stays' });
    await using proxy = await fakeProxy({ to: origin.port, socks: { reply: 0 } });
    const asked = await askOnce(through(`socks5://proxy.test:${proxy.port}`), 'http://far.example/v2/');
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 204 } });
    expect(origin.heard()).toMatch(/^GET \/v2\/ HTTP\/1\.1\r\nhost: far\.example\r\n/);
  });
});
