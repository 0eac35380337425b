import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { CheckListener } from '#output/http/check-listener.ts';
import { listenForChecks } from '#output/http/check-listener.ts';
import { isLocalName } from '#output/http/local-name.ts';
import type { Listening } from '#output/http/open-listener.ts';
import { node7, now, reports } from '../../kit/ledger.ts';
import { raw } from '../../kit/raw.ts';

const open: Listening[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close(0)));
});
const answer = { ...reports.pulls, ageMs: 1000 };
const local = { host: '127.0.0.1', port: 0 };

async function checking(over: Partial<CheckListener> = {}): Promise<Listening> {
  const opened = await listenForChecks(local, {
    ledger: () => node7,
    now: () => now,
    check: () => Promise.resolve([answer]),
    atOnce: 1,
    bodyBytes: 1024,
    ...over,
  });
  if (!opened.ok) throw new Error(opened.why);
  open.push(opened.value);
  return opened.value;
}

describe('the listener for checks', () => {
  const post = (listening: Listening, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL('/check', listening.url), {
      method: 'POST',
      body,
      headers: { 'sec-fetch-site': 'none', ...headers },
    });

  test('gives the text on as it is and answers like the command', async () => {
    let heard = '';
    const listening = await checking({
      check: (asked) => {
        heard = asked.text;
        return Promise.resolve([answer]);
      },
    });
    const text = 'apiVersion: v1\nkind: Pod\n--host-root=/etc\n';
    const response = await raw(
      listening,
      `POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
    );
    expect(heard).toBe(text);
    expect(response).toMatch(/^HTTP\/1.1 200 /);
    expect(JSON.parse(response.slice(response.indexOf('\r\n\r\n')))).toEqual({
      version: 1,
      node: 'node-7',
      reports: [answer],
    });
  });

  const ask = (head: string, body = 'nginx:1'): string =>
    `${head}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
  test.each<[string, string, number]>([
    ['a name that was rebound', ask('POST /check HTTP/1.1\r\nHost: evil.example:9468'), 421],
    ['a name that only begins well', ask('POST /check HTTP/1.1\r\nHost: localhost.evil.example'), 421],
    ['no name', ask('POST /check HTTP/1.0'), 421],
    [
      'a web page of another origin',
      ask('POST /check HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example'),
      403,
    ],
    ['a web page without an origin', ask('POST /check HTTP/1.1\r\nHost: localhost\r\nOrigin: null'), 403],
    ['a browser across sites', ask('POST /check HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site'), 403],
    ['a browser on the same site', ask('POST /check HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-site'), 403],
    ['another path', ask('POST /reports HTTP/1.1\r\nHost: localhost'), 404],
    ['a GET', 'GET /check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
    ['a compressed body', ask('POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip'), 415],
    ['an empty body', ask('POST /check HTTP/1.1\r\nHost: localhost', ' \n '), 400],
    [
      'a body that is announced too large',
      'POST /check HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1025\r\n\r\n',
      413,
    ],
    [
      'a body in chunks that grows too large',
      `POST /check HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${`100\r\n${'a'.repeat(256)}\r\n`.repeat(5)}`,
      413,
    ],
  ])('%s is refused without a check', async (_, sent, status) => {
    let checks = 0;
    const listening = await checking({ check: () => Promise.resolve(((checks += 1), [])) });
    expect(await raw(listening, sent)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(checks).toBe(0);
  });

  test('a body that is not UTF-8 is refused', async () => {
    const listening = await checking();
    const response = await raw(
      listening,
      'POST /check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n',
      '\ud800',
    );
    expect(response).toMatch(/^HTTP\/1.1 400 /);
  });

  test('more checks than allowed are told to come again, and are let in once there is room', async () => {
    const gate = Promise.withResolvers<undefined>();
    const entered = Promise.withResolvers<undefined>();
    const listening = await checking({
      check: async () => {
        entered.resolve(undefined);
        await gate.promise;
        return [];
      },
    });
    const body = ask('POST /check HTTP/1.1\r\nHost: localhost');
    const first = raw(listening, body);
    await entered.promise;
    const second = await raw(listening, body);
    expect(second).toMatch(/^HTTP\/1.1 429 /);
    expect(second).toContain('Retry-After: 5');
    gate.resolve(undefined);
    expect(await first).toMatch(/^HTTP\/1.1 200 /);
    expect(await raw(listening, body)).toMatch(/^HTTP\/1.1 200 /);
  });

  test('a check nobody waits for is called off', async () => {
    const entered = Promise.withResolvers<AbortSignal>();
    const listening = await checking({
      check: ({ signal }) => {
        entered.resolve(signal);
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve([]), { once: true }));
      },
    });
    const socket = connect(listening.port, '127.0.0.1', () =>
      socket.write(ask('POST /check HTTP/1.1\r\nHost: localhost').replace('Connection: close\r\n', '')),
    );
    const signal = await entered.promise;
    const called = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    socket.destroy();
    await called;
    expect(signal.aborted).toBe(true);
  });

  test('a bug in a check is a 500 and leaves room for the next', async () => {
    const listening = await checking({ check: () => Promise.reject(new Error('c4n4ry')) });
    const body = ask('POST /check HTTP/1.1\r\nHost: localhost');
    for (const response of [await raw(listening, body), await raw(listening, body)]) {
      expect(response).toMatch(/^HTTP\/1.1 500 /);
      expect(response).not.toContain('c4n4ry');
    }
  });

  test('a browser fetch is refused even from this machine', async () => {
    const listening = await checking();
    expect((await post(listening, 'nginx:1', { 'sec-fetch-site': 'same-origin' })).status).toBe(403);
  });

  test.each<[string | undefined, boolean]>([
    ['localhost', true],
    ['LOCALHOST:9468', true],
    ['127.0.0.1:9468', true],
    ['127.1.2.3', true],
    ['[::1]:9468', true],
    [undefined, false],
    ['', false],
    ['localhost:9468@evil', false],
    ['127.0.0.1.evil.example', false],
    ['10.0.0.1', false],
    ['node-7:9468', false],
  ])('the name %s is local: %s', (host, local) => {
    expect(isLocalName(host)).toBe(local);
  });
});

describe('how a check is to be answered', () => {
  const asked = async (query: string): Promise<unknown> => {
    let manner: unknown;
    const listening = await checking({
      check: ({ known, brief }) => {
        manner = { known, brief };
        return Promise.resolve([]);
      },
    });
    const body = 'a:1';
    const head = `POST /check${query} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\nConnection: close`;
    const response = await raw(listening, `${head}\r\n\r\n${body}`);
    return manner ?? response.split('\r\n')[0];
  };
  test.each<[string, unknown]>([
    ['', { known: false, brief: false }],
    ['?known=1', { known: true, brief: false }],
    ['?known=0&brief=1', { known: false, brief: true }],
    ['?host-root=/etc', 'HTTP/1.1 400 Bad Request'],
    ['?known=yes', 'HTTP/1.1 400 Bad Request'],
  ])('/check%s', async (query, expected) => {
    expect(await asked(query)).toEqual(expected);
  });
});

test('GET /node is the node in numbers: no image is named', async () => {
  const listening = await checking();
  const response = await raw(listening, 'GET /node HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const body = response.slice(response.indexOf('\r\n\r\n'));
  expect(JSON.parse(body)).toMatchObject({ version: 1, node: 'node-7', is: 'not_ready', ageMs: 110_000 });
  for (const { report } of node7.entries) expect(body).not.toContain(report.image);
});
