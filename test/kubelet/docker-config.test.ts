import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDockerConfig } from '#kubelet/docker-config.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function read(text: string, format: 'config' | 'cfg' = 'config'): string {
  const config = decodeDockerConfig(text, format);
  if (!config.ok) return config.why;
  return config.entries.map(({ key, username, password }) => `${key}=${username}|${password}`).join(' ');
}

const withAuth = (auth: string): string => JSON.stringify({ auths: { r: { auth } } });
const entryOf = (entry: string): string => `{"auths":{"r":${entry}}}`;
const missingColon = 'unable to parse auth field, must be formatted as base64(username:password)';

describe('a docker configuration decodes as in the kubelet (k8s pkg/credentialprovider/config.go, encoding/json)', () => {
  test.each([
    ['{}', ''],
    ['null', ''],
    ['{"auths":null}', ''],
    ['{"auths":{}}', ''],
    ['{"credsStore":"x","credHelpers":{"r":"h"}}', ''],
    [entryOf('{"username":"u","password":"p","email":"e"}'), 'r=u|p'],
    [entryOf('{"Username":"u","PASSWORD":"p"}'), 'r=u|p'],
    ['{"AUTHS":{"r":{"uſername":"u","paſſword":"p"}}}', 'r=u|p'],
    [entryOf('{"username":"u","username":"v","Username":"w","password":null}'), 'r=w|'],
    [entryOf('{"username":"u","username":null}'), 'r=u|'],
    [entryOf('{}'), 'r=|'],
    [entryOf('null'), 'r=|'],
    [entryOf('{"identitytoken":"t","registrytoken":"t"}'), 'r=|'],
    [entryOf('{"identitytoken":5}'), 'r=|'],
    [entryOf('{"username":"x","password":"y","auth":""}'), 'r=x|y'],
    [entryOf(`{"username":"x","password":"y","auth":"${base64('u:p')}"}`), 'r=u|p'],
    [entryOf(`{"auth":"${base64('u:p')}","AUTH":"${base64('v:q')}"}`), 'r=v|q'],
    [withAuth(base64('u:p:q')), 'r=u|p:q'],
    [withAuth(base64(':')), 'r=|'],
    [withAuth(base64('u:pp')), 'r=u|pp'],
    [withAuth(base64('u:pp').replaceAll('=', '')), 'r=u|pp'],
    [withAuth(`${base64('u:pp')}\n`), 'r=u|pp'],
    [withAuth(base64('u:p\0')), 'r=u|p\0'],
    [withAuth(base64('ü:€')), 'r=ü|€'],
    [withAuth(base64('\ufeffu:p')), 'r=\ufeffu|p'],
    ['{"auths":{"a":{},"b":{}},"auths":{"b":{"username":"u"},"c":{}}}', 'a=| b=u| c=|'],
    ['{"auths":{"a":{}},"auths":null}', ''],
    ['{"auths":{"r":{"username":"u"},"r":{}}}', 'r=|'],
    ['{"HttpHeaders":{"a":"b","c":null},"auths":{"r":{}}}', 'r=|'],
    ['{"auths":{"__proto__":{"username":"u"}}}', '__proto__=u|'],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test('the old form is the bare map', () => {
    expect(read('{"r":{"username":"u","password":"p"},"auths":{}}', 'cfg')).toBe('r=u|p auths=|');
  });
});

describe('what Go refuses is refused in its words', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['not json', "invalid character 'o' in literal null (expecting 'u')"],
    ['eyJhdXRocyI6e319', "invalid character 'e' looking for beginning of value"],
    ['{"auths":{"r":{},}}', "invalid character '}' looking for beginning of object key string"],
    ['[]', 'json: cannot unmarshal array into Go value of type credentialprovider.DockerConfigJSON'],
    ['"x"', 'json: cannot unmarshal string into Go value of type credentialprovider.DockerConfigJSON'],
    [
      '{"auths":[]}',
      'json: cannot unmarshal array into Go struct field DockerConfigJSON.auths of type credentialprovider.DockerConfig',
    ],
    [
      entryOf('"dTpw"'),
      'json: cannot unmarshal string into Go struct field DockerConfigJSON.auths of type credentialprovider.dockerConfigEntryWithAuth',
    ],
    [
      entryOf('{"auth":5}'),
      'json: cannot unmarshal number into Go struct field DockerConfigJSON.auths.auth of type string',
    ],
    [
      entryOf('{"Password":true}'),
      'json: cannot unmarshal bool into Go struct field DockerConfigJSON.auths.password of type string',
    ],
    [
      '{"HttpHeaders":{"a":1}}',
      'json: cannot unmarshal number into Go struct field DockerConfigJSON.HttpHeaders of type string',
    ],
    [
      '{"HttpHeaders":[]}',
      'json: cannot unmarshal array into Go struct field DockerConfigJSON.HttpHeaders of type map[string]string',
    ],
    [withAuth('abc!'), 'illegal base64 data at input byte 3'],
    [withAuth('u:p'), 'illegal base64 data at input byte 1'],
    [withAuth(` ${base64('u:p')}`), 'illegal base64 data at input byte 0'],
    [withAuth(`${base64('u:pp')} `), 'illegal base64 data at input byte 8'],
    [withAuth(base64('no colon')), missingColon],
    [withAuth('='), 'illegal base64 data at input byte 0'],
    [withAuth('\n'), missingColon],
    // An entry's own decoder stops everything, also after a complaint that Go only remembers.
    [`{"HttpHeaders":[],"auths":{"r":{"auth":"abc!"}}}`, 'illegal base64 data at input byte 3'],
    [`{"auths":{"good":{},"r":{"auth":"abc!"},"s":{"auth":5}}}`, 'illegal base64 data at input byte 3'],
  ])('%j', (text, why) => {
    expect(read(text)).toBe(why);
  });

  test.each([
    ['[]', 'json: cannot unmarshal array into Go value of type credentialprovider.DockerConfig'],
    ['{"r":"x"}', 'json: cannot unmarshal string into Go value of type credentialprovider.dockerConfigEntryWithAuth'],
    [
      '{"r":{"auth":5}}',
      'json: cannot unmarshal number into Go struct field dockerConfigEntryWithAuth.auth of type string',
    ],
    // The new form in the old place: "auths" is an entry of that name, and its hosts are unknown fields.
    ['{"auths":{"r":{"auth":"abc!"}}}', 'auths=|'],
  ])('%s in the old form', (text, why) => {
    expect(read(text, 'cfg')).toBe(why);
  });
});

test('no complaint holds more of the content than one character', () => {
  const canary = 'c4nary-s3cret';
  fc.assert(
    fc.property(fc.string(), fc.nat(), (noise, at) => {
      const text = withAuth(base64(`u:${canary}`)).replace('"r"', `"${canary}"`);
      const cut = at % text.length;
      for (const format of ['config', 'cfg'] as const) {
        const config = decodeDockerConfig(text.slice(0, cut) + noise + text.slice(cut), format);
        if (!config.ok) {
          expect(config.why).not.toContain('c4nary');
          expect(config.why).not.toContain(base64(`u:${canary}`).slice(4, 12));
        }
      }
    }),
  );
});

test('decoding never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json()),
      fc.constantFrom('config' as const, 'cfg' as const),
      (text, format) => {
        expect(typeof decodeDockerConfig(text, format).ok).toBe('boolean');
      },
    ),
  );
});
