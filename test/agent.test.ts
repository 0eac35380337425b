import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { PullReport } from '#pull/report.ts';
import type { Demand } from '#pull/view.ts';
import type { Outside } from '../src/agent.ts';
import { runAgent } from '../src/agent.ts';
import type { Config, ParsedConfig } from '../src/config.ts';
import { parseConfig } from '../src/config.ts';
import { openLog } from '../src/tell/log.ts';
import { failing, pulling } from './kit/ledger.ts';

const began = Date.parse('2026-03-04T12:00:30.000Z');
const minute = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: began });
});
afterEach(() => {
  vi.useRealTimers();
});

function configOf(yaml: string): Config {
  const parsed = parseConfig(`listen: 127.0.0.1:0\ncheckListen: off\njitter: 0\n${yaml}`, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

function demandOf(image: string): Demand {
  const [registry = ''] = image.split('/');
  const parsed = { written: image, sent: image, registry, path: 'x', repository: image, runtime: image };
  return {
    image: { ok: true, value: parsed },
    written: image,
    policy: 'IfNotPresent',
    wantedBy: [],
    secrets: [],
    present: 'no',
  };
}

const pulls = (image: string): PullReport => ({ ...pulling({ image }), at: new Date().toISOString() });
const refused = (image: string): PullReport => ({
  ...failing({
    image,
    fault: { code: 'tcp.refused', address: '10.0.0.1', port: 443 },
    stage: 'tcp',
    advice: { cause: 'c', remedy: 'r', door: 'network' },
  }),
  at: new Date().toISOString(),
});

/** A rehearsal that ends without a word. */
const nothing: Outside['rehearse'] = () => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
});

type Answer = (image: string) => PullReport | Promise<PullReport>;

interface Running {
  readonly url: string;
  /** The images of each pass so far. */
  readonly passes: (readonly string[])[];
  readonly lines: string[];
  readonly stop: () => Promise<unknown>;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

async function started(yaml: string, answer: Answer, over: Partial<Outside> = {}): Promise<Running> {
  const passes: (readonly string[])[] = [];
  const lines: string[] = [];
  const stopping = new AbortController();
  const opened = Promise.withResolvers<string>();
  const ended = runAgent({
    config: configOf(yaml),
    hostName: 'node-7',
    version: '0.1.0',
    demands: (config) => Promise.resolve(config.images.map(({ image }) => demandOf(image))),
    rehearse: async function* (demands) {
      passes.push(demands.map(({ written }) => written));
      for (const { written } of demands) yield await answer(written);
    },
    check: () => Promise.resolve([]),
    clock: { now: () => Date.now(), random: () => 0.5 },
    vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
    log: openLog({ level: 'debug', node: 'node-7', to: { write: (line) => lines.push(line) } }),
    signal: stopping.signal,
    opened: ({ open }) => opened.resolve(open),
    ...over,
  });
  const url = await opened.promise;
  await vi.advanceTimersByTimeAsync(0);
  const stop = (): Promise<unknown> => {
    stopping.abort();
    return ended;
  };
  const get: Running['get'] = async (path) => {
    const response = await fetch(new URL(path, url), { headers: { connection: 'close' } });
    return { status: response.status, text: await response.text() };
  };
  return { url, passes, lines, stop, get };
}

function said(lines: readonly string[], message: string): readonly Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
}

describe('the rounds', () => {
  test('a first pass at start, then one on each stroke of the schedule', async () => {
    const agent = await started('images: [r/a, r/b]\nschedule: 5m', pulls);
    expect(agent.passes).toEqual([['r/a', 'r/b']]);
    await vi.advanceTimersByTimeAsync(4 * minute);
    expect(agent.passes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(minute);
    expect(agent.passes).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(50 * minute);
    expect(agent.passes).toHaveLength(12);
    await agent.stop();
  });

  test('what fails is rehearsed again sooner, alone, ever later, until it pulls', async () => {
    let up = false;
    const agent = await started('images: [r/a, s/b]\nschedule: 1h', (image) =>
      image === 's/b' && !up ? refused(image) : pulls(image),
    );
    await vi.advanceTimersByTimeAsync(15_000);
    expect(agent.passes.slice(1)).toEqual([['s/b']]);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(agent.passes).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(agent.passes).toHaveLength(3);
    up = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(agent.passes).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(10 * minute);
    expect(agent.passes).toHaveLength(4);
    expect((await agent.get('/node')).status).toBe(200);
    await agent.stop();
  });

  test('a rate-limited image sits out the passes until its registry allows it', async () => {
    const limit = { scope: 'quota', retryAfterS: 3600 } as const;
    const limited = (image: string): PullReport => ({
      ...refused(image),
      verdict: {
        is: 'fails',
        fault: { code: 'api.rate_limited', host: 'hub', status: 429, limit, message: '' },
        stage: 'api',
        sure: { is: 'exact', because: [] },
      },
    });
    const agent = await started('images: [r/a, s/b]\nschedule: 5m', (image) =>
      image === 's/b' ? limited(image) : pulls(image),
    );
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(agent.passes.slice(1).flat()).not.toContain('s/b');
    await vi.advanceTimersByTimeAsync(15 * minute);
    expect(agent.passes.flat().filter((image) => image === 's/b')).toHaveLength(2);
    await agent.stop();
  });

  test('passes never overlap, however long one takes', async () => {
    let running = 0;
    let most = 0;
    const agent = await started('images: [r/a]\nschedule: 1m\ndeadline: 15m', async (image) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 3 * minute));
      running -= 1;
      return pulls(image);
    });
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(agent.passes.length).toBeGreaterThan(3);
    expect(most).toBe(1);
    await agent.stop();
  });

  test('no more images of one registry than allowed go in one pass, and those that waited longest go first', async () => {
    const agent = await started('images: [r/a, r/b, r/c, s/d]\nschedule: 5m\nperRegistryPass: 2', pulls);
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes).toEqual([
      ['r/a', 's/d', 'r/b'],
      ['r/c', 's/d', 'r/a'],
    ]);
    await agent.stop();
  });
});

