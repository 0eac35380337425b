import { describe, expect, test } from 'vitest';
import { KnownTags } from '../../src/stage/known-tags.ts';

const at = { place: 'm.test/v2', reference: 'reg.test/a:1' };
const one = { digest: 'one', mediaType: 'm', size: 1 };
const hourMs = 3_600_000;

describe('tags', () => {
  test('are remembered by place and reference, the latest of each', () => {
    const tags = new KnownTags();
    tags.keep(at, one, { shown: 'tag', nowMs: 0 });
    tags.keep(at, { ...one, digest: 'two' }, { shown: 'tag', nowMs: 1 });
    expect(tags.at('m.test/v2', 'reg.test/a:1')?.digest).toBe('two');
    expect(tags.at('other.test/v2', 'reg.test/a:1')).toBeUndefined();
    expect(tags.at('m.test/v2', 'reg.test/a:2')).toBeUndefined();
  });

  test('have been asked for when they were, and have shown their content when they did', () => {
    const tags = new KnownTags();
    const times = () => {
      const known = tags.at(at.place, at.reference);
      return [known?.tagMs, known?.contentMs];
    };
    tags.keep(at, one, { shown: 'tag', nowMs: 10 });
    expect(times()).toEqual([10, 10]);
    tags.keep(at, one, { shown: 'same_tag', nowMs: 20 });
    expect(times()).toEqual([20, 10]);
    tags.keep(at, one, { shown: 'content', nowMs: 30 });
    expect(times()).toEqual([20, 30]);
  });

  test('that no longer hold are forgotten', () => {
    const tags = new KnownTags();
    tags.keep(at, one, { shown: 'tag', nowMs: 0 });
    tags.drop(at.place, at.reference);
    expect(tags.at(at.place, at.reference)).toBeUndefined();
  });

  test('are many, and not without end', () => {
    const tags = new KnownTags();
    for (let i = 0; i < 10_001; i += 1) tags.keep({ ...at, reference: String(i) }, one, { shown: 'tag', nowMs: 0 });
    expect(tags.at(at.place, '0')).toBeUndefined();
    expect(tags.at(at.place, '1')).toBeDefined();
  });
});

test('an image pulls if that was the last word on it', () => {
  const tags = new KnownTags();
  expect(tags.isPulling('a')).toBe(false);
  tags.judged('a', true);
  expect([tags.isPulling('a'), tags.isPulling('b')]).toEqual([true, false]);
  tags.judged('a', false);
  expect(tags.isPulling('a')).toBe(false);
});

test('a host that misled is mistrusted for six hours, and no other', () => {
  const tags = new KnownTags();
  tags.mistrust('m.test', 1000);
  expect([0, 6 * hourMs + 999, 6 * hourMs + 1000].map((ms) => tags.isMistrusted('m.test', ms))).toEqual([
    true,
    true,
    false,
  ]);
  expect(tags.isMistrusted('other.test', 1000)).toBe(false);
});
