/** A list that comes in pieces is the list that was sent, whatever the pieces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readItems, type Listed } from '#kubernetes/api/item-stream.ts';

const mib = 1024 * 1024;

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(
  text: string,
  size = 7,
  maxBytes = mib,
): Promise<{ readonly items: readonly unknown[]; readonly listed: Listed }> {
  const items: unknown[] = [];
  const listed = await readItems(pieces(text, size), maxBytes, (item) => items.push(item));
  return { items, listed };
}

const head = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '7', continue: 'a"b' } };

describe('a list in pieces of any size', () => {
  const items = [
    { metadata: { name: 'a', labels: { 'x]': '}{"\\' } }, spec: { items: [1, [2, { items: [] }]] } },
    { 'quoted "items"': [], text: '\\\\"', newline: '\n', emoji: '🐳', empty: '' },
    {},
  ];
  test.each([1, 2, 3, 5, 64, 4096])('%i bytes', async (size) => {
    expect(await read(JSON.stringify({ ...head, items }), size)).toEqual({
      items,
      listed: { is: 'read', rest: { ...head, items: [] } },
    });
  });

  test('written for people', async () => {
    expect((await read(JSON.stringify({ items, ...head }, null, 2))).items).toEqual(items);
  });

  test('any JSON', async () => {
    const list = fc.record({ items: fc.array(fc.dictionary(fc.string(), fc.jsonValue())), metadata: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(list, fc.integer({ min: 1, max: 50 }), async (one, size) => {
        // What JSON can say: -0 is 0 there.
        const logged = JSON.parse(JSON.stringify(one)) as typeof one;
        const got = await read(JSON.stringify(one), size);
        expect(got.items).toEqual(logged.items);
        expect(got.listed).toEqual({ is: 'read', rest: { ...logged, items: [] } });
      }),
      { numRuns: 200 },
    );
  });
});

test.each([
  ['no items', '{"metadata":{}}', { metadata: {} }],
  ['items that are null, as Go writes an empty list', '{"items":null,"metadata":{}}', { items: null, metadata: {} }],
  ['items somewhere else', '{"metadata":{"items":[{"a":1}]}}', { metadata: { items: [{ a: 1 }] } }],
  ['a text that says items', '{"kind":"items","x":[{"a":1}]}', { kind: 'items', x: [{ a: 1 }] }],
  ['a Status', '{"kind":"Status","code":410}', { kind: 'Status', code: 410 }],
])('%s: nothing is taken, and the rest is whole', async (_, text, rest) => {
  expect(await read(text)).toEqual({ items: [], listed: { is: 'read', rest } });
});

test.each([
  ['half a list', '{"items":[{"a":1},{"b"'],
  ['an item that is none', '{"items":[{"a":}]}'],
  ['two documents', '{"items":[]}{"items":[]}'],
  ['no JSON', '<html>'],
  ['nothing', ''],
  ['a string without end', `{"items":[{"a":"${'x'.repeat(100)}`],
])('%s is malformed', async (_, text) => {
  expect((await read(text)).listed).toEqual({ is: 'malformed' });
});

test('a list that is longer than allowed is left', async () => {
  expect((await read(JSON.stringify({ items: [{ a: 'x'.repeat(1000) }] }), 64, 500)).listed).toEqual({
    is: 'too_long',
  });
});

test('items are taken as they come, not at the end', async () => {
  const taken: unknown[] = [];
  const seen: number[] = [];
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const text of ['{"items":[{"n":1}', ',{"n":2},', '{"n":3}]}']) {
      yield await Promise.resolve(Buffer.from(text));
      seen.push(taken.length);
    }
  }
  await readItems(slowly(), mib, (item) => taken.push(item));
  expect(seen).toEqual([1, 2, 3]);
});
