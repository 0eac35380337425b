import { describe, expect, test } from 'vitest';
import { KnownTags } from '#runtime/attempt/known-tags.ts';

const asker = { reference: 'reg.test/a:1', as: 'anonymous' };
const at = { place: 'm.test/v2', ...asker };
const one = { digest: 'one', mediaType: 'm', size: 1 };
const hourMs = 3_600_000;

describe('tags', () => {
  test('are remembered by place, reference and identity, the latest of each', () => {
    const tags = new KnownTags();
    tags.keep(at, one, { shown: 'tag', nowMs: 0 });
    tags.keep(at, { ...one, digest: 'two' }, { shown: 'tag', nowMs: 1 });
    expect(tags.at('m.test/v2', asker)?.digest).toBe('two');
    expect(tags.at('other.test/v2', asker)).toBeUndefined();
    expect(tags.at('m.test/v2', { ...asker, reference: 'reg.test/a:2' })).toBeUndefined();
    expect(tags.at('m.test/v2', { ...asker, as: 'ci' }), 'whom nobody has told').toBeUndefined();
  });

  test('have been asked for when they were, and have shown their content when they did', () => {
    const tags = new KnownTags();
    const times = () => {
      const known = tags.at(at.place, asker);
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
    tags.drop(at.place, asker);
    expect(tags.at(at.place, asker)).toBeUndefined();
  });

  test('are many, and not without end', () => {
    const tags = new KnownTags();
    for (let i = 0; i < 10_001; i += 1) tags.keep({ ...at, reference: String(i) }, one, { shown: 'tag', nowMs: 0 });
    expect(tags.at(at.place, { ...asker, reference: '0' })).toBeUndefined();
    expect(tags.at(at.place, { ...asker, reference: '1' })).toBeDefined();
  });
});

describe('an image pulls for an identity', () => {
  const pulling = (tags: KnownTags, reference = 'a'): readonly string[] =>
    ['one', 'two', 'three'].filter((as) => tags.isPulling({ reference, as }));

  test('if that was the last word of a rehearsal that rests on it', () => {
    const tags = new KnownTags();
    expect(pulling(tags)).toEqual([]);
    tags.judged('a', ['one', 'two'], true);
    expect(pulling(tags)).toEqual(['two']);
    expect(pulling(tags, 'b')).toEqual([]);
    tags.judged('a', ['two'], false);
    expect(pulling(tags)).toEqual([]);
  });

  test('whatever another got', () => {
    const tags = new KnownTags();
    tags.judged('a', ['one'], true);
    tags.judged('a', ['two'], false);
    expect(pulling(tags)).toEqual(['one']);
  });

  test('not where nobody could ask', () => {
    const tags = new KnownTags();
    tags.judged('a', ['one'], true);
    tags.judged('a', [], false);
    expect(pulling(tags)).toEqual([]);
  });
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
