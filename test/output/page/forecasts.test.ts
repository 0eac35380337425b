/** What people, programs and Prometheus are told of what is coming: the same, in the same order. */
import { describe, expect, test } from 'vitest';
import { answerFor } from '#report/node-answer.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Ledger } from '#report/ledger.ts';
import { leftText, forecastText } from '#output/forecast-text.ts';
import { nodeBody } from '#output/http/node-body.ts';
import { page } from '#output/page/page.ts';
import { story } from '#output/terminal/details.ts';
import { table } from '#output/terminal/table.ts';
import { certificate, flaky, foretoldNode, held, moved, queue, quota, untold } from '../../kit/foretold.ts';
import { entry, ledgerOf, now, pulling, risking, startingLedger } from '../../kit/ledger.ts';
import { metricsOver } from '../../kit/metrics.ts';

const image = 'registry.example.com/shop/cart:2';
const of = (...forecasts: readonly Forecast[]): Ledger => ledgerOf([entry(risking({ image }, forecasts))]);
/** As a reader takes it: where names may break is nothing to read. */
const shown = (ledger: Ledger, nowMs = now): string =>
  page(ledger, { nowMs, version: '0.1.0' }).replaceAll('<wbr />', '');
const upcoming = (ledger: Ledger, nowMs = now): string =>
  /<section class="outlook".*?<\/section>/s.exec(shown(ledger, nowMs))?.[0] ?? '';
const listed = (text: string): readonly string[] =>
  [...text.matchAll(/<p class="when">(.*?)<\/p>/gs)].map(([, when = '']) => when.replace(/<[^>]*>/g, '').trim());

describe('the list at the top of the page', () => {
  test('stands before the images, the most urgent first, with the time left', () => {
    const text = shown(foretoldNode);
    expect(text.indexOf('What will break next on this node')).toBeGreaterThan(0);
    expect(text.indexOf('What will break next on this node')).toBeLessThan(text.indexOf('<div id="images">'));
    expect(listed(upcoming(of(certificate, queue, flaky, quota, held)))).toEqual([
      'any moment likely to fail',
      'in 38 min likely to fail',
      'in 3 days certain to fail',
      'time unknown may fail',
      'any moment may be late',
    ]);
  });

  test('the time goes on between rehearsals, and is told to machines', () => {
    expect(listed(upcoming(of(quota), now + 20 * 60_000))).toEqual(['in 18 min likely to fail']);
    expect(listed(upcoming(of(quota), now + 3_600_000))).toEqual(['any moment likely to fail']);
    expect(upcoming(of(quota))).toContain('<time datetime="2026-03-04T12:38:10.000Z"');
  });

  test('says why, on what it rests, what to do, what it is about and whom it hits', () => {
    const text = upcoming(of(quota));
    expect(text).toContain('34 went in the last hour, if the last hour&#39;s consumption goes on.</p>');
    expect(text).toContain(`<p class="do">${quota.remedy}</p>`);
    expect(text).toContain('<span class="image">docker.io, 203.0.113.7</span> · <code>api.rate_limited</code>');
    expect(text).toContain(`<span class="image">${image}</span>`);
    const many = ledgerOf(['a', 'b', 'c', 'd'].map((name) => entry(risking({ image: name }, [quota]))));
    expect(upcoming(many)).toContain('4 images');
    expect(upcoming(ledgerOf([entry(pulling({ image }))], { forecasts: [quota], forecastMs: now }))).toContain(
      'the whole node',
    );
  });

  test('what is held says when it was seen last, and what stays since when', () => {
    expect(upcoming(of(held))).toMatch(/not seen now; last seen <time [^>]*>11 min<\/time>\s+ago/);
    expect(upcoming(of(certificate))).toMatch(/foretold for <time [^>]*>30 h<\/time>/);
  });

  test('what is only to know and what could not be told are folded, and not counted', () => {
    const text = upcoming(of(quota, moved, untold));
    expect(text).toMatch(/<h2 id="next">\s*What will break next on this node\s*<span class="quiet">1<\/span>/);
    expect(text).toMatch(/<details class="fold">\s*<summary>To know: no pull of this node fails by it/);
    expect(text).toMatch(/<details class="fold">\s*<summary>What could not be told, and why/);
    expect(text).toContain('the directory is not mounted into the Pod.');
  });

  test('a node with nothing coming says so, and an agent that has just started says nothing', () => {
    expect(upcoming(ledgerOf([entry(pulling({ image }))]))).toContain('Nothing that drypull can see.');
    expect(upcoming(of(untold))).toContain('Nothing that drypull can see; what it cannot is listed below.');
    expect(upcoming(startingLedger())).toBe('');
  });

  test('a hundred troubles are folded but for eight', () => {
    const many = Array.from({ length: 300 }, (_, n) => ({ ...quota, about: `account ${n}` }));
    const text = upcoming(of(...many));
    expect(text.slice(0, text.indexOf('<details')).match(/<p class="when">/g)).toHaveLength(8);
    expect(text.match(/<p class="when">/g)).toHaveLength(108);
  });

  test('whatever a stranger named, it stays text', () => {
    const evil = `"><img src=x onerror=alert(1)>'<script>\u202e\u0000`;
    const hostile: Forecast = {
      ...quota,
      rule: evil,
      about: evil,
      assuming: evil,
      because: evil,
      remedy: evil,
      since: evil,
    };
    const text = shown(of(hostile, { ...hostile, likelihood: 'unknown' }, { ...hostile, effect: 'none', seen: evil }));
    expect(text).not.toMatch(/<img|<script/);
    expect(text).not.toMatch(/[\u202e\u0000]/);
  });
});

