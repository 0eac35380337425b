import { describe, expect, test } from 'vitest';
import { junit } from '#output/print.ts';
import { atRisk, bug, fine, hostile, reportOf, reports, unseen, untrusted } from '../kit/reports.ts';

/** Enough of XML 1.0 to say that a text is well-formed: the names of its elements, in order of their beginning. */
function elements(xml: string): string[] {
  const start = xml.indexOf('?>') + 2;
  const [declaration, rest] = [xml.slice(0, start), xml.slice(start)];
  expect(declaration).toBe('<?xml version="1.0" encoding="UTF-8"?>');
  expect(xml.isWellFormed()).toBe(true);
  expect(xml).toMatch(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
  expect(rest.replaceAll(/&(?:amp|lt|gt|quot);/g, '')).not.toContain('&');
  const open: string[] = [];
  const met: string[] = [];
  const tag = /<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>|[^<]+/gy;
  let end = 0;
  for (const [whole, close, name = '', , self] of rest.matchAll(tag)) {
    end += whole.length;
    if (close === undefined) continue;
    if (close === '/') expect(open.pop()).toBe(name);
    else met.push(name);
    if (close === '' && self === '') open.push(name);
  }
  expect(end).toBe(rest.length);
  expect(open).toEqual([]);
  return met;
}

const count = (xml: string, name: string): number => elements(xml).filter((each) => each === name).length;

describe('a JUnit file', () => {
  test('is well-formed XML with one test case an image, whatever the registry says', () => {
    expect(count(junit(reports), 'testcase')).toBe(reports.length);
    expect(count(junit([hostile]), 'failure')).toBe(1);
    expect(junit([hostile])).toContain('&lt;b&gt;&amp;&quot;');
  });

  test.each([
    ['pulls: passes', fine, 0, 0, 0],
    ['at risk: passes', atRisk, 0, 0, 0],
    ['fails: failure', untrusted, 1, 0, 0],
    ['cannot be told: skipped', unseen, 0, 0, 1],
    ['our own bug: error', bug, 0, 1, 0],
  ])('%s', (_what, report, failures, errors, skipped) => {
    const xml = junit([report]);
    expect(xml).toContain(`tests="1" failures="${failures}" errors="${errors}" skipped="${skipped}"`);
    expect([count(xml, 'failure'), count(xml, 'error'), count(xml, 'skipped')]).toEqual([failures, errors, skipped]);
  });

  test('under --strict an image at risk is a failure', () => {
    expect(count(junit([atRisk], { atRiskFails: true }), 'failure')).toBe(1);
  });

  test('a failure carries code, cause and remedy; every case the whole story', () => {
    const xml = junit([untrusted]);
    expect(xml).toContain(
      '<failure type="tls.untrusted" message="tls.untrusted: Cause of tls.untrusted.">Cause of tls.untrusted.\nRemedy for tls.untrusted.</failure>',
    );
    expect(xml).toContain('classname="registry.example.com" name="registry.example.com/shop/pay:1" time="0.132"');
    expect(count(xml, 'system-out')).toBe(1);
  });

  test('no image, no case, still well-formed', () => {
    expect(elements(junit([]))).toEqual(['testsuites', 'testsuite']);
    expect(elements(junit([reportOf('', {})]))).toContain('testcase');
  });
});
