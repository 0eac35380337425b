import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { html } from '#output/page/html.ts';
import { page, pagePolicy } from '#output/page/page.ts';
import { entry, failing, ledgerOf, node7, now, pulling, reports, startingLedger } from '../../kit/ledger.ts';

const options = { nowMs: now, version: '0.1.0' };
/** A page as a reader takes it: where names may break is nothing to read. */
const read = (...given: Parameters<typeof page>): string => page(...given).replaceAll('<wbr />', '');
const shown = (...all: Parameters<typeof entry>[0][]): string =>
  read(ledgerOf(all.map((report) => entry(report))), options);

describe('the page', () => {
  test('says first how many images this node can pull', () => {
    expect(page(node7, options)).toContain('This node can pull 7 of 12 images.');
    expect(shown(reports.pulls, reports.atRisk)).toContain('This node can pull all 2 images.');
    expect(page(startingLedger(), options)).toContain('Starting: 0 of 1 images rehearsed so far.');
    expect(page(ledgerOf([]), options)).toContain('This node is asked for no image.');
  });

  test('lists the worst first, and of those the newest', () => {
    const [, text = ''] = read(node7, options).split('<div id="images">');
    const at = [reports.untrusted, reports.refused, reports.badTag, reports.unknown, reports.atRisk, reports.pulls].map(
      ({ image }) => text.indexOf(`<span class="image">${image}</span>`),
    );
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(at[0]).toBeGreaterThan(0);
  });

  test("a failing image shows cause, remedy, fault, since when, and the kubelet's words", () => {
    const text = page(ledgerOf([entry(reports.refused, 47 * 60_000)]), options);
    expect(text).toContain('harbor.corp.example (10.20.0.14) refuses connections on port 443.');
    expect(text).toContain('Start the registry or its load balancer');
    expect(text).toContain('<code>tcp.refused</code>');
    expect(text).toContain('failing for <time datetime="2026-03-04T11:11:10.000Z"');
    expect(text).toContain('<strong>ErrImagePull</strong>');
    expect(text).toContain('connect: connection refused');
  });

  test('what is foreseen is told with its remedy', () => {
    expect(shown(reports.atRisk)).toMatch(
      /certain to fail, in <time[^>]*>5 days<\/time>.*tls\.expired.*Renew the certificate/s,
    );
  });

  test('an image at risk shows why and what to do before anything else, as a failing one does', () => {
    const text = shown(reports.atRisk);
    expect(text).toMatch(/<dt>Remedy<\/dt>\s*<dd>Renew the certificate of registry\.example\.com before then\.<\/dd>/);
    expect(text.indexOf('<dt>Remedy</dt>')).toBeLessThan(text.indexOf('class="timeline"'));
  });

  test('what failed has its own colour in the legend', () => {
    expect(shown(reports.refused)).toMatch(
      /<p class="legend".*class="s-dns".*class="s-failed".*<ol class="waterfall">/s,
    );
    expect(shown(reports.refused)).not.toContain('class="s-tcp"');
  });

  test('a name breaks between its parts and nowhere else, and is the same name when copied', () => {
    expect(page(ledgerOf([entry(reports.pulls)]), options)).toContain(
      '<span class="image">registry.example.com/<wbr />shop/<wbr />web:<wbr />1.29</span>',
    );
  });

  test('graphics say in words what they draw', () => {
    const text = page(ledgerOf([entry(reports.refused, 47 * 60_000, [{}, {}])]), options);
    expect(text).toMatch(
      /role="img"\s+aria-label="Timeline, UTC: pulls since 10:11; then fails \(tcp\.refused\) since 11:11\."/,
    );
    expect(text).toContain('dns 3 ms · tcp 1 ms failed');
  });

  test('bars have real proportions', () => {
    const text = shown(reports.pulls);
    const [, x, width] = /<rect class="s-auth" x="([\d.]+)" y="0" width="([\d.]+)"/.exec(text) ?? [];
    expect([Number(x), Number(width)]).toEqual([
      Math.round((10_000 * 107) / 354) / 10,
      Math.round((10_000 * 53) / 354) / 10,
    ]);
  });

  test('reloads itself only where the reader asked for it, and can be told to stop', () => {
    expect(page(node7, options)).not.toContain('http-equiv="refresh"');
    const text = page(node7, { ...options, refreshS: 30 });
    expect(text).toContain('<meta http-equiv="refresh" content="30"');
    expect(text).toContain('>stop</a>');
  });

  test('one image can be looked at by itself', () => {
    const text = read(node7, { ...options, image: reports.refused.image });
    expect(text).toContain(reports.refused.image);
    expect(text).not.toContain(`<span class="image">${reports.denied.image}</span>`);
    expect(page(node7, { ...options, image: '<script>' })).toContain('There is no report on &lt;script&gt;.');
  });

  test('with hundreds of images the steps of those that pull are behind a link', () => {
    const many = Array.from({ length: 700 }, (_, n) => entry(pulling({ image: `r.example/a:${n}` })));
    const text = read(ledgerOf([entry(reports.refused), ...many]), options);
    expect(text).toContain('<a href="/?image=r.example%2Fa%3A0">');
    expect(text).toContain('and 200 more in');
    expect(text.match(/<details>/g)).toHaveLength(1);
    expect(text.length).toBeLessThan(1_500_000);
  });

  test('has no script, no style attribute, nothing from elsewhere, and landmarks with headings', () => {
    const text = page(node7, options);
    expect(text).not.toMatch(/<script|\sstyle=|\son[a-z]+=|src=|@import|url\(/i);
    expect(
      [...text.matchAll(/href="([^"]*)"/g)]
        .map(([, target]) => target)
        .filter((target) => !/^(?:\/|#|data:image)/.test(target ?? '')),
    ).toEqual([]);
    expect(text).toContain('<html lang="en">');
    expect([...text.matchAll(/<(header class="top|main|footer|h1|h2)[ >]/g)].length).toBeGreaterThanOrEqual(8);
    expect(pagePolicy).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}';/);
  });

  test('its policy lets in exactly the style that it has', () => {
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(page(node7, options)) ?? [];
    expect(pagePolicy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
  });

  test('ids are unique and what they label exists', () => {
    const text = page(node7, options);
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of text.matchAll(/aria-labelledby="([^"]*)"/g)) expect(ids).toContain(id);
  });

  const evil = `"><img src=x onerror=alert(1)>'<script>\u202e\u0000&amp;`;
  test('whatever a stranger named, it stays text', () => {
    const report = {
      ...failing({
        image: evil,
        registry: evil,
        fault: { code: 'manifest.unknown_tag', image: evil, host: evil, message: evil },
        stage: 'manifest',
        advice: { cause: evil, remedy: evil, owner: 'workload' },
        kubelet: { waitingReason: evil, waitingMessage: evil, events: [] },
        exchanges: [
          {
            act: 'resolve',
            method: 'GET',
            url: evil,
            route: 0,
            startMs: 0,
            ms: 1,
            because: evil,
            steps: [],
            as: evil,
            outcome: { ok: true, value: { status: 200, bytes: 0 } },
          },
        ],
      }),
      forecasts: [
        {
          rule: evil,
          about: evil,
          fault: 'tls.expired',
          likelihood: 'likely',
          effect: 'fails',
          because: evil,
          remedy: evil,
        },
      ],
      requestedBy: [{ kind: evil, namespace: evil, name: evil, part: evil }],
      evidence: [{ of: 'address', host: evil, target: evil, ms: 1, outcome: { ok: true, value: { note: evil } } }],
      plan: {
        runtime: evil,
        engine: evil,
        platform: evil,
        identities: [evil],
        routes: [{ url: evil, role: 'mirror', resolves: true, tls: 'none', because: evil }],
        doubts: [],
      },
    } as const;
    const text = page(ledgerOf([entry(report)], { node: evil }), { ...options, version: evil });
    expect(text).not.toMatch(/<img|<script|onerror=alert\(1\)>/);
    expect(text).not.toContain('\u202e');
    expect(text).not.toContain('\u0000');
  });

  test('times that no calendar holds do not break it', () => {
    const text = read(ledgerOf([entry({ ...reports.pulls, at: 'yesterday', ms: Number.NaN })]), {
      ...options,
      nowMs: now,
    });
    expect(text).toContain('registry.example.com/shop/web:1.29');
  });
});

describe('escape', () => {
  test('leaves nothing that markup is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.markup).not.toMatch(/[<>"']/);
        expect(html`<b title="${text}">${text}</b>`.markup).toMatch(/^<b title="[^"<>]*">[^<>]*<\/b>$/);
        expect(html`${text}`.markup.isWellFormed()).toBe(true);
      }),
    );
  });
});
