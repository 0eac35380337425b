import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { containerdMessage, messageFor, readRegistryErrors } from '#registry/http/error-body.ts';

const body = (...errors: readonly unknown[]): string => JSON.stringify({ errors });

describe('readRegistryErrors', () => {
  test.each([
    ['', []],
    ['null', []],
    ['[]', []],
    ['{"errors":7}', []],
    ['{"errors":[]}', []],
    ['<html>', []],
    [body(null, 7, 'x'), []],
    [body({}), [{ code: 'UNKNOWN', message: '' }]],
    [body({ code: 7, message: 7 }), [{ code: 'UNKNOWN', message: '' }]],
    [body({ code: 'DENIED', message: 'no', detail: { x: 1 } }), [{ code: 'DENIED', message: 'no' }]],
  ])('%s', (text, expected) => {
    expect(readRegistryErrors(text)).toEqual(expected);
  });

  test('is bounded', () => {
    const found = readRegistryErrors(
      body(...Array<unknown>(100).fill({ code: 'C'.repeat(1000), message: 'm'.repeat(10_000) })),
    );
    expect(found).toHaveLength(8);
    expect(JSON.stringify(found).length).toBeLessThan(4_000);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(messageFor(text).length).toBeLessThan(400);
        expect(containerdMessage(text).length).toBeLessThan(4_000);
      }),
    );
  });
});

describe('containerdMessage', () => {
  test.each([
    [body(), ''],
    ['', ''],
    ['{"errors":null}', ''],
    ['{"errors":"no"}', ''],
    ['<html>', ''],
    [body({ code: 'DENIED', message: 'requested access to the resource is denied' }), 'denied'],
    [
      body({ code: 'DENIED', message: 'requested access to the resource is denied', detail: {} }),
      'denied: requested access to the resource is denied',
    ],
    [body({ code: 'DENIED', message: 'requested access to the resource is denied', detail: null }), 'denied'],
    [body({ code: 'DENIED', message: '' }), 'denied'],
    [body({ code: 'DENIED', message: 'not for you' }), 'denied: not for you'],
    ['{"Errors":[{"CODE":"DENIED","Message":"not for you"}]}', 'denied: not for you'],
    [body({ code: 'denied', message: 'not for you' }), 'unknown: not for you'],
    [
      body({ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }),
      'toomanyrequests: You have reached your pull rate limit.',
    ],
    [
      body({ code: 'NAME_UNKNOWN', message: 'repository name not known to registry' }),
      'unknown: repository name not known to registry',
    ],
    [body({ code: 7, message: 'x' }), ''],
    [body({ code: 'DENIED', message: 'x' }, 7), ''],
    [body({}), 'unknown'],
    [body({ code: 'constructor', message: 'x' }), 'unknown: x'],
    [body({ code: 'toString', message: '' }), 'unknown'],
    [
      body({ code: 'DENIED', message: 'a' }, { code: 'UNKNOWN', message: 'unknown error' }),
      'errors:\ndenied: a\nunknown\n',
    ],
  ])('%s', (text, expected) => {
    expect(containerdMessage(text)).toBe(expected);
  });
});

test.each([
  ['', ''],
  ['Too Many Requests (HAP429).\nand more', 'Too Many Requests (HAP429).'],
  ['<html><body>no</body></html>', ''],
  ['{"message":"other json"}', ''],
  [body({ code: 'DENIED', message: 'no' }), 'DENIED: no'],
  [body({ code: 'DENIED' }), 'DENIED'],
  ['x'.repeat(1000), 'x'.repeat(200)],
])('people read of %j: %j', (text, expected) => {
  expect(messageFor(text)).toBe(expected);
});
