import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { goDurationMs } from '#go/duration.ts';

describe('a duration is read as in Go (time/format.go ParseDuration, time_test.go)', () => {
  test.each([
    ['0', 0],
    ['5s', 5000],
    ['30s', 30_000],
    ['1478s', 1_478_000],
    ['-5s', -5000],
    ['+5s', 5000],
    ['-0', 0],
    ['+0', 0],
    ['5.0s', 5000],
    ['5.6s', 5600],
    ['5.s', 5000],
    ['.5s', 500],
    ['1.004s', 1004],
    ['10ns', 0.00001],
    ['11us', 0.011],
    ['12\u00b5s', 0.012],
    ['12\u03bcs', 0.012],
    ['13ms', 13],
    ['15m', 900_000],
    ['16h', 57_600_000],
    ['3h30m', 12_600_000],
    ['10.5s4m', 250_500],
    ['1h2m3s4ms5us6ns', 3_723_004.005006],
    ['0.3333333333333333333h', 1_200_000],
    ['0.9223372036854775807h', 3_320_413.933267],
    ['9223372036854775807ns', 9_223_372_036_854.775807],
    ['-9223372036854775808ns', -9_223_372_036_854.775808],
    ['', undefined],
    ['3', undefined],
    ['-', undefined],
    ['s', undefined],
    ['.', undefined],
    ['-.', undefined],
    ['.s', undefined],
    ['+.s', undefined],
    ['1d', undefined],
    ['1 s', undefined],
    [' 1s', undefined],
    ['1S', undefined],
    ['1s2', undefined],
    ['--1s', undefined],
    ['1e3s', undefined],
    ['toString', undefined],
    ['9223372036854775808ns', undefined],
    ['9223372036854775.808us', undefined],
    ['3000000h', undefined],
    [`${'9'.repeat(1_000_000)}s`, undefined],
  ])('%s', (text, ms) => {
    if (ms === undefined) expect(goDurationMs(text)).toBeUndefined();
    else expect(goDurationMs(text)).toBeCloseTo(ms, 5);
  });
});

test('whole seconds are exact', () => {
  fc.assert(fc.property(fc.nat(1_000_000), (s) => goDurationMs(`${s}s`) === s * 1000));
});

test('reading never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => ['number', 'undefined'].includes(typeof goDurationMs(text))));
});