describe('never silence', () => {
  const verdictOf = async (agent: Running, image: string): Promise<unknown> => {
    const { text } = await agent.get(`/reports/${image}`);
    return (JSON.parse(text) as { reports: PullReport[] }).reports[0]?.verdict;
  };

  test('a rehearsal that throws leaves an unknown that says agent.bug, and the agent goes on', async () => {
    let broken = true;
    const agent = await started('images: [r/a, r/b]\nschedule: 5m', (image) => {
      if (image === 'r/b' && broken) throw new TypeError('secret-in-a-message');
      return pulls(image);
    });
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'pulls' });
    expect(await verdictOf(agent, 'r/b')).toMatchObject({
      is: 'unknown',
      fault: { code: 'agent.bug', what: 'TypeError' },
    });
    expect(said(agent.lines, 'a rehearsal broke')).toHaveLength(1);
    broken = false;
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdictOf(agent, 'r/b')).toMatchObject({ is: 'pulls' });
    await agent.stop();
  });

  test('a rehearsal that forgets an image leaves an unknown', async () => {
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      rehearse: nothing,
    });
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'unknown', fault: { code: 'agent.bug' } });
    await agent.stop();
  });

  test('a rehearsal that hangs ends as out of time, and the next pass comes', async () => {
    const agent = await started(
      'images: [r/a]\nschedule: 5m\ndeadline: 10s',
      () => new Promise<PullReport>(() => undefined),
    );
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'unknown', fault: { code: 'agent.out_of_time' } });
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes.length).toBeGreaterThan(1);
    await agent.stop();
  });

  test('reports that nobody asked for, and endless ones, are left aside', async () => {
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      rehearse: async function* () {
        yield pulls('r/stranger');
        for (;;) yield pulls('r/a');
      },
    });
    const { text } = await agent.get('/reports');
    expect((JSON.parse(text) as { reports: PullReport[] }).reports.map(({ image }) => image)).toEqual(['r/a']);
    await agent.stop();
  });

  test('when what is asked for cannot be read, what was known is rehearsed on', async () => {
    let readable = true;
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      demands: () => (readable ? Promise.resolve([demandOf('r/a')]) : Promise.reject(new Error('gone'))),
    });
    readable = false;
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes).toEqual([['r/a'], ['r/a']]);
    await agent.stop();
  });

  test('an unknown of our own gets the words of the one who has them', async () => {
    const agent = await started('images: [r/a]', () => Promise.reject(new Error('x')), {
      advise: ({ code }) => ({ cause: `cause of ${code}`, remedy: 'r', door: 'agent' }),
    });
    expect((await agent.get('/')).text).toContain('cause of agent.bug');
    await agent.stop();
  });
});

describe('telling', () => {
  test('one line a change of verdict, none while nothing changes', async () => {
    let up = true;
    const agent = await started('images: [r/a]\nschedule: 5m', (image) => (up ? pulls(image) : refused(image)));
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(said(agent.lines, 'verdict changed')).toHaveLength(1);
    up = false;
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(said(agent.lines, 'verdict changed').slice(1)).toMatchObject([
      { level: 'warn', image: 'r/a', verdict: 'fails', was: 'pulls', fault: { code: 'tcp.refused' } },
    ]);
    await agent.stop();
  });

  test('a registry that stops turns /node to 503 with the cause within one cadence, and back', async () => {
    let up = true;
    const agent = await started('images: [r/a]\nschedule: 5m', (image) => (up ? pulls(image) : refused(image)));
    expect((await agent.get('/node')).status).toBe(200);
    up = false;
    await vi.advanceTimersByTimeAsync(5 * minute);
    const { status, text } = await agent.get('/node');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ is: 'not_ready', reasons: [{ image: 'r/a', fault: 'tcp.refused' }] });
    up = true;
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect((await agent.get('/node')).status).toBe(200);
    await agent.stop();
  });

  test('a starting agent is alive, not ready, and does not know about the node', async () => {
    const agent = await started('images: [r/a]', () => new Promise<PullReport>(() => undefined));
    expect((await agent.get('/livez')).status).toBe(200);
    expect((await agent.get('/readyz')).status).toBe(503);
    const { status, text } = await agent.get('/node');
    expect([status, (JSON.parse(text) as { is: string }).is]).toEqual([503, 'unknown']);
    await agent.stop();
  });

  test('a dead registry never makes the agent unwell', async () => {
    const agent = await started('images: [r/a]\nschedule: 5m', refused);
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect((await agent.get('/livez')).status).toBe(200);
    expect((await agent.get('/readyz')).status).toBe(200);
    await agent.stop();
  });
});

