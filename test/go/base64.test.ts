import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '#go/base64.ts';

function decode(text: string, padding: 'padded' | 'raw'): string {
  const decoded = decodeBase64(text, padding);
  return decoded.ok
    ? new TextDecoder().decode(decoded.bytes)
    : decoded.why.replace('illegal base64 data at input byte', 'stops at');
}

describe('base64 is decoded as in Go (encoding/base64 decodeQuantum, base64_test.go TestDecodeCorrupt)', () => {
  test.each([
    ['', 'padded', ''],
    ['dTpw', 'padded', 'u:p'],
    ['dTpwcA==', 'padded', 'u:pp'],
    ['dTpwcHA=', 'padded', 'u:ppp'],
    ['dTpwcA', 'raw', 'u:pp'],
    ['dTpwcHA', 'raw', 'u:ppp'],
    ['dTpw\ncA=\r\n=\n', 'padded', 'u:pp'],
    ['\n', 'padded', ''],
    // Left-over bits are not looked at.
    ['dTpwcB==', 'padded', 'u:pp'],
    ['!!!!', 'padded', 'stops at 0'],
    ['====', 'padded', 'stops at 0'],
    ['x===', 'padded', 'stops at 1'],
    ['=AAA', 'padded', 'stops at 0'],
    ['A=AA', 'padded', 'stops at 1'],
    ['AA=A', 'padded', 'stops at 2'],
    ['AA==A', 'padded', 'stops at 4'],
    ['AAA=AAAA', 'padded', 'stops at 4'],
    ['AAAAA', 'padded', 'stops at 4'],
    ['AAAAAA', 'padded', 'stops at 4'],
    ['A=', 'padded', 'stops at 1'],
    ['A==', 'padded', 'stops at 1'],
    ['AA=', 'padded', 'stops at 3'],
    ['AA==', 'padded', '\0'],
    ['AAA=', 'padded', '\0\0'],
    ['AAAA', 'padded', '\0\0\0'],
    ['AAAAA=', 'padded', 'stops at 5'],
    ['AAAAAA=', 'padded', 'stops at 7'],
    ['YWJjZA=====', 'padded', 'stops at 8'],
    ['A!\n', 'padded', 'stops at 1'],
    ['A=\n', 'padded', 'stops at 1'],
    ['A', 'raw', 'stops at 0'],
    ['AAAAA', 'raw', 'stops at 4'],
    ['dTpw cA', 'raw', 'stops at 4'],
    ['AA==', 'raw', 'stops at 2'],
    ['dTp-', 'raw', 'stops at 3'],
    ['éA==', 'padded', 'stops at 0'],
  ] as const)('%j %s', (text, padding, expected) => {
    expect(decode(text, padding)).toBe(expected);
  });
});

test('what was encoded decodes to the same bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeBase64(bytes);
      expect(text).toBe(Buffer.from(bytes).toString('base64'));
      expect(decodeBase64(text, 'padded')).toEqual({ ok: true, bytes });
      expect(decodeBase64(text.replace(/=+$/, ''), 'raw')).toEqual({ ok: true, bytes });
    }),
  );
});

test('decoding never throws', () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom('padded' as const, 'raw' as const), (text, padding) => {
      expect(typeof decodeBase64(text, padding).ok).toBe('boolean');
    }),
  );
});
