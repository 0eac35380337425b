/** An agent whose rehearsals the test answers, on the test's own clock. Its listener is real. */
import { afterEach, beforeEach, vi } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#kubelet/demand.ts';
import { startAgent, type AgentDependencies } from '#agent/agent.ts';
import type {
  AgentSettings,
  ClusterLink,
  DemandSource,
  ListenerAccess,
  NodeRehearser,
  Reservations,
} from '#agent/collaborators.ts';
import type { ProbeResults } from '#budget/connectivity-probe.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { Config } from '#config/config.ts';
import { parseConfig } from '#config/config.ts';
import { openLog, type Log } from '#output/log.ts';
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

/** A rehearsal that ends without a report. */
export const nothing = (): AsyncIterable<PullReport> => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
});

export type Answer = (image: string) => PullReport | Promise<PullReport>;

export interface Running {
  readonly url: string;
  /** The images of each pass so far. */
  readonly passes: (readonly string[])[];
  readonly lines: string[];
  readonly stop: () => Promise<void>;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

/** The collaborators of an agent, each method by itself, so that a test replaces only what it is about. */
export interface AgentParts {
  readonly changes?: AgentSettings['changes'];
  readonly demands: DemandSource['demands'];
  readonly rehearse: NodeRehearser['rehearse'];
  readonly probe: NodeRehearser['probe'];
  readonly sampleQuotas: NodeRehearser['sampleQuotas'];
  readonly spent: NodeRehearser['spent'];
  readonly reservations?: Reservations;
  readonly cluster?: ClusterLink;
  readonly admit?: ListenerAccess['admit'];
  readonly pair?: ListenerAccess['pair'];
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Of an agent without demands, whose results are not read. */
export function dependenciesOf(yaml: string, parts: Partial<AgentParts> = {}): AgentDependencies {
  const { changes, reservations, cluster, admit, pair } = parts;
  return {
    settings: {
      config: configOf(yaml),
      node: 'node-7',
      version: '0.1.0',
      ...(changes === undefined ? {} : { changes }),
    },
    source: { demands: parts.demands ?? ((): Promise<readonly Demand[]> => Promise.resolve([])) },
    rehearser: {
      rehearse: parts.rehearse ?? nothing,
      check: nothing,
      probe: parts.probe ?? ((): Promise<ProbeResults> => Promise.resolve(new Map())),
      sampleQuotas: parts.sampleQuotas ?? ((): Promise<readonly QuotaSample[]> => Promise.resolve([])),
      spent: parts.spent ?? ((): readonly Spent[] => []),
    },
    access: { ...(admit === undefined ? {} : { admit }), ...(pair === undefined ? {} : { pair }) },
    ...(reservations === undefined ? {} : { fleet: { size: () => undefined, reservations } }),
    ...(cluster === undefined ? {} : { cluster }),
    clock: { now: () => Date.now(), random: () => 0.5 },
    usage: { vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }) },
    log: parts.log ?? openLog({ level: 'silent', node: 'node-7' }),
    signal: parts.signal ?? new AbortController().signal,
  };
}

export async function started(yaml: string, answer: Answer, over: Partial<AgentParts> = {}): Promise<Running> {
  const passes: (readonly string[])[] = [];
  const lines: string[] = [];
  const stopping = new AbortController();
  const agent = await startAgent(
    dependenciesOf(yaml, {
      demands: (config) => Promise.resolve(config.images.map(({ image }) => demandOf(image))),
      rehearse: async function* (demands) {
        passes.push(demands.map(({ written }) => written));
        for (const { written } of demands) yield await answer(written);
      },
      log: openLog({ level: 'debug', node: 'node-7', to: { write: (line) => lines.push(line) } }),
      signal: stopping.signal,
      ...over,
    }),
  );
  if (!agent.ok) throw new Error(agent.why);
  const { page: url, ended } = agent;
  await vi.advanceTimersByTimeAsync(0);
  const stop = (): Promise<void> => {
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
