import { describe, expect, test } from 'vitest';
import { readToken } from '#registry/token/answer.ts';

function read(text: string, method: 'GET' | 'POST' = 'GET'): string {
  const ending = readToken(text, method, 0);
  if (ending.is === 'granted') return ending.token.header.reveal();
  return ending.is === 'undecodable' ? ending.why : ending.is;
}

describe('a token answer that containerd takes', () => {
  test.each([
    ['{"token":"t"}'],
    ['{"access_token":"t"}'],
    ['{"token":"other","access_token":"t"}'],
    ['{"token":"t","access_token":""}'],
    ['{"token":"t","access_token":null}'],
    ['{"Token":"t"}'],
    ['{"ACCESS_TOKEN":"t"}'],
    ['{"token":"","token":"t"}'],
    ['{"token":"t"} and more'],
    ['{"token":"t"}\n{"token":5}'],
    ['{"token":"t","expires_in":null,"issued_at":null}'],
    ['{"token":"t","expires_in":-1}'],
    ['{"token":"t","issued_at":"2026-02-28T23:59:59.123456789+01:00"}'],
    ['{"token":"t","scope":["pull"]}'],
  ])('%s', (text) => {
    expect(read(text)).toBe('Bearer t');
  });
});

describe('a token answer that containerd does not take', () => {
  test.each([
    ['', 'EOF'],
    ['{"token":', 'unexpected EOF'],
    ['<html>', "invalid character '<' looking for beginning of value"],
    ['[]', 'json: cannot unmarshal array into Go value of type auth.FetchTokenResponse'],
    ['null', 'empty'],
    ['{}', 'empty'],
    ['{"token":5}', 'json: cannot unmarshal number into Go struct field FetchTokenResponse.token of type string'],
    [
      '{"token":"t","expires_in":300.0}',
      'json: cannot unmarshal number 300.0 into Go struct field FetchTokenResponse.expires_in of type int',
    ],
    [
      '{"token":"t","expires_in":"300"}',
      'json: cannot unmarshal string into Go struct field FetchTokenResponse.expires_in of type int',
    ],
    [
      '{"token":"t","expires_in":9223372036854775808}',
      'json: cannot unmarshal number 9223372036854775808 into Go struct field FetchTokenResponse.expires_in of type int',
    ],
    ['{"token":"t","issued_at":1}', 'Time.UnmarshalJSON: input is not a JSON string'],
    ['{"token":"t","issued_at":"2026-02-30T00:00:00Z"}', 'issued_at is no RFC 3339 time'],
    ['{"token":"t","issued_at":"2026-01-01t00:00:00z"}', 'issued_at is no RFC 3339 time'],
    ['{"token":"t","issued_at":""}', 'issued_at is no RFC 3339 time'],
  ])('%s', (text, why) => {
    expect(read(text)).toBe(why);
  });
});

test('POST wants an access_token, and does not care what a token is', () => {
  expect(read('{"token":"t"}', 'POST')).toBe('empty');
  expect(read('{"token":5,"access_token":"t"}', 'POST')).toBe('Bearer t');
});
