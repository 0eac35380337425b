import { describe, expect, test } from 'vitest';
import { readImageConfig } from '#image/config.ts';

function why(text: string): string {
  const read = readImageConfig(text);
  return read.ok ? 'fine' : read.why;
}

test('says the platform, and what each layer unpacks to', () => {
  const text = JSON.stringify({
    OS: 'linux',
    architecture: 'arm',
    variant: 'v7',
    created: '2026-01-01T00:00:00Z',
    rootfs: { type: 'layers', diff_ids: ['sha256:a', 'sha256:b'] },
    'moby.buildkit.buildinfo': 7,
  });
  expect(readImageConfig(text)).toEqual({
    ok: true,
    value: {
      platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      rootfsType: 'layers',
      diffIds: ['sha256:a', 'sha256:b'],
    },
  });
});

describe('what says nothing is fine', () => {
  test.each(['{}', 'null', '{"rootfs":null,"created":null,"os":null}'])('%s', (text) => {
    const value = { platform: { os: '', architecture: '' }, rootfsType: '', diffIds: [] };
    expect(readImageConfig(text)).toEqual({ ok: true, value });
  });
});

describe('what Go refuses', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['no', "invalid character 'o' in literal null (expecting 'u')"],
    ['[]', 'json: cannot unmarshal array into Go value of type v1.Image'],
    ['{"architecture":5}', 'json: cannot unmarshal number into Go struct field Image.architecture of type string'],
    ['{"config":[]}', 'json: cannot unmarshal array into Go struct field Image.config of type v1.ImageConfig'],
    ['{"created":"yesterday"}', 'its "created" is no RFC 3339 time'],
    ['{"created":5}', 'Time.UnmarshalJSON: input is not a JSON string'],
    [
      '{"rootfs":{"diff_ids":"sha256:a"}}',
      'json: cannot unmarshal string into Go struct field RootFS.rootfs.diff_ids of type []digest.Digest',
    ],
    [
      '{"rootfs":{"diff_ids":[5]}}',
      'json: cannot unmarshal number into Go struct field RootFS.rootfs.diff_ids of type digest.Digest',
    ],
  ])('%s', (text, expected) => {
    expect(why(text)).toBe(expected);
  });
});
