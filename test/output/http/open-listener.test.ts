import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Ledger } from '#report/ledger.ts';
import type { Listening, OpenListener } from '#output/http/open-listener.ts';
import { listenOpenly } from '#output/http/open-listener.ts';
import { entry, ledgerOf, node7, now, reports, startingLedger } from '../../kit/ledger.ts';
import { metricsOver } from '../../kit/metrics.ts';
import { raw } from '../../kit/raw.ts';

const open: Listening[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close(0)));
});
const local = { host: '127.0.0.1', port: 0 };

async function reading(ledger: Ledger, over: Partial<OpenListener> = {}): Promise<Listening> {
  const { scrape } = metricsOver(() => ledger);
  const opened = await listenOpenly(local, {
    ledger: () => ledger,
    now: () => now,
    version: '0.1.0',
    scrape,
    draining: () => false,
    ...over,
  });
  if (!opened.ok) throw new Error(opened.why);
  open.push(opened.value);
  return opened.value;
}

describe('the open listener', () => {
  test.each<[string, number, string]>([
    ['/', 200, 'text/html; charset=utf-8'],
    ['/?refresh=30', 200, 'text/html; charset=utf-8'],
    ['/metrics', 200, 'text/plain; version=0.0.4; charset=utf-8'],
    ['/livez', 200, 'text/plain; charset=utf-8'],
    ['/readyz', 200, 'text/plain; charset=utf-8'],
    ['/node', 503, 'application/json; charset=utf-8'],
    ['/reports', 200, 'application/json; charset=utf-8'],
    ['/reports/harbor.corp.example/payments/api:2.14.0', 200, 'application/json; charset=utf-8'],
    [
      `/reports/${encodeURIComponent('harbor.corp.example/payments/api:2.14.0')}`,
      200,
      'application/json; charset=utf-8',
    ],
    ['/reports/nobody/asked:1', 404, 'application/json; charset=utf-8'],
    ['/reports/%zz', 400, 'application/json; charset=utf-8'],
    ['/nothing', 404, 'application/json; charset=utf-8'],
    ['/check', 404, 'application/json; charset=utf-8'],
    ['/reports/../../etc/passwd', 404, 'application/json; charset=utf-8'],
    [`/reports/${'a'.repeat(5000)}`, 414, 'application/json; charset=utf-8'],
  ])('%s answers %i as %s', async (path, status, type) => {
    const response = await fetch(new URL(path, (await reading(node7)).url));
    expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await response.text()).length).toBeGreaterThan(0);
  });

  test("the page's policy allows its own style and nothing else", async () => {
    const response = await fetch((await reading(node7)).url);
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; style-src 'sha256-/);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is refused', async (method) => {
    const response = await fetch(new URL('/reports', (await reading(node7)).url), {
      method,
      ...(method === 'POST' ? { body: 'x' } : {}),
    });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('HEAD is GET without the body', async () => {
    const { url } = await reading(node7);
    const [head, get] = [
      await fetch(new URL('/reports', url), { method: 'HEAD' }),
      await fetch(new URL('/reports', url)),
    ];
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe(String((await get.arrayBuffer()).byteLength));
  });

  test('what has not changed is not sent again', async () => {
    const { url } = await reading(node7);
    const first = await fetch(new URL('/reports', url));
    const again = await fetch(new URL('/reports', url), {
      headers: { 'if-none-match': `W/"x", ${first.headers.get('etag') ?? ''}` },
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('/node says why not, what is the workloads own, and what is unknown', async () => {
    const pod = { kind: 'Pod', namespace: 'shop', name: 'cart', part: 'container cart' };
    const ledger = ledgerOf([
      entry(reports.refused),
      entry({ ...reports.badTag, requestedBy: [pod] }),
      entry(reports.unknown),
    ]);
    const response = await fetch(new URL('/node', (await reading(ledger)).url));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      version: 1,
      node: 'node-7',
      is: 'not_ready',
      counts: { asked: 3, fails: 2, unknown: 1, pulls: 0, at_risk: 0 },
      reasons: [
        {
          image: reports.refused.image,
          fault: 'tcp.refused',
          stage: 'tcp',
          owner: 'network',
          remedy: reports.refused.advice?.remedy,
        },
      ],
      elsewhere: [{ image: reports.badTag.image, owner: 'workload' }],
      unknown: [{ image: reports.unknown.image }],
    });
  });

  test('a node that pulls everything answers 200', async () => {
    const response = await fetch(new URL('/node', (await reading(ledgerOf([entry(reports.pulls)]))).url));
    expect([response.status, ((await response.json()) as { is: string }).is]).toEqual([200, 'ready']);
  });

  test('the agent is not ready before its first pass and while it leaves, but alive', async () => {
    const starting = await reading(startingLedger());
    expect((await fetch(new URL('/readyz', starting.url))).status).toBe(503);
    expect((await fetch(new URL('/livez', starting.url))).status).toBe(200);
    const leaving = await reading(node7, { draining: () => true });
    expect((await fetch(new URL('/readyz', leaving.url))).status).toBe(503);
  });

  test('an agent whose passes no longer end is not alive', async () => {
    const stuck = await reading(node7, { now: () => now + 3_600_000 });
    expect((await fetch(new URL('/livez', stuck.url))).status).toBe(503);
  });

  test('a bug of ours is a 500 that tells nothing', async () => {
    const broken = await reading(node7, { scrape: () => Promise.reject(new RangeError('c4n4ry')) });
    const response = await fetch(new URL('/metrics', broken.url));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('c4n4ry');
  });

  test('headers without end are cut off', async () => {
    const got = await raw(await reading(node7), `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}`);
    expect(got).toMatch(/^HTTP\/1.1 431 /);
  });

  test.each([
    ['garbage', '\u0016\u0003\u0001 hello\r\n\r\n'],
    ['a request line without an address', 'GET HTTP/1.1\r\n\r\n'],
    ['two lengths', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
    ['an address of another server', 'GET http://elsewhere/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'],
  ])('%s is a bad request', async (_, sent) => {
    expect(await raw(await reading(node7), sent)).toMatch(/^HTTP\/1.1 400 /);
  });

  test('ends although a client keeps its connection', async () => {
    const listening = await reading(node7);
    const socket = connect(listening.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await new Promise((resolve) => socket.on('connect', resolve));
    socket.write('GET / HTTP/1.1\r\n');
    socket.on('error', () => undefined);
    socket.resume();
    await listening.close(10);
    await closed;
    await expect(fetch(listening.url)).rejects.toThrow();
  });
});
