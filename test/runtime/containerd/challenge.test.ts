import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readChallenges, schemesNamed } from '#runtime/containerd/challenge.ts';

function read(...headers: string[]): string {
  return readChallenges(headers)
    .map(({ scheme, parameters }) =>
      [scheme, ...Array.from(parameters, ([name, value]) => `${name}=${value}`)].join(' '),
    )
    .join(' | ');
}

describe('a challenge is read as in containerd (core/remotes/docker/auth/parse.go, parse_test.go)', () => {
  test.each([
    [
      'Bearer realm="https://auth.io/token",service="reg.io",scope="repository:a:pull"',
      'bearer realm=https://auth.io/token service=reg.io scope=repository:a:pull',
    ],
    [
      'Bearer realm="r",scope="repository:a:pull,push repository:b:pull"',
      'bearer realm=r scope=repository:a:pull,push repository:b:pull',
    ],
    ['BEARER Realm="r" , Service=s', 'bearer realm=r service=s'],
    ['Basic realm="Registry Realm"', 'basic realm=Registry Realm'],
    ['Basic', 'basic'],
    ['Basic realm=""', 'basic realm='],
    ['Digest realm="r", qop="auth"', 'digest realm=r qop=auth'],
    ['Bearer realm="a\\"b\\\\c\\d"', 'bearer realm=a"b\\cd'],
    ['Bearer realm="r",error="invalid_token"', 'bearer realm=r error=invalid_token'],
    ['Bearer realm="r",realm="s"', 'bearer realm=s'],
    ['Bearer __proto__="r",constructor=c', 'bearer __proto__=r constructor=c'],
    // One challenge per line: what follows the first's parameters is lost.
    ['Bearer realm="r",service="s",Basic realm="b"', 'bearer realm=r service=s'],
    ['Basic realm="b", Bearer realm="r"', 'basic realm=b'],
    ['Negotiate, Basic realm="b"', ''],
    // A parameter that cannot be read ends the line.
    ['Bearer realm="r" service="s"', 'bearer realm=r'],
    ['Bearer realm = "r"', 'bearer'],
    ['Bearer realm= "r"', 'bearer realm='],
    ['Bearer realm="r",,service="s"', 'bearer realm=r'],
    ['Bearer realm="r,service="s"', 'bearer realm=r,service='],
    ['Bearer realm="never closed, service="', 'bearer realm=never closed, service='],
    ['Bearer service=s,realm="never closed', 'bearer service=s realm='],
    ['Bearer realm="ends in a backslash\\', 'bearer realm='],
    ['Bearer realm=https://auth.io/token', 'bearer realm=https'],
    ['Bearer,realm="r"', 'bearer'],
    ['Bearer:realm="r"', 'bearer'],
    ['Bearer="r"', 'bearer'],
    ['BearerX realm="r"', ''],
    ['NTLM', ''],
    ['', ''],
    [' Bearer realm="r"', ''],
    ['"Bearer" realm="r"', ''],
  ])('%j', (header, expected) => {
    expect(read(header)).toBe(expected);
  });

  test('bearer comes before digest before basic, and equals keep their order', () => {
    expect(
      read('Basic realm=1', 'Negotiate', 'Digest realm=2', 'Bearer realm=3', 'Basic realm=4', 'Bearer realm=5'),
    ).toBe('bearer realm=3 | bearer realm=5 | digest realm=2 | basic realm=1 | basic realm=4');
    expect(read()).toBe('');
  });

  test('reading never throws', () => {
    const near = fc
      .array(fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'a', '\t', 'é', 'Basic'))
      .map((all) => all.join(''));
    fc.assert(
      fc.property(fc.array(fc.oneof(near, fc.string())), (headers) => {
        expect(readChallenges(headers).length).toBeLessThanOrEqual(headers.length);
        expect(schemesNamed(headers).every((scheme) => scheme === scheme.toLowerCase())).toBe(true);
      }),
    );
    expect(read(`Bearer realm="${'\\a'.repeat(1 << 18)}`)).toBe('bearer realm=');
  });
});

describe('every scheme that a server names is evidence', () => {
  test.each([
    [
      ['Bearer realm="r"', 'Basic realm="b"'],
      ['bearer', 'basic'],
    ],
    [['Basic realm="b", Bearer realm="r", Negotiate'], ['basic', 'bearer', 'negotiate']],
    [['Negotiate'], ['negotiate']],
    [['NTLM abc'], ['ntlm']],
    [['Bearer realm="Basic, Digest x=y", service="s"'], ['bearer']],
    [['Bearer realm=r,service=s , scope = t'], ['bearer']],
    [['Basic', 'basic'], ['basic']],
    [['', ' , '], []],
    [[], []],
  ])('%j', (headers, schemes) => {
    expect(schemesNamed(headers)).toEqual(schemes);
  });
});
