/** The agent with TLS and a doorkeeper: what it does when files change, and what it says. */
import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { runAgent } from '#agent/agent.ts';
import type { Pair } from '#agent/listener-certificate.ts';
import type { Pems } from '#output/http/open-listener.ts';
import { outsideOf, ownTime, pulls, logged, started } from '../kit/agent.ts';
import { authority } from '../kit/authority.ts';

ownTime();
const ca = await authority('Agent Test CA');
const first = await ca.issue({ names: ['first.test', '127.0.0.1'] });
const second = await ca.issue({ names: ['second.test', '127.0.0.1'] });

function renewals(): { readonly changes: AsyncIterable<Pair>; readonly push: (pair: Pair) => Promise<void> } {
  const waiting: Pair[] = [];
  let wake: () => void = () => undefined;
  async function* changes(): AsyncGenerator<Pair> {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  const push = async (pair: Pair): Promise<void> => {
    waiting.push(pair);
    wake();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { changes: changes(), push };
}

async function connected(url: string): Promise<TLSSocket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', ca: ca.cert });
  await once(socket, 'secureConnect');
  return socket;
}

async function shown(url: string): Promise<unknown> {
  const socket = await connected(url);
  const name: unknown = socket.getPeerCertificate().subject.CN;
  socket.destroy();
  return name;
}

async function asked(url: string, path: string): Promise<string> {
  const socket = await connected(url);
  let got = '';
  socket.on('data', (part: Buffer) => (got += part.toString()));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return got;
}

const pairOf = ({ cert, key }: Pems): Pair => ({ ok: true, pems: { cert, key } });

describe('an agent behind TLS', () => {
  test('takes a new certificate, and counts it', async () => {
    const { changes, push } = renewals();
    const agent = await started('images: [r/a]', pulls, { pair: { first, changes } });
    expect(await shown(agent.url)).toBe('first.test');
    await push(pairOf(second));
    expect(await shown(agent.url)).toBe('second.test');
    expect(logged(agent.lines, "the listener's certificate is renewed")).toHaveLength(1);
    const scraped = await asked(agent.url, '/metrics');
    expect(scraped).toContain('drypull_listener_certificate_reloads_total{outcome="ok"} 1');
    await agent.stop();
  });

  test.each<[string, Pair, string]>([
    ['half a pair', { ok: true, pems: { cert: second.cert, key: first.key } }, 'do not belong together'],
    ['a file that cannot be read', { ok: false, why: 'listenTlsKey /k cannot be read: there is no such file' }, '/k'],
  ])('goes on with the old one at %s, says so and counts it', async (_, pair, why) => {
    const { changes, push } = renewals();
    const agent = await started('images: [r/a]', pulls, { pair: { first, changes } });
    await push(pair);
    expect(await shown(agent.url)).toBe('first.test');
    const lines = logged(agent.lines, "the listener's new certificate is refused: going on with the old one");
    expect(lines).toMatchObject([{ level: 'error', why: expect.stringContaining(why) as string }]);
    const scraped = await asked(agent.url, '/metrics');
    expect(scraped).toContain('drypull_listener_certificate_reloads_total{outcome="refused"} 1');
    await push(pairOf(second));
    expect(await shown(agent.url)).toBe('second.test');
    expect(agent.lines.join('\n')).not.toContain('PRIVATE KEY');
    await agent.stop();
  });

  test('does not start with a pair that does not match', async () => {
    const { changes } = renewals();
    const pair = { first: { cert: second.cert, key: first.key }, changes };
    const ended = await runAgent({ ...outsideOf('images: []'), pair });
    expect(ended).toEqual({
      ok: false,
      why: 'cannot listen over TLS: the certificate and the key do not belong together',
    });
  });
});

describe('an agent with a doorkeeper', () => {
  const message = 'readers show their tokens in the clear: give the listener a certificate (listenTlsCert)';

  test('lets nobody read whom he does not admit, and warns of tokens in the clear', async () => {
    const admit = (): Promise<{ is: 'unauthenticated' }> => Promise.resolve({ is: 'unauthenticated' });
    const agent = await started('images: [r/a]', pulls, { admit });
    expect((await agent.get('/reports')).status).toBe(401);
    expect((await agent.get('/livez')).status).toBe(200);
    expect(logged(agent.lines, message)).toHaveLength(1);
    await agent.stop();
  });

  test('has nothing to warn of behind TLS', async () => {
    const admit = (): Promise<{ is: 'admitted' }> => Promise.resolve({ is: 'admitted' });
    const agent = await started('images: [r/a]', pulls, { admit, pair: { first, changes: renewals().changes } });
    expect(await asked(agent.url, '/reports')).toMatch(/^HTTP\/1\.1 200 /);
    expect(logged(agent.lines, message)).toEqual([]);
    await agent.stop();
  });
});