describe('the hosts on the page', () => {
  const hosts = (ledger: Ledger): string =>
    /<section aria-labelledby="hosts">.*?<\/section>/s.exec(shown(ledger))?.[0] ?? '';

  test('those in trouble first, each with its timeline in words', () => {
    const names = [...hosts(foretoldNode).matchAll(/<span class="image">([^<]*)<\/span>/g)].map(([, name]) => name);
    expect(names.slice(0, 3)).toEqual([
      'harbor.corp.example',
      'cdn.quay.io',
      'mirror-eu-central-2.registry-cache.platform.corp.example:5000',
    ]);
    expect(hosts(foretoldNode)).toMatch(/does not answer<\/span>\s*<span class="quiet">for <time [^>]*>47 min/);
    expect(hosts(foretoldNode)).toContain('answers since 03-03 16:00; then does not answer (tcp.reset) since 11:13.');
  });

  test('those that answered all the time are folded', () => {
    const [, folded = ''] = hosts(foretoldNode).split('<details class="fold">');
    expect(folded).toContain('registry-1.docker.io');
    expect(folded).not.toContain('harbor.corp.example');
  });

  test('are not there where none was asked, and strangers stay text', () => {
    expect(hosts(ledgerOf([]))).toBe('');
    const minute = { fromMs: now - 1000, toMs: now, works: 1, fails: 0 };
    expect(hosts(ledgerOf([], { routes: { '<script>': { spans: [], minute } } }))).toContain('&lt;script&gt;');
  });
});

test('/node tells the first twenty, with the time left now', () => {
  const many = Array.from({ length: 30 }, (_, n) => ({ ...quota, about: `account ${n}`, withinS: 7_200 + n }));
  const ledger = of(certificate, ...many);
  const body = nodeBody(ledger, answerFor(ledger, now), now) as { readonly upcoming: readonly unknown[] };
  expect(body.upcoming).toHaveLength(20);
  expect(body.upcoming[0]).toMatchObject({
    rule: quota.rule,
    about: 'account 0',
    withinS: 7_200 - 110,
    by: '2026-03-04T13:58:10.000Z',
    images: 1,
    some: [image],
  });
});

describe('the terminal', () => {
  const report = risking({ image }, [quota, untold]);
  const bare = { ...report, advice: undefined };

  test('the table says how long is left, and below it why and what to do', () => {
    const { advice, ...without } = bare;
    expect(advice).toBeUndefined();
    const lines = table([without], { width: 120, colour: false }).split('\n');
    expect(lines[1]).toContain('api.rate_limited in 40 min');
    expect(lines.join('\n')).toContain(
      "[1] docker.io has 23 of 100 pulls in 6 h left for 203.0.113.7, and 34 went in the last hour, if the last hour's",
    );
    expect(lines.join('\n')).toContain('→ Log in to docker.io');
    const piped = table([without], { width: Infinity, colour: false });
    expect(piped).toMatch(/api\.rate_limited in 40 min: docker\.io has 23 of 100 pulls.*Log in to docker\.io/);
  });

  test('the story holds every forecast, also what could not be told', () => {
    const text = story(risking({ image }, [quota, held, moved, untold]), { colour: false });
    expect(text).toContain(
      'likely to fail, in 40 min: api.rate_limited (quota-runs-out, about docker.io, 203.0.113.7)',
    );
    expect(text).toContain('not seen now, last at 2026-03-04T11:49:00.000Z; held because it may come back');
    expect(text).toContain('to know: manifest.tag_moved');
    expect(text).toContain('cannot be told: agent.cannot_see (disk-fills, about /var/lib/containerd)');
  });
});

describe('drypull_forecast_within_seconds', () => {
  const series = async (ledger: Ledger): Promise<readonly string[]> =>
    (await metricsOver(() => ledger).scrape()).body
      .split('\n')
      .filter((line) => line.startsWith('drypull_forecast_within_seconds{'));

  test('one for each trouble with a time, the soonest first, however many images it hits', async () => {
    const ledger = ledgerOf([
      entry(risking({ image: 'a' }, [certificate, flaky, held])),
      entry(risking({ image: 'b' }, [certificate, moved, untold])),
    ]);
    expect(await series(ledger)).toEqual([
      'drypull_forecast_within_seconds{rule="blob-host-flaky",fault="blob.redirect_failed",about="cdn.quay.io"} 0',
      `drypull_forecast_within_seconds{rule="certificate-expires",fault="tls.expired",about="registry.example.com"} ${3 * 86_400 - 110}`,
    ]);
  });

  test('are bounded in number and length, and go with what is over', async () => {
    const many = Array.from({ length: 200 }, (_, n) => ({ ...quota, about: `${n}${'x'.repeat(500)}` }));
    const found = await series(of(...many));
    expect(found).toHaveLength(50);
    expect(Math.max(...found.map(({ length }) => length))).toBeLessThan(260);
    expect(await series(ledgerOf([entry(pulling({ image }))]))).toEqual([]);
  });
});

test.each([
  ['certain', 'fails', 'certain to fail'],
  ['possible', 'delays', 'may be late'],
  ['certain', 'none', 'to know'],
  ['unknown', 'none', 'cannot be told'],
] as const)('%s and %s: %s', (likelihood, effect, text) => {
  expect(forecastText({ likelihood, effect })).toBe(text);
});

test.each([
  [0, 'any moment'],
  [999, 'any moment'],
  [61_000, '61 s'],
  [undefined, undefined],
])('%s ms are %s', (ms, text) => {
  expect(leftText(ms)).toBe(text);
});
