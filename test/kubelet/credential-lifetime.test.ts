import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lifetimeOf } from '#kubelet/credential-lifetime.ts';
import { Secret } from '#report/secret.ts';
import { ecrPassword, jwt } from '../kit/tokens.ts';

const endsMs = Date.parse('2026-03-05T00:00:00.000Z');
const endsS = endsMs / 1000;
const lifetime = (text: string) => lifetimeOf(new Secret(text));
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a password tells when it ends', () => {
  test("private ECR's, which lives for twelve hours", () => {
    expect(lifetime(ecrPassword(endsMs))).toEqual({ endsMs, beganMs: endsMs - 12 * 3_600_000 });
  });

  test('one with a line end behind it, as a shell puts it there', () => {
    expect(lifetime(`${ecrPassword(endsMs)}\n`)?.endsMs).toBe(endsMs);
  });

  test.each([
    ['with all dates', { exp: endsS, iat: endsS - 60, nbf: endsS - 30 }, { endsMs, beganMs: endsMs - 60_000 }],
    ['with a beginning', { exp: endsS, nbf: endsS - 30 }, { endsMs, beganMs: endsMs - 30_000 }],
    ['with its end alone', { exp: endsS }, { endsMs }],
    ['with a fraction of a second', { exp: endsS + 0.5 }, { endsMs: endsMs + 500 }],
    ['that began after its end', { exp: endsS, iat: endsS + 1 }, { endsMs }],
  ])('a JWT %s', (_, claims, expected) => {
    expect(lifetime(jwt(claims))).toEqual(expected);
  });
});

describe('a password tells nothing', () => {
  test.each([
    ['empty', ''],
    ['a personal access token', 'dckr_pat_1234567890abcdefghijklmnopq'],
    ['a JWT without an end', jwt({ sub: 'ci' })],
    ['a JWT whose end is a text', jwt({ exp: '1767225600' })],
    ['a JWT whose end is in milliseconds', jwt({ exp: endsMs })],
    ['a JWT that ended before there were any', jwt({ exp: 12 })],
    ['a JWT with a broken part', 'eyJh.%%%.x'],
    ['two parts', 'eyJh.eyJl'],
    ['JSON that is no object', base64('{"a').replace(/=+$/, '')],
    ['JSON of something else', base64('{"expiration":1767225600}')],
    ['too long', `eyJ${'A'.repeat(70_000)}`],
  ])('%s', (_, text) => {
    expect(lifetime(text)).toBeUndefined();
  });

  test('nothing that anybody writes makes it throw', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        for (const text of [`eyJ${one}`, `eyJ${one}.${other}.x`, `eyJ.${base64(other)}.`]) lifetime(text);
      }),
    );
  });
});
