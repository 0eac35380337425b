/** `drypull node`, as node-problem-detector runs it: an exit status and one short line. */
import { createServer, type RequestListener } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Ledger } from '#report/ledger.ts';
import { run } from '#commands/node.ts';
import { listenOpenly, type Listening } from '#output/http/open-listener.ts';
import { examples } from '#report/advice/examples.ts';
import { entry, ledgerOf, node7, now, reports, startingLedger } from '../kit/ledger.ts';
import { metricsOver } from '../kit/metrics.ts';
import { freePort } from '../kit/program.ts';
import { listen } from '../kit/silent-listener.ts';
import { processContext } from '../kit/surroundings.ts';

const folder = await mkdtemp(join(tmpdir(), 'drypull-node-'));
afterAll(() => rm(folder, { recursive: true }));
const deserted = await freePort();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(ends.splice(0).map((end) => end()));
});

async function asked(...args: readonly string[]): Promise<{ readonly status: number; readonly line: string }> {
  let line = '';
  const around = processContext((text) => (line += text), { args, now: () => new Date(now), clockMs: () => 0 });
  return { status: await run(around), line };
}

async function agentOf(ledger: Ledger, admits?: string): Promise<Listening> {
  const opened = await listenOpenly(
    { host: '127.0.0.1', port: 0 },
    {
      ledger: () => ledger,
      now: () => now,
      version: '0.1.0',
      scrape: metricsOver(() => ledger).scrape,
      draining: () => false,
      ...(admits === undefined
        ? {}
        : {
            admit: (authorization) =>
              Promise.resolve({ is: authorization === `Bearer ${admits}` ? 'admitted' : 'unauthenticated' }),
          }),
    },
  );
  if (!opened.ok) throw new Error(opened.why);
  ends.push(() => opened.value.close(0));
  return opened.value;
}

