import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteBuffer, readBounded } from '#data/byte-buffer.ts';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

describe('readBounded', () => {
  test('returns what was sent, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), async (bytes, size) => {
        const read = await readBounded(pieces(bytes, size), 300);
        expect(read).toEqual({ is: 'whole', bytes });
      }),
    );
  });

  test('ends at the first byte that is too many', async () => {
    expect(await readBounded(pieces(Buffer.alloc(100), 30), 99)).toEqual({ is: 'too_long' });
    expect(await readBounded(pieces(Buffer.alloc(99), 30), 99)).toMatchObject({ is: 'whole' });
  });

  test('ends where a body comes byte by byte', async () => {
    expect(await readBounded(pieces(Buffer.alloc(3_000_000), 1), 4_000_000)).toEqual({ is: 'too_many_pieces' });
    expect(await readBounded(pieces(Buffer.alloc(16_384), 1), 4_000_000)).toMatchObject({ is: 'whole' });
    expect(await readBounded(pieces(Buffer.alloc(3_000_000), 64), 4_000_000)).toMatchObject({ is: 'whole' });
  });
});

test('a chunk that does not fit is cut off', () => {
  const buffer = new ByteBuffer(5);
  expect(buffer.add(Buffer.from('abc'))).toBe('added');
  expect(buffer.add(Buffer.from('def'))).toBe('too_long');
  expect(buffer.text()).toBe('abcde');
});

test('drop removes from the start', () => {
  const buffer = new ByteBuffer(10);
  buffer.add(Buffer.from('abcdef'));
  buffer.drop(4);
  expect(buffer.text()).toBe('ef');
  buffer.add(Buffer.from('gh'));
  expect(buffer.text()).toBe('efgh');
});
