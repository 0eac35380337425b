/** The open listener over TLS: what it accepts, whom it outlasts, and how it changes its certificate. */
import { once } from 'node:events';
import { get as httpsGet, Agent } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import type { Listening, Pems } from '#output/http/open-listener.ts';
import { listenOpenly } from '#output/http/open-listener.ts';
import { issuer } from '../../kit/certificates.ts';
import { node7, now } from '../../kit/ledger.ts';
import { metricsOver } from '../../kit/metrics.ts';
import { raw } from '../../kit/raw.ts';

const ca = await issuer('Listener Test CA');
const first = await ca.issue({ names: ['first.test', '127.0.0.1'] });
const second = await ca.issue({ names: ['second.test', '127.0.0.1'] });

const open: Listening[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close(0)));
});

function opening(pems: Pems): ReturnType<typeof listenOpenly> {
  const { scrape } = metricsOver(() => node7);
  const source = { ledger: () => node7, now: () => now, version: '0.1.0', scrape, draining: () => false };
  return listenOpenly({ host: '127.0.0.1', port: 0 }, source, pems);
}

async function serving(pems: Pems = first): Promise<Listening> {
  const opened = await opening(pems);
  if (!opened.ok) throw new Error(opened.why);
  open.push(opened.value);
  return opened.value;
}

async function session({ port }: Listening, over: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: ca.cert, ...over });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return socket;
}

/** The name in the certificate that is shown. */
const shown = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;

function read(url: string, agent?: Agent): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    httpsGet(url, { ca: ca.cert, ...(agent === undefined ? {} : { agent }) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    }).on('error', reject);
  });
}

describe('the open listener over TLS', () => {
  test('says https, and answers', async () => {
    const { url } = await serving();
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await read(`${url}livez`)).toEqual({ status: 200, text: 'ok\n' });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken', async (version) => {
    const socket = await session(await serving(), { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    socket.destroy();
  });

  test('what is older than TLS 1.2 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(session(await serving(), old)).rejects.toThrow(/alert protocol version/);
  });

  test('a reader in the clear is not answered in the clear', async () => {
    expect(await raw(await serving(), 'GET /reports HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
  });

  test.each<[string, Pems, string]>([
    ['a key that belongs to another certificate', { cert: first.cert, key: second.key }, 'do not belong together'],
    ['a certificate that is none', { cert: 'c4n4ry', key: first.key }, 'the certificate is not PEM'],
    ['a certificate cut in half', { cert: first.cert.slice(0, 200), key: first.key }, 'the certificate is not PEM'],
    ['an empty key', { cert: first.cert, key: '' }, 'the key is not PEM'],
    ['the key in the place of the certificate', { cert: first.key, key: first.key }, 'the certificate is not PEM'],
    ['the certificate in the place of the key', { cert: first.cert, key: first.cert }, 'the key is not PEM'],
    ['a file without end', { cert: first.cert, key: 'k'.repeat(300_000) }, 'longer than'],
  ])('%s does not open it, and a running one goes on with what it had', async (_, pems, why) => {
    const opened = await opening(pems);
    expect(opened).toEqual({ ok: false, why: expect.stringContaining(why) as string });
    expect(JSON.stringify(opened)).not.toContain('c4n4ry');
    const listening = await serving();
    expect(listening.renew?.(pems)).toContain(why);
    const socket = await session(listening);
    expect(shown(socket)).toBe('first.test');
    socket.destroy();
  });

  test('a new certificate is shown to whoever comes next, and the connections that are open stay', async () => {
    const listening = await serving();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await read(`${listening.url}livez`, agent);
    const before = await session(listening);
    expect(listening.renew?.(second)).toBeUndefined();
    const after = await session(listening);
    expect([shown(before), shown(after)]).toEqual(['first.test', 'second.test']);
    expect(await read(`${listening.url}livez`, agent)).toMatchObject({ status: 200 });
    before.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const answered: unknown[] = await once(before, 'data');
    expect(String(answered[0])).toMatch(/^HTTP\/1\.1 200 /);
    await expect(session(listening, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow();
    after.destroy();
    agent.destroy();
  });
});

describe('a client over TLS that means ill', () => {
  const asked = async (sent: string): Promise<string> => {
    const socket = await session(await serving());
    let got = '';
    socket.on('data', (part: Buffer) => (got += part.toString()));
    socket.write(sent);
    await once(socket, 'close');
    return got;
  };

  test('gets 431 for headers without end', async () => {
    expect(await asked(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('gets 414 for an address without end', async () => {
    const address = `/reports/${'a'.repeat(5000)}`;
    expect(await asked(`GET ${address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 414 /);
  });

  test('gets 400 for garbage', async () => {
    expect(await asked('\u0016\u0003\u0001 hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('is cut off when its headers drip', { timeout: 20_000 }, async () => {
    const socket = await session(await serving());
    const drip = setInterval(() => socket.write('X'), 500);
    socket.write('GET / HTTP/1.1\r\nX: ');
    const answered: unknown[] = await once(socket, 'data');
    clearInterval(drip);
    expect(String(answered[0])).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('is cut off when it does not come to an end with its greeting', { timeout: 20_000 }, async () => {
    const { port } = await serving();
    const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    socket.resume();
    socket.write(Buffer.from([0x16, 0x03, 0x01]));
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });

  test('does not keep the listener from ending, even without a greeting', async () => {
    const listening = await serving();
    const socket = connectTcp(listening.port, '127.0.0.1').on('error', () => undefined);
    const closed = once(socket, 'close');
    await once(socket, 'connect');
    // Served after the silent one was accepted.
    await read(`${listening.url}livez`);
    await listening.close(10);
    await closed;
    await expect(read(`${listening.url}livez`)).rejects.toThrow();
  });

  test('finds the door shut once too many of its like are in, and the next finds it open when they have left', async () => {
    const listening = await serving();
    const many = await Promise.all(
      Array.from({ length: 128 }, async () => {
        const socket = connectTcp(listening.port, '127.0.0.1').on('error', () => undefined);
        await once(socket, 'connect');
        return socket;
      }),
    );
    await expect(read(`${listening.url}livez`)).rejects.toThrow();
    const left = many.map((socket) => once(socket, 'close'));
    for (const socket of many) socket.resume().end();
    await Promise.all(left);
    expect(await read(`${listening.url}livez`)).toMatchObject({ status: 200 });
  });
});
