import { describe, expect, test } from 'vitest';
import { progress } from '#output/print.ts';
import type { ProgressStream } from '#output/print.ts';
import { fine, hostile, untrusted } from '../../kit/reports.ts';

function terminal(given: Partial<ProgressStream>): ProgressStream & { readonly written: string[] } {
  const written: string[] = [];
  return { ...given, written, write: (text) => written.push(text) };
}

describe('on a terminal', () => {
  test('one line is written over, with how many of how many, percent, time and the last image', () => {
    const stream = terminal({ isTTY: true, columns: 80 });
    let now = 0;
    const shown = progress(stream, { total: 4, elapsedMs: () => now, colour: false });
    shown.tick();
    now = 1500;
    shown.done(fine);
    shown.done(untrusted);
    shown.stop();
    expect(stream.written).toEqual([
      '\r\u001b[2K⠙ 0 of 4 images (0 %), 0 ms',
      '\r\u001b[2K⠙ 1 of 4 images (25 %), 1.5 s  registry.example.com/shop/web:1.4',
      '\r\u001b[2K⠙ 2 of 4 images (50 %), 1.5 s, 1 fails  registry.example.com/shop/pay:1',
      '\r\u001b[2K',
    ]);
  });
  test('after its end nothing is written any more', () => {
    const stream = terminal({ isTTY: true });
    const shown = progress(stream, { total: 1, elapsedMs: () => 0, colour: false });
    shown.stop();
    shown.tick();
    shown.stop();
    expect(stream.written).toEqual(['\r\u001b[2K']);
  });
  test.each([0, 5, 20, 40])("it never needs a second line, nor obeys an image's name, at %i columns", (columns) => {
    const stream = terminal({ isTTY: true, columns });
    progress(stream, { total: 1, elapsedMs: () => 0, colour: false }).done(hostile);
    const line = stream.written.join('').replace('\r\u001b[2K', '');
    expect(line.length).toBeLessThan(columns === 0 ? 80 : columns);
    expect(line).not.toContain('\u001b');
  });
});

describe('elsewhere', () => {
  test('short work is done in silence', () => {
    const stream = terminal({});
    const shown = progress(stream, { total: 2, elapsedMs: () => 9000, colour: false });
    shown.done(fine);
    shown.tick();
    shown.stop();
    expect(stream.written).toEqual([]);
  });
  test('long work says a whole line every ten seconds', () => {
    const stream = terminal({ isTTY: false });
    let now = 0;
    const shown = progress(stream, { total: 200, elapsedMs: () => now, colour: true });
    for (now = 0; now < 25_000; now += 1000) shown.tick();
    shown.stop();
    expect(stream.written).toEqual([
      '0 of 200 images (0 %) rehearsed after 10.0 s\n',
      '0 of 200 images (0 %) rehearsed after 20.0 s\n',
    ]);
  });
});
