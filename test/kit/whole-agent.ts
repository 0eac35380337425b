/** `drypull agent` as a whole, in this process, with a configuration file: what it says is kept, and it ends with the test. */
import { setImmediate as turn } from 'node:timers/promises';
import type { PullReport } from '#report/report.ts';
import { run } from '#commands/agent.ts';
import { openLog } from '#output/log.ts';
import { processContext } from './surroundings.ts';

export interface WholeAgent extends AsyncDisposable {
  /** Everything on both streams, log lines included. */
  readonly logged: string[];
  /** Of its page. */
  readonly url: string;
  readonly lines: (message: string) => readonly Record<string, unknown>[];
  readonly get: (path: string) => Promise<string>;
  readonly reports: () => Promise<readonly PullReport[]>;
  /** Resolves once it is so; looked at again and again. */
  readonly until: (so: () => boolean | Promise<boolean>) => Promise<void>;
}

export async function wholeAgent(config: string): Promise<WholeAgent> {
  const logged: string[] = [];
  const stopping = new AbortController();
  const around = processContext((text) => logged.push(text), {
    args: ['--config', config],
    env: { PATH: process.env['PATH'] },
    signal: stopping.signal,
  });
  let status: number | undefined;
  const ended = run(around, (options) => openLog({ ...options, to: { write: (line) => logged.push(line) } }));
  void ended.then((found) => (status = found));
  const until: WholeAgent['until'] = async (so) => {
    while (!(await so())) {
      if (status !== undefined && !stopping.signal.aborted)
        throw new Error(`it ended with ${status}: ${logged.join('')}`);
      await turn();
    }
  };
  const url = (): string | undefined => /page of node \S+ is at (\S+)/.exec(logged.join(''))?.[1];
  await until(() => url() !== undefined);
  const get = async (path: string): Promise<string> =>
    (await fetch(new URL(path, url()), { headers: { connection: 'close' } })).text();
  return {
    logged,
    url: url() ?? '',
    lines: (message) =>
      logged
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ msg }) => msg === message),
    get,
    reports: async () => (JSON.parse(await get('/reports')) as { reports: readonly PullReport[] }).reports,
    until,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await ended;
    },
  };
}
