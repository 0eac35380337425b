import { describe, expect, test } from 'vitest';
import type { Exchange, Step } from '#report/rehearsal.ts';
import { rateOf, waitOf } from '#report/throughput.ts';
import { exchange, good } from '../kit/exchanges.ts';

const tcp = (ms: number): Step => ({
  step: 'tcp',
  target: '10.0.0.7:443',
  startMs: 0,
  ms,
  outcome: good({ address: '10.0.0.7', port: 443 }),
});
const sample = (bodyMs: number | undefined, over: Partial<Exchange> = {}, bytes = 65_536): Exchange =>
  exchange('layer', 'https://cdn.test/x', {
    ms: 100 + (bodyMs ?? 0),
    outcome: good({ status: 206, bytes, ...(bodyMs === undefined ? {} : { bodyMs }) }),
    ...over,
  });

describe('a sample', () => {
  test('that slow start explains is a lower bound', () => {
    expect(rateOf(sample(200, { steps: [tcp(80)] }))).toMatchObject({ isLimited: false, bytesPerS: 254_680 });
  });

  test('that takes much longer shows what limits the way', () => {
    expect(rateOf(sample(5000, { steps: [tcp(80)], ms: 5200 }))).toEqual({
      host: 'cdn.test',
      isLimited: true,
      bytesPerS: 10_187,
      waitMs: 120,
    });
  });

  test('on an open connection is judged by the wait for its headers', () => {
    expect(rateOf(sample(300))).toMatchObject({ isLimited: false, waitMs: 100 });
  });

  test('that took no time at all is fast', () => {
    expect(rateOf(sample(0, { ms: 0 }))).toMatchObject({ isLimited: false });
  });
});

test.each([
  ['not timed', sample(undefined)],
  ['too small', sample(500, {}, 4096)],
  ['of no URL', sample(500, { url: 'x' })],
  ['that failed', sample(500, { outcome: { ok: false, fault: { code: 'tcp.refused', address: 'a', port: 1 } } })],
])('an exchange %s shows no speed', (_, one) => {
  expect(rateOf(one)).toBeUndefined();
});

test('a wait is what is left of an exchange without its opening and its body', () => {
  expect(waitOf(sample(1000, { ms: 9000, steps: [tcp(500)] }))).toEqual({ host: 'cdn.test', waitMs: 7500 });
  expect(waitOf(sample(1000, { ms: 10 }))?.waitMs).toBe(0);
});
