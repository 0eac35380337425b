/** An agent with a made-up outside: its rehearsals are answered by the test, its clock is the test's. */
import { afterEach, beforeEach, vi } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import type { AgentDependencies } from '#agent/agent.ts';
import { runAgent } from '#agent/agent.ts';
import type { Config } from '#config/config.ts';
import { parseConfig } from '#config/config.ts';
import { openLog } from '#output/log.ts';
import { failing, pulling } from './ledger.ts';

const began = Date.parse('2026-03-04T12:00:30.000Z');
export const minute = 60_000;

/** Timers and the clock are the test's own; sockets stay real. */
export function ownTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'], now: began });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

export function configOf(yaml: string): Config {
  const parsed = parseConfig(`listen: 127.0.0.1:0\ncheckListen: off\njitter: 0\n${yaml}`, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

export function demandOf(image: string): Demand {
  const [registry = ''] = image.split('/');
  const parsed = { written: image, sent: image, registry, path: 'x', repository: image, runtime: image };
  return {
    image: { ok: true, value: parsed },
    written: image,
    policy: 'IfNotPresent',
    requestedBy: [],
    secrets: [],
    present: 'no',
  };
}

export const pulls = (image: string): PullReport => ({ ...pulling({ image }), at: new Date().toISOString() });
export const refused = (image: string): PullReport => ({
  ...failing({
    image,
    fault: { code: 'tcp.refused', address: '10.0.0.1', port: 443 },
    stage: 'tcp',
    advice: { cause: 'c', remedy: 'r', owner: 'network' },
  }),
  at: new Date().toISOString(),
});

/** A rehearsal that ends without a word. */
export const nothing = (): AsyncIterable<PullReport> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
});

export type Answer = (image: string) => PullReport | Promise<PullReport>;

export interface Running {
  readonly url: string;
  /** The images of each pass so far. */
  readonly passes: (readonly string[])[];
  readonly lines: string[];
  readonly stop: () => Promise<unknown>;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

/** Of an agent that nobody listens to. */
export function outsideOf(yaml: string): AgentDependencies {
  return {
    config: configOf(yaml),
    hostName: 'node-7',
    version: '0.1.0',
    demands: () => Promise.resolve([]),
    rehearse: nothing,
    rehearseCheck: nothing,
    clock: { now: () => Date.now(), random: () => 0.5 },
    vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
    log: openLog({ level: 'silent', node: 'node-7' }),
    signal: new AbortController().signal,
  };
}

export async function started(yaml: string, answer: Answer, over: Partial<AgentDependencies> = {}): Promise<Running> {
  const passes: (readonly string[])[] = [];
  const lines: string[] = [];
  const stopping = new AbortController();
  const opened = Promise.withResolvers<string>();
  const ended = runAgent({
    ...outsideOf(yaml),
    demands: (config) => Promise.resolve(config.images.map(({ image }) => demandOf(image))),
    rehearse: async function* (demands) {
      passes.push(demands.map(({ written }) => written));
      for (const { written } of demands) yield await answer(written);
    },
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

export function logged(lines: readonly string[], message: string): readonly Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);
}