describe('reload', () => {
  function reloads(): {
    readonly changes: AsyncIterable<ParsedConfig>;
    readonly push: (parsed: ParsedConfig) => Promise<void>;
  } {
    const waiting: ParsedConfig[] = [];
    let wake: () => void = () => undefined;
    async function* changes(): AsyncGenerator<ParsedConfig> {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    }
    const push = async (parsed: ParsedConfig): Promise<void> => {
      waiting.push(parsed);
      wake();
      await vi.advanceTimersByTimeAsync(0);
    };
    return { changes: changes(), push };
  }
  const good = (yaml: string): ParsedConfig => ({ ok: true, config: configOf(yaml), settings: new Map() });

  test('new images are rehearsed at once, and nothing that was known is forgotten', async () => {
    const { changes, push } = reloads();
    const agent = await started('images: [r/a, r/b]\nschedule: 5m', pulls, { changes });
    await vi.advanceTimersByTimeAsync(30 * minute);
    await push(good('images: [r/a, r/c]\nschedule: 10m'));
    expect(agent.passes.at(-1)?.toSorted()).toEqual(['r/a', 'r/c']);
    const page = (await agent.get('/')).text;
    expect(page).toContain('pulls for <time datetime="2026-03-04T12:00:30.000Z"');
    expect(page).not.toContain('r/b');
    const before = agent.passes.length;
    await vi.advanceTimersByTimeAsync(30 * minute);
    expect(agent.passes).toHaveLength(before + 3);
    await agent.stop();
  });

  test('a configuration with problems is refused with a line, and the old one stays in force', async () => {
    const { changes, push } = reloads();
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, { changes });
    await push({ ok: false, problems: [{ key: 'images', given: '7', allowed: 'a list' }] });
    expect(said(agent.lines, 'the changed configuration is refused: going on with the old one')).toMatchObject([
      { level: 'error', problems: [{ given: '7' }] },
    ]);
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes).toEqual([['r/a'], ['r/a']]);
    expect((await agent.get('/metrics')).text).toContain('drypull_config_reloads_total{outcome="refused"} 1');
    await agent.stop();
  });

  test('an address that changed is said to need a restart', async () => {
    const { changes, push } = reloads();
    const agent = await started('images: [r/a]', pulls, { changes });
    await push(good('images: [r/a]\nnodeName: other'));
    expect(said(agent.lines, 'these changes take effect after a restart')).toMatchObject([{ keys: ['nodeName'] }]);
    await agent.stop();
  });
});

describe('the end', () => {
  test('SIGTERM ends the rehearsals under way, makes up no verdicts and closes the listeners', async () => {
    let heard: AbortSignal | undefined;
    const agent = await started('images: [r/a]', pulls, {
      rehearse: async function* (_, __, signal) {
        heard = signal;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        yield* [];
      },
    });
    expect(await agent.stop()).toEqual({ ok: true });
    expect(heard?.aborted).toBe(true);
    expect(said(agent.lines, 'verdict changed')).toEqual([]);
    await expect(agent.get('/livez')).rejects.toThrow();
  });

  test('it leaves within five seconds although a rehearsal and its demands hang', async () => {
    const agent = await started('images: [r/a]', pulls, { demands: () => new Promise(() => undefined) });
    let left = false;
    void agent.stop().then(() => (left = true));
    await vi.advanceTimersByTimeAsync(4999);
    expect(left).toBe(true);
  });

  test('an address in use is told at once', async () => {
    const agent = await started('images: [r/a]', pulls);
    const { port } = new URL(agent.url);
    const never = new AbortController().signal;
    const config = configOf('images: [r/a]');
    const ended = await runAgent({
      config: { ...config, listen: { host: '127.0.0.1', port: Number(port) } },
      hostName: 'x',
      version: '0',
      demands: () => Promise.resolve([]),
      rehearse: nothing,
      check: () => Promise.resolve([]),
      clock: { now: () => 0, random: () => 0 },
      vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
      log: openLog({ level: 'silent', node: 'x' }),
      signal: never,
    });
    expect(ended).toEqual({ ok: false, why: `cannot listen on 127.0.0.1:${port}: EADDRINUSE` });
    await agent.stop();
  });
});
