import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Secret } from '#report/secret.ts';
import { Connections } from '#registry/http/connections.ts';
import { header, type Ask, type Asked, type NetworkSettings } from '#registry/wire.ts';
import { authority, client, leaf } from '../../kit/certificates.ts';
import { fakeDns } from '../../kit/fake-dns.ts';
import { asking, network, resolver, trusting } from '../../kit/footing.ts';
import { httpServer, type Respond } from '../../kit/http-server.ts';
import { deadPort, listen, listener, type Manner } from '../../kit/silent-listener.ts';
import { tlsServer } from '../../kit/tls-server.ts';

class Closing extends Connections {
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function connect(grounds: Partial<NetworkSettings> = {}): Closing {
  return new Closing(network(grounds));
}

async function answerTo(manner: Manner, with_: Partial<Ask> = {}): Promise<Asked> {
  await using server = await listener(manner);
  await using connections = connect();
  return await connections.ask(asking(`http://127.0.0.1:${server.port}/`, with_));
}

async function respondTo(respond: Respond, with_: Partial<Ask> = {}): Promise<Asked> {
  await using server = await httpServer(respond);
  await using connections = connect();
  return await connections.ask(asking(`${server.url}/v2/`, with_));
}

function text(asked: Asked): string {
  return asked.outcome.ok ? Buffer.from(asked.outcome.value.body).toString() : asked.outcome.fault.code;
}

function says(bytes: string, then: 'stays' | 'closes' | 'resets' = 'stays'): Manner {
  return { is: 'says', bytes, then };
}

describe('a request', () => {
  it('is sent as it is, with Host and Content-Length added', async () => {
    await using server = await httpServer((_, response) => response.end());
    await using connections = connect();
    const headers = [
      ['User-Agent', 'containerd/2.1.9'],
      ['X-Twice', 'a'],
      ['X-Twice', 'b'],
    ] as const;
    await connections.ask(asking(`${server.url}/token?a=%2F`, { method: 'POST', body: 'grant=x', headers }));
    expect(server.requests).toEqual(['POST /token?a=%2F']);
    const sent = server.headers[0]?.join(' ') ?? '';
    expect(sent).toContain(`host 127.0.0.1:${server.port}`);
    expect(sent).toContain('User-Agent containerd/2.1.9 X-Twice a X-Twice b');
    expect(sent).toContain('content-length 7');
    expect(sent).not.toMatch(/accept-encoding|transfer-encoding/i);
  });

  it('may name its own host', async () => {
    await using server = await httpServer((_, response) => response.end());
    await using connections = connect();
    await connections.ask(asking(server.url, { headers: [['Host', 'reg.example:443']] }));
    const sent = server.headers[0] ?? [];
    expect(sent.filter((_, i) => sent[i - 1]?.toLowerCase() === 'host')).toEqual(['reg.example:443']);
  });
});

describe('an answer', () => {
  it('has its status, all its headers in order, and its body untouched', async () => {
    const asked = await respondTo((_, response) => {
      response.writeHead(401, [
        ['WWW-Authenticate', 'Basic realm="a"'],
        ['WWW-Authenticate', 'Bearer realm="b"'],
        ['Content-Encoding', 'gzip'],
      ]);
      response.end('not gzip at all');
    });
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 401, whole: true } });
    if (!asked.outcome.ok) return;
    const { value } = asked.outcome;
    expect(value.headers['www-authenticate']).toEqual(['Basic realm="a"', 'Bearer realm="b"']);
    expect(header(value, 'content-encoding')).toBe('gzip');
    expect(text(asked)).toBe('not gzip at all');
    expect(value.bodyFault).toBeUndefined();
  });

  it('to HEAD has a length and no body', async () => {
    const asked = await respondTo((_, response) => response.writeHead(200, { 'Content-Length': '999' }).end(), {
      method: 'HEAD',
    });
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 200, whole: true } });
    expect(text(asked)).toBe('');
  });

  it('is not a redirect that is followed', async () => {
    const asked = await respondTo((_, response) => response.writeHead(307, { Location: '/elsewhere' }).end());
    expect(asked.outcome).toMatchObject({ ok: true, value: { status: 307 } });
  });

  it('may come after other ones that are only information', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    expect(text(await answerTo(says(early)))).toBe('ok');
  });

  it('may end with the connection', async () => {
    const asked = await answerTo(says('HTTP/1.0 200 OK\r\n\r\nall of it', 'closes'));
    expect(asked.outcome).toMatchObject({ ok: true, value: { whole: true } });
    expect(text(asked)).toBe('all of it');
  });

  it('is read up to its bound, and the connection is gone', async () => {
    await using server = await httpServer((_, response) => response.end('x'.repeat(100_000)));
    await using connections = connect();
    const asked = await connections.ask(asking(server.url, { maxBytes: 10 }));
    expect(asked.outcome).toMatchObject({ ok: true, value: { whole: false } });
    expect(text(asked)).toBe('x'.repeat(10));
    const again = await connections.ask(asking(server.url, { maxBytes: 100_000 }));
    expect(again.outcome).toMatchObject({ ok: true, value: { whole: true } });
    expect(server.connections()).toBe(2);
  });

  it('of exactly the bound is whole', async () => {
    const asked = await respondTo((_, response) => response.end('x'.repeat(10)), { maxBytes: 10 });
    expect(asked.outcome).toMatchObject({ ok: true, value: { whole: true } });
  });
});