async function stranger(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  const port = await listen(server, '127.0.0.1');
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${port}`;
}

const wide = Array.from({ length: 12 }, (_, n) =>
  entry({ ...reports.refused, image: `harbor.corp.example/${'a'.repeat(60)}:${n}` }),
);
const many = ledgerOf([...wide, entry(reports.denied), entry(reports.untrusted)]);

describe('drypull node', () => {
  test.each<[string, Ledger, number, string]>([
    [
      'a node that pulls everything',
      ledgerOf([entry(reports.pulls)]),
      0,
      'nothing stands in the way of pulls on this node\n',
    ],
    [
      'a node that is refused',
      ledgerOf([entry(reports.refused)]),
      1,
      '1 image cannot be pulled on this node: tcp.refused\n',
    ],
    [
      'an agent that just started',
      startingLedger(),
      2,
      'the agent has just started and has not rehearsed every image yet\n',
    ],
    [
      'a node of which nothing can be told',
      ledgerOf([entry(reports.unknown)]),
      2,
      'of no image could it be told whether it pulls\n',
    ],
  ])('of %s', async (_, ledger, status, line) => {
    expect(await asked('--agent', (await agentOf(ledger)).url)).toEqual({ status, line });
  });

  test('says each fault once', async () => {
    const { line } = await asked('--agent', (await agentOf(many)).url);
    expect(line).toMatch(/^13 images cannot be pulled on this node: tcp\.refused, tls\.untrusted\n$/);
  });

  test.each<[string, Ledger]>([
    ['a dozen images', many],
    ['the busy node', node7],
    [
      'more faults than there is room for',
      ledgerOf(
        (['dns.not_found', 'tcp.timed_out', 'tls.expired', 'blob.interrupted'] as const).map((code) => {
          const { verdict } = reports.refused;
          if (verdict.is !== 'fails') throw new Error('the refused one is not refused');
          return entry({
            ...reports.refused,
            image: `harbor.corp.example/${code}:1`,
            verdict: { ...verdict, fault: { ...examples[code] } },
          });
        }),
      ),
    ],
  ])('fits into what node-problem-detector keeps: %s', async (_, ledger) => {
    const { url } = await agentOf(ledger);
    const { line } = await asked('--agent', url);
    expect(line).toMatch(/^[\x20-\x7e]{1,80}\n$/);
    const body = await (await fetch(new URL('/node?format=line', url))).text();
    expect(body).toBe(line);
  });

  test.each<[string, RequestListener, RegExp]>([
    ['another program on the port', (_, response) => response.end('hello'), /^the agent answers 200, without/],
    ['a load balancer in between', (_, response) => response.writeHead(503).end('<html>'), /^the agent answers 503/],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/x' }).end(), /^no agent answers at/],
    ['an answer without end', (_, response) => response.end(' '.repeat(5 << 20)), /^the agent answers 200/],
    ['a list', (_, response) => response.end('[{"is":"ready"}]'), /^the agent answers 200/],
    [
      'lines and colours in the answer',
      (_, response) =>
        response.writeHead(503).end(JSON.stringify({ is: 'unknown', line: `a\nb\u001b[31m\u202e${'x'.repeat(900)}` })),
      /^a\?b\?\[31m\?x+\.\.\.\n$/,
    ],
    [
      'an answer that breaks off',
      (_, response) => void response.writeHead(200, { 'content-length': '10' }).write('{', () => response.destroy()),
      /^no agent/,
    ],
  ])('%s is status 2, in one line', async (_, answer, line) => {
    const got = await asked('--agent', await stranger(answer));
    expect(got.status).toBe(2);
    expect(got.line).toMatch(line);
    expect(got.line).toMatch(/^[\x20-\x7e]{1,80}\n$/);
  });

  test.each<[string, string, RegExp]>([
    ['nobody there', `http://127.0.0.1:${deserted}`, /^no agent answers at \S+ \(ECONNREFUSED\)\n$/],
    ['no URL', 'nonsense', /^--agent is no URL: nonsense\n$/],
    ['a file', 'file:///etc/passwd', /^--agent is no URL/],
  ])('%s is status 2', async (_, agent, line) => {
    const got = await asked('--agent', agent);
    expect([got.status, got.line]).toEqual([2, expect.stringMatching(line)]);
  });

  test('shows a token where the agent wants one, and to this machine or over https only', async () => {
    const file = join(folder, 'token');
    await writeFile(file, 'c4n4ry-token\n');
    const { url } = await agentOf(node7, 'c4n4ry-token');
    expect(await asked('--agent', url)).toEqual({ status: 2, line: 'the agent wants a token: give --token-file\n' });
    expect((await asked('--agent', url, '--token-file', file)).status).toBe(1);
    const elsewhere = await asked('--agent', 'http://agent.example:9467', '--token-file', file);
    expect(elsewhere).toEqual({ status: 2, line: 'a token goes over https or to this machine only\n' });
    const lost = await asked('--agent', url, '--token-file', join(folder, 'none'));
    expect(lost).toEqual({ status: 2, line: '--token-file: there is no such file\n' });
  });
});

describe("a load balancer's check", () => {
  test.each<[string, Ledger, number]>([
    ['may pull', ledgerOf([entry(reports.pulls)]), 200],
    ['may not pull', node7, 503],
    ['is not known yet', startingLedger(), 503],
  ])('HEAD /node of a node that %s', async (_, ledger, status) => {
    const { url } = await agentOf(ledger);
    for (const path of ['/node', '/node?format=line']) {
      const answer = await fetch(new URL(path, url), { method: 'HEAD' });
      expect([answer.status, await answer.text()]).toEqual([status, '']);
    }
  });
});

describe("node-readiness-controller's reporter, which keeps the body of a refusal in the Node's condition", () => {
  test('is told one line that changes only when the answer does', async () => {
    const later = ledgerOf(
      [...node7.entries].map(({ report }) => entry({ ...report, at: new Date(now - 60_000).toISOString(), ms: 7 })),
      { pass: { endedMs: now - 60_000, ms: 77, images: 12 } },
    );
    const read = async (ledger: Ledger): Promise<readonly [number, string]> => {
      const answer = await fetch(new URL('/node?format=line', (await agentOf(ledger)).url));
      return [answer.status, await answer.text()];
    };
    const [status, line] = await read(node7);
    expect(status).toBe(503);
    expect(line).toMatch(/^\d+ images cannot be pulled on this node: /);
    expect(await read(later)).toEqual([status, line]);
    const strange = await fetch(new URL('/node?format=xml', (await agentOf(node7)).url));
    expect(strange.status).toBe(400);
  });
});
