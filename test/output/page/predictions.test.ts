import { describe, expect, test } from 'vitest';
import type { Scores } from '#report/ledger.ts';
import { noScores, score } from '#report/ledger.ts';
import { page } from '#output/page/page.ts';
import { ledgerOf, node7, now, reports } from '../../kit/ledger.ts';
import { failed, scored, scores, tried } from '../../kit/scores.ts';

const options = { nowMs: now, version: '0.1.0' };
const shown = (given: Scores): string =>
  page(ledgerOf(node7.entries, { scores: given }), options).replaceAll('<wbr />', '');
const section = (given: Scores): string =>
  /<section aria-labelledby="predictions">.*<\/section>/s.exec(shown(given))?.[0] ?? '';

describe('predictions on the page', () => {
  test('stand beside what the kubelet got, word for word', () => {
    const text = section(scores);
    expect(text).toMatch(
      /missed.*shop\/web:1\.29.*drypull had said<\/span>\s*<strong>pulls<\/strong>.*The kubelet got<\/span>\s*<strong>ErrImagePull<\/strong>.*503 Service Unavailable/s,
    );
    expect(text).toMatch(
      /foretold.*payments\/api.*fails, ErrImagePull.*connection refused.*ErrImagePull.*connection refused/s,
    );
  });

  test('are summed up, and the sum is linked from the top', () => {
    expect(section(scores)).toContain(
      'Of 7 pulls by the kubelet, 5 went as foretold, 1 failed unforetold, 1 false alarm. Of 1 more nothing certain had been said.',
    );
    expect(shown(scores)).toContain('<a href="#predictions">5 of 7 predictions right</a>');
  });

  test('begin with misses, then false alarms, then what was right', () => {
    const text = [...section(scores).matchAll(/<span class="badge b-\w+">([^<]+)</g)].map(([, word]) => word);
    expect(text).toEqual(['missed', 'false alarm', 'foretold', 'foretold', 'foretold']);
    expect(section(scores)).toMatch(/<details class="dull">\s*<summary>Pulled as said <span class="quiet">the last 2</);
  });

  test('say how long before, and where the reason was another one', () => {
    expect(section(scores)).toContain('foretold 14 min before · for another reason than foretold');
    expect(section(scores)).toContain('<span class="quiet">, 60 s before</span>');
  });

  test('of a good day say so', () => {
    expect(section([tried(reports.pulls, 3)].reduce(score, noScores))).toContain(
      'Of 1 pull by the kubelet, every one went as foretold.',
    );
  });

  test('say so where there are none yet, and are not there where nobody watches the kubelet', () => {
    expect(section(noScores)).toContain('The kubelet has tried no pull yet that had been rehearsed before.');
    expect(shown(noScores)).not.toContain('href="#predictions"');
    expect(page(node7, options)).not.toContain('redictions');
    expect(page(ledgerOf(node7.entries, { scores }), { ...options, image: reports.refused.image })).not.toContain(
      'redictions',
    );
  });

  test('keep a miss that is in the tally, although newer ones pushed it out of the recent ones', () => {
    const many = Array.from({ length: 60 }, (_, n) => tried(reports.pulls, 100 - n));
    const text = section([...scored, ...many].reduce(score, noScores));
    expect(text).toContain('>missed<');
    expect(text).toContain('503 Service Unavailable');
    expect(text.match(/<li/g)?.length).toBeLessThanOrEqual(40);
  });

  test('are bounded, and stay text whatever the kubelet wrote', () => {
    const evil = `"><script>alert(1)</script>\u202e${'x'.repeat(100_000)}`;
    const given = Array.from({ length: 60 }, (_, n) =>
      tried(reports.pulls, n, { ...failed(evil, evil), pod: evil, part: evil.slice(0, 60), namespace: 'n' }),
    ).map((each) => ({ ...each, outcome: { ...each.outcome, pod: 'p"><img src=x>' } }));
    const text = section(given.reduce(score, noScores));
    expect(text).not.toMatch(/<script|<img|\u202e/);
    expect(text.length).toBeLessThan(150_000);
  });
});
