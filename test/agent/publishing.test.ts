import { describe, expect, test, vi } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { runAgent } from '#agent/agent.ts';
import type { ParsedConfig } from '#config/config.ts';
import { openLog } from '#output/log.ts';
import { configOf, minute, nothing, ownTime, pulls, refused, logged, started } from '../kit/agent.ts';

ownTime();

describe('telling', () => {
  test('one line a change of verdict, none while nothing changes', async () => {
    let up = true;
    const agent = await started('images: [r/a]\nschedule: 5m', (image) => (up ? pulls(image) : refused(image)));
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(logged(agent.lines, 'verdict changed')).toHaveLength(1);
    up = false;
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(logged(agent.lines, 'verdict changed').slice(1)).toMatchObject([
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
    expect(page).toContain('has pulled for <time datetime="2026-03-04T12:00:30.000Z"');
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
    expect(logged(agent.lines, 'the changed configuration is refused: going on with the old one')).toMatchObject([
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
    expect(logged(agent.lines, 'these changes take effect after a restart')).toMatchObject([{ keys: ['nodeName'] }]);
    await agent.stop();
  });
});

describe('the end', () => {
  test('SIGTERM ends the rehearsals under way, makes up no verdicts and closes the listeners', async () => {
    let heard: AbortSignal | undefined;
    const agent = await started('images: [r/a]', pulls, {
      rehearse: async function* (_, __, { signal }) {
        heard = signal;
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        yield* [];
      },
    });
    expect(await agent.stop()).toEqual({ ok: true });
    expect(heard?.aborted).toBe(true);
    expect(logged(agent.lines, 'verdict changed')).toEqual([]);
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
      rehearseCheck: nothing,
      clock: { now: () => 0, random: () => 0 },
      vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
      log: openLog({ level: 'silent', node: 'x' }),
      signal: never,
    });
    expect(ended.ok ? '' : ended.why).toContain(`cannot listen on 127.0.0.1:${port}: something listens there already`);
    await agent.stop();
  });
});
