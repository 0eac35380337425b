import { describe, expect, test } from 'vitest';
import { fit, pad, widthOf, wrap } from '#output/terminal/paint.ts';
import { table } from '#output/print.ts';
import {
  atRisk,
  denied,
  fine,
  hostile,
  malformed,
  noTag,
  reportOf,
  reports,
  restarted,
  unseen,
  untrusted,
} from '../../kit/reports.ts';

const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
const at = (width: number, colour = false): string[] => table(reports, { width, colour }).split('\n');

describe('a table has one line an image', () => {
  test.each([80, 100, 120, 200])(
    'none is longer than the %i columns of the terminal, nor are the notes, but for words to copy',
    (width) => {
      const [head = '', ...lines] = at(width);
      expect(head).toMatch(/^VERDICT +IMAGE /);
      expect(lines.indexOf('')).toBe(reports.length);
      for (const line of [head, ...lines]) expect(widthOf(line)).toBeLessThanOrEqual(width);
    },
  );

  test.each([1, 10, 30, 40, 60])('a terminal of %i columns gets a table that is as narrow as it can be', (width) => {
    expect(at(width).indexOf('')).toBe(reports.length + 1);
  });

  test('in a pipe everything stands in the line, uncut, and nothing else is printed', () => {
    const lines = at(Infinity);
    expect(lines).toHaveLength(reports.length + 1);
    expect(lines[4]).toMatch(
      /^fails +registry\.example\.com\/shop\/pay:1 +tls +tls\.untrusted: Cause of tls\.untrusted\. +132 ms +exact +Remedy for tls\.untrusted\.$/,
    );
    expect(lines.join('\n')).toContain(denied.image);
    expect(lines[2]).toContain('exact-if-restarted: /etc/containerd/config.toml is newer than the running containerd');
  });

  test('verdict, stage, cause, time and next step of a failure stand in it', () => {
    const line = table([noTag], { width: 120, colour: false }).split('\n')[1];
    expect(line).toBe('fails    app:1  manifest  manifest.unknown_tag  132 ms  [1] use a tag that exists');
  });

  test('an image that pulls says what would come', () => {
    expect(table([fine], { width: 100, colour: false })).toContain('linux/amd64, 7 layers, 54 MB');
  });

  test('nothing at all for no images', () => {
    expect(table([], { width: 80, colour: false })).toBe('');
  });

  test('an image at risk shows the forecast', () => {
    expect(table([atRisk], { width: 120, colour: false }).split('\n')[1]).toBe(
      'at risk  registry.example.com/shop/mail:3         tls.expired in 2 days  132 ms  [1] Renew the certificate.',
    );
  });
});

describe('below the table', () => {
  test('cause and remedy stand in full, once for equal advice', () => {
    const twice = table([untrusted, { ...untrusted, image: 'registry.example.com/shop/other:1' }], {
      width: 80,
      colour: false,
    });
    expect(twice.match(/^\[1\] Cause of tls\.untrusted\.\n {4}→ Remedy for tls\.untrusted\.$/gm)).toHaveLength(1);
    expect(twice).not.toContain('[2]');
  });

  test('what keeps a verdict from being exact is said', () => {
    const text = table([restarted, unseen], { width: 200, colour: false });
    expect(text).toContain('pulls*');
    expect(text).toContain('unknown~');
    expect(text).toContain(
      '* exact once the runtime has restarted: /etc/containerd/config.toml is newer than the running containerd',
    );
    expect(text).toContain('~ approximate: a pull secret was not given; the resolver of the C library is imitated');
  });

  test('a command longer than the line is not cut, so that it can be copied', () => {
    const command = `\`kubectl ${'x'.repeat(100)}\``;
    const report = reportOf('a', { ...untrusted, advice: { cause: 'c', remedy: `Do ${command} now.`, owner: 'node' } });
    expect(table([report], { width: 60, colour: false }).replaceAll(/\s+/g, ' ')).toContain(command);
  });
});

describe('whatever a registry or a manifest says', () => {
  test.each([80, 120, Infinity])('nothing in it moves the cursor at %d columns', (width) => {
    expect(table([hostile, malformed], { width, colour: false })).not.toMatch(control);
  });

  test('colours are there only when asked for, and take no room', () => {
    expect(at(80).join('\n')).not.toContain('\u001b');
    const coloured = at(80, true).join('\n');
    expect(coloured).toContain('\u001b[31mfails');
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '').split('\n')).toEqual(at(80));
  });
});

describe('columns', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['漢字', 4],
    ['한글', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['…', 1],
  ])('%j takes %i', (text, columns) => {
    expect(widthOf(text)).toBe(columns);
    expect(widthOf(pad(text, 10))).toBe(10);
  });
  test.each([
    ['registry.example.com/web:1', 12, 'end', 'registry.ex…'],
    ['registry.example.com/web:1', 13, 'middle', 'regi…om/web:1'],
    ['漢字漢字', 5, 'end', '漢字…'],
    ['漢字漢字', 4, 'end', '漢…'],
    ['ab', 1, 'end', '…'],
    ['ab', 0, 'end', ''],
  ] as const)('%s cut to %i at the %s is %s', (text, columns, where, wanted) => {
    expect(fit(text, columns, where)).toBe(wanted);
  });
  test('words are wrapped, long ones left whole', () => {
    expect(wrap('a bb ccc dddddddd e', 5)).toEqual(['a bb', 'ccc', 'dddddddd', 'e']);
  });
});