describe('an answer that does not come', () => {
  it.each<[string, Manner, object]>([
    ['is silence', { is: 'silent' }, { code: 'api.timed_out', afterMs: 40 }],
    ['is an end', { is: 'closes' }, { code: 'tcp.closed', failurePoint: 'response' }],
    ['is a reset', { is: 'resets' }, { code: 'tcp.reset', failurePoint: 'response' }],
    ['stops in its headers', says('HTTP/1.1 200 OK\r\nX-Half: '), { code: 'api.timed_out', afterMs: 40 }],
    [
      'ends in its headers',
      says('HTTP/1.1 200 OK\r\nX-Half: ', 'closes'),
      { code: 'tcp.closed', failurePoint: 'response' },
    ],
    [
      'is not HTTP',
      says('SSH-2.0-OpenSSH_9.6\r\n'),
      { code: 'api.malformed', why: 'malformed HTTP response: Expected HTTP/, RTSP/ or ICE/' },
    ],
    ['is TLS', says('\x15\x03\x01\x00\x02\x02\x46'), { code: 'api.malformed' }],
    [
      'ends its lines in a bare LF, where Go would read on',
      says('HTTP/1.1 429 Too Many Requests\nRetry-After: 60\n\n'),
      { code: 'api.malformed' },
    ],
    [
      'goes on unasked, where Go would read on',
      says('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'),
      { code: 'api.malformed' },
    ],
    [
      'has two lengths',
      says('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
      { code: 'api.malformed' },
    ],
    [
      'switches protocols unasked',
      says('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
      { code: 'api.malformed' },
    ],
  ])('because it %s', async (_, manner, fault) => {
    const asked = await answerTo(manner, 'afterMs' in fault ? { headerTimeoutMs: 40 } : {});
    expect(asked.outcome).toMatchObject({ ok: false, fault });
    expect(asked.steps.map(({ step }) => step)).toEqual(['dns', 'tcp']);
  });

  it("is nobody's fault where nobody waits any more", async () => {
    await using server = await listener();
    await using connections = connect();
    const asker = new AbortController();
    const pending = connections.ask(asking(`http://127.0.0.1:${server.port}/`, { signal: asker.signal }));
    while (server.heard() === '') await new Promise(setImmediate);
    asker.abort();
    expect((await pending).outcome).toMatchObject({
      ok: false,
      fault: { code: 'agent.out_of_time', step: 'response' },
    });
    const late = await connections.ask(asking(`http://127.0.0.1:${server.port}/`, { signal: asker.signal }));
    expect(late.outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
  });
});

it('headers without end are read up to a bound', async () => {
  const asked = await answerTo(says(`HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(400_000)}`));
  const why = 'net/http: server response headers exceeded 10485760 bytes; aborted';
  expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'api.malformed', why } });
});

