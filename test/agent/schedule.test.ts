/** When passes begin: on the schedule plus the node's own delay, once after a sleep, and never two at a time. */
import { describe, expect, test, vi } from 'vitest';
import { ticks, type Tick } from '#agent/schedule.ts';
import { minute, ownTime } from '../kit/agent.ts';

ownTime();

const schedule = { written: '5m', cadenceMs: 5 * minute };

interface Begun {
  readonly at: string;
  readonly is: Tick;
}

/** Reads ticks as the passes do; `passMs`: how long the next pass takes. */
function reading({ delayMs = 0, passMs = (): number => 0 } = {}): {
  readonly begun: readonly Begun[];
  readonly stop: () => void;
} {
  const begun: Begun[] = [];
  const stopping = new AbortController();
  const options = { delayMs, now: () => Date.now(), signal: stopping.signal };
  void (async () => {
    for await (const is of ticks(schedule, options)) {
      begun.push({ at: new Date().toISOString().slice(11, 19), is });
      const ms = is === 'overlap' ? 0 : passMs();
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    }
  })();
  return { begun, stop: () => stopping.abort() };
}

describe('ticks of an interval', () => {
  test('come at its multiples, later by the delay', async () => {
    const { begun, stop } = reading({ delayMs: 4.5 * minute, passMs: () => minute });
    await vi.advanceTimersByTimeAsync(15 * minute);
    // The clock of the tests starts at 12:00:30: the delayed beginning of 12:00 is still to come.
    expect(begun).toEqual([
      { at: '12:04:30', is: 'due' },
      { at: '12:09:30', is: 'due' },
      { at: '12:14:30', is: 'due' },
    ]);
    stop();
  });

  test('that come during a pass are skipped, and reported once', async () => {
    const lengths = [12 * minute, 0, 0];
    const { begun, stop } = reading({ passMs: () => lengths.shift() ?? 0 });
    await vi.advanceTimersByTimeAsync(25 * minute);
    expect(begun).toEqual([
      { at: '12:05:00', is: 'due' },
      { at: '12:17:00', is: 'overlap' },
      { at: '12:20:00', is: 'due' },
      { at: '12:25:00', is: 'due' },
    ]);
    stop();
  });

  test('that the machine slept through give one pass at once', async () => {
    const { begun, stop } = reading();
    await vi.advanceTimersByTimeAsync(2 * minute);
    vi.setSystemTime('2026-03-04T15:31:00.000Z');
    await vi.advanceTimersByTimeAsync(8 * minute);
    expect(begun).toEqual([
      { at: '15:33:30', is: 'missed' },
      { at: '15:35:00', is: 'due' },
    ]);
    stop();
  });

  test('end with the signal', async () => {
    const { begun, stop } = reading();
    stop();
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(begun).toEqual([]);
  });
});

test('ticks of a cron expression come at its runs', async () => {
  const stopping = new AbortController();
  const options = { delayMs: 0, now: () => Date.now(), signal: stopping.signal };
  const cron = ticks({ written: '*/10 * * * *', cron: '*/10 * * * *', cadenceMs: 10 * minute }, options);
  const first = cron.next();
  // node-cron is loaded while the clock of the tests stands at 12:00:30.
  await vi.dynamicImportSettled();
  await vi.advanceTimersByTimeAsync(9.5 * minute);
  expect(await first).toEqual({ done: false, value: 'due' });
  expect(new Date().toISOString().slice(11, 19)).toBe('12:10:00');
  stopping.abort();
});
