import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { undecodable, unpack } from '#registry/http/decode.ts';
import { digestOf } from '#image/digest.ts';

const archive = Buffer.from('an archive');
const isArchive = { is: 'archive', digest: digestOf(archive) };

describe('what a layer unpacks to', () => {
  test.each([
    ['gzip', gzipSync(archive), 'detected', isArchive],
    ['gzip of two members', Buffer.concat([gzipSync('an '), gzipSync('archive')]), 'detected', isArchive],
    ['no compression, whatever the type says', archive, 'detected', isArchive],
    ['gzip that is taken as it is', gzipSync(archive), 'none', { is: 'archive', digest: digestOf(gzipSync(archive)) }],
    [
      'gzip that breaks off',
      gzipSync(archive).subarray(0, 20),
      'detected',
      { is: 'broken', why: 'the gzip is damaged' },
    ],
    ['zstd, which is not looked into', zstdCompressSync(archive), 'detected', undefined],
    ['nothing', Buffer.of(), 'detected', { is: 'archive', digest: digestOf(Buffer.of()) }],
  ] as const)('%s', (_, bytes, compression, expected) => {
    expect(unpack(bytes, compression, 1000)).toEqual(expected);
  });

  test('more than is allowed is not looked at', () => {
    expect(unpack(gzipSync(Buffer.alloc(1001)), 'detected', 1000)).toBeUndefined();
  });
});

describe('what containerd cannot begin to decode', () => {
  test.each([
    ['', 'x', undefined],
    ['identity', 'x', undefined],
    ['gzip', gzipSync('x'), undefined],
    ['GZIP', gzipSync('x'), undefined],
    ['gzip', 'x', 'gzip: invalid header'],
    ['gzip', '', 'EOF'],
    ['br', 'x', 'unsupported Content-Encoding algorithm: br'],
    ['br, gzip', gzipSync('x'), 'unsupported Content-Encoding algorithm: br'],
    ['zstd', 'x', undefined],
  ])('%s', (encoding, body, expected) => {
    const headers = encoding === '' ? {} : { 'content-encoding': [encoding] };
    const answer = { status: 200, headers, body: Buffer.from(body), bodyMs: 0, whole: true };
    expect(undecodable(answer, 'zstd_gzip_deflate')).toBe(expected);
    expect(undecodable(answer, 'gzip')).toBeUndefined();
  });
});