describe('a body that breaks off', () => {
  it.each<[string, Manner, object]>([
    [
      'by the end it announced',
      says('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'closes'),
      { code: 'tcp.closed', failurePoint: 'body' },
    ],
    [
      'by a short end',
      says('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhalf', 'closes'),
      { code: 'tcp.closed', failurePoint: 'body' },
    ],
    [
      'by a reset',
      says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'resets'),
      { code: 'tcp.reset', failurePoint: 'body' },
    ],
    [
      'by an end',
      says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf', 'closes'),
      { code: 'tcp.closed', failurePoint: 'body' },
    ],
    [
      'by an end between chunks',
      says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'closes'),
      { code: 'tcp.closed', failurePoint: 'body' },
    ],
    [
      'by a chunk that is none',
      says('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n'),
      { code: 'api.malformed' },
    ],
    ['by dripping', says('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), { code: 'api.timed_out', afterMs: 40 }],
  ])('%s leaves the headers, what there was, and why', async (_, manner, fault) => {
    const asked = await answerTo(manner, 'afterMs' in fault ? { bodyTimeoutMs: 40 } : {});
    const value = { status: 200, whole: false, bodyFault: { ok: false, fault } };
    expect(asked.outcome).toMatchObject({ ok: true, value });
    expect(['half', '']).toContain(text(asked));
  });
});

describe('connections', () => {
  it('are kept, and only who opened one has its steps', async () => {
    await using server = await httpServer((_, response) => response.end('ok'));
    await using connections = connect();
    const seen: number[] = [];
    for (const method of ['HEAD', 'GET', 'POST', 'HEAD'] as const) {
      seen.push((await connections.ask(asking(server.url, { method }))).steps.length);
    }
    expect(seen).toEqual([2, 0, 0, 0]);
    expect(server.connections()).toBe(1);
  });

  it('are no more than allowed, however many ask', async () => {
    await using server = await httpServer((_, response) => setImmediate(() => response.end('ok')));
    await using connections = connect({ perOrigin: 3 });
    const asked = await Promise.all(Array.from({ length: 50 }, () => connections.ask(asking(server.url))));
    expect(asked.every(({ outcome }) => outcome.ok)).toBe(true);
    expect(server.connections()).toBeLessThanOrEqual(3);
    expect(asked.filter(({ steps }) => steps.length > 0)).toHaveLength(server.connections());
  });

  it('are one for one origin, whoever asks with equal settings', async () => {
    const root = await authority();
    const made = await leaf({ names: ['registry.test'], by: root });
    await using server = await tlsServer({ cert: made.chain, key: made.key });
    await using connections = connect();
    const url = `https://registry.test:${server.port}/`;
    const first = await connections.ask(asking(url, { tls: trusting(root.cert) }));
    const second = await connections.ask(asking(url, { tls: trusting(root.cert) }));
    const strict = await connections.ask(asking(url));
    expect(first.outcome.ok).toBe(true);
    expect(first.steps.map(({ step }) => step)).toEqual(['dns', 'tcp', 'tls']);
    expect(second.steps).toEqual([]);
    // Other trust, other connection; the name is known.
    expect(strict.outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
    expect(strict.steps.map(({ step }) => step)).toEqual(['tcp', 'tls']);
  });

  it('to an origin that refuses are tried once for all who ask', async () => {
    const url = `http://127.0.0.1:${await deadPort()}/`;
    await using connections = connect();
    const asked = await Promise.all(Array.from({ length: 200 }, () => connections.ask(asking(url))));
    expect(asked.filter(({ steps }) => steps.length > 0)).toHaveLength(1);
    expect(asked.every(({ outcome }) => !outcome.ok && outcome.fault.code === 'tcp.refused')).toBe(true);
    expect((await connections.ask(asking(url))).steps).toEqual([]);
  });

  it('are not left with a request that was given up as it was sent', async () => {
    await using server = await httpServer((_, response) => response.end('ok'));
    await using connections = connect({ perOrigin: 1 });
    await connections.ask(asking(server.url));
    const asker = new AbortController();
    const given = connections.ask(asking(server.url, { signal: asker.signal }));
    const next = connections.ask(asking(server.url));
    await Promise.resolve();
    asker.abort();
    expect((await given).outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
    expect(text(await next)).toBe('ok');
  });

  it('that one asker gave up are opened for the next', async () => {
    await using server = await httpServer((_, response) => response.end('ok'));
    await using connections = connect();
    const asker = new AbortController();
    const given = connections.ask(asking(server.url, { signal: asker.signal }));
    const next = connections.ask(asking(server.url));
    asker.abort();
    expect((await given).outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
    expect(text(await next)).toBe('ok');
  });

  it('ask for a name once, whatever the port', async () => {
    await using dns = await fakeDns({ 'reg.example': { is: 'addresses', addresses: ['127.0.0.1'] } });
    await using one = await httpServer((_, response) => response.end('1'));
    await using two = await httpServer((_, response) => response.end('2'));
    const servers = [{ address: dns.address, port: dns.port }];
    await using connections = connect({ resolver: { ...resolver, servers } });
    const ports = [one.port, two.port, one.port];
    const asked = await Promise.all(ports.map((port) => connections.ask(asking(`http://reg.example:${port}/`))));
    expect(asked.map(text)).toEqual(['1', '2', '1']);
    expect(dns.received).toHaveLength(2);
  });

  it('end with agent.out_of_time when they are closed', async () => {
    await using server = await listener();
    const connections = connect({ perOrigin: 1 });
    const url = `http://127.0.0.1:${server.port}/`;
    const pending = [connections.ask(asking(url)), connections.ask(asking(url))];
    while (server.heard() === '') await new Promise(setImmediate);
    await connections.close();
    for (const asked of await Promise.all(pending)) {
      expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
    }
  });
});

describe('a kept connection that died', () => {
  it('is replaced, and the request sent once more', async () => {
    await using server = await httpServer((_, response) => response.end('ok'));
    await using connections = connect();
    await connections.ask(asking(server.url));
    server.hangUp();
    const again = await connections.ask(asking(server.url));
    expect(text(again)).toBe('ok');
    expect(server.connections()).toBe(2);
  });

  /** Answers the first request of every connection, and closes on the second one without a word. */
  async function forgetful() {
    let requests = 0;
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      let served = 0;
      socket.on('data', () => {
        requests += 1;
        served += 1;
        if (served === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else socket.end();
      });
    });
    const port = await listen(server, '127.0.0.1');
    return { url: `http://127.0.0.1:${port}/`, requests: () => requests, [Symbol.dispose]: () => server.close() };
  }

  it('as it was used again is replaced for what changes nothing', async () => {
    using server = await forgetful();
    await using connections = connect();
    await connections.ask(asking(server.url));
    const again = await connections.ask(asking(server.url));
    expect(text(again)).toBe('ok');
    expect(again.steps.map(({ step }) => step)).toEqual(['tcp']);
    expect(server.requests()).toBe(3);
  });

  it('as it was used again is not replaced for a POST, which the server may have heard', async () => {
    using server = await forgetful();
    await using connections = connect();
    await connections.ask(asking(server.url));
    const again = await connections.ask(asking(server.url, { method: 'POST', body: 'x' }));
    expect(again.outcome).toMatchObject({ ok: false, fault: { code: 'tcp.closed', failurePoint: 'response' } });
    expect(server.requests()).toBe(2);
  });

  it('is not blamed on a fresh connection: that one gets no second try', async () => {
    await using server = await listener({ is: 'closes' });
    await using connections = connect();
    const asked = await connections.ask(asking(`http://127.0.0.1:${server.port}/`));
    expect(asked.outcome).toMatchObject({ ok: false, fault: { code: 'tcp.closed' } });
    expect(server.accepted()).toBe(1);
  });
});

describe('TLS', () => {
  it('of a server that wants to know us ends the first request', async () => {
    const root = await authority();
    const made = await leaf({ names: ['registry.test'], by: root });
    await using server = await tlsServer({ cert: made.chain, key: made.key, requestCert: true, ca: root.cert });
    await using connections = connect();
    const url = `https://registry.test:${server.port}/`;
    const asked = await connections.ask(asking(url, { tls: trusting(root.cert) }));
    const fault = { code: 'tls.client_rejected', alert: 'certificate required' };
    expect(asked.outcome).toMatchObject({ ok: false, fault });
    const next = await connections.ask(asking(url, { tls: trusting(root.cert) }));
    expect(next).toMatchObject({ steps: [], outcome: { ok: false, fault } });
    const me = await client({ name: 'node', by: root });
    const clients = [{ certPath: '/test/client.cert', cert: me.cert, key: new Secret(me.key) }];
    const known = await connections.ask(asking(url, { tls: { ...trusting(root.cert), clients } }));
    expect(text(known)).toBe('ok');
  });
});

it('many askers with one signal leave no listener behind', async () => {
  await using server = await httpServer((_, response) => response.end('ok'));
  await using connections = connect();
  const warned = once(process, 'warning').then(([warning]: unknown[]) => String(warning));
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 60 }, () => connections.ask(asking(server.url, { signal }))));
  const quiet = new Promise((resolve) => setImmediate(() => resolve('quiet')));
  expect(await Promise.race([warned, quiet])).toBe('quiet');
});

describe('one address family', () => {
  const hosts = { both: ['::1', '127.0.0.1'], four: ['127.0.0.1'] };
  const asked = async (host: string, family: 'ipv4' | 'ipv6'): Promise<string> => {
    await using server = await httpServer((_, response) => response.end('here'));
    await using connections = connect({ family, resolver: { ...resolver, hosts } });
    return text(await connections.ask(asking(`http://${host}:${server.port}/`)));
  };

  it('is connected to alone, whatever else a name has', async () => {
    expect(await asked('both', 'ipv4')).toBe('here');
    // The server listens on 127.0.0.1 alone: nobody fell back to it.
    expect(await asked('both', 'ipv6')).toBe('tcp.refused');
  });

  it('that a name has no address of is no name', async () => {
    expect(await asked('four', 'ipv6')).toBe('dns.not_found');
  });
});
