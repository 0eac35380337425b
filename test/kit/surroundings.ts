/** A process around a command: what it says goes to `write`, nothing stops it, and no signal comes. */
import type { ProcessContext } from '#main.ts';

export function processContext(write: (text: string) => void, over: Partial<ProcessContext> = {}): ProcessContext {
  const stream = Object.assign(Object.create(null) as NodeJS.WriteStream, {
    write: (text: string): boolean => {
      write(text);
      return true;
    },
  });
  return {
    args: [],
    env: {},
    stdout: stream,
    stderr: stream,
    signal: new AbortController().signal,
    onHangUp: () => undefined,
    version: '0.1.0',
    now: () => new Date(),
    clockMs: () => performance.now(),
    random: () => 0.5,
    vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
    ...over,
  };
}
