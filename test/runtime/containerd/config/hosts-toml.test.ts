import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuntimeVersion } from '#node/view.ts';
import { decodeHosts, type HostsFile } from '#runtime/containerd/config/hosts-toml.ts';

const dir = '/etc/containerd/certs.d/docker.io';

function at(text: string): RuntimeVersion {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return { name: 'containerd', text, major, minor, patch };
}

function decoded(text: string, version = '2.1.9'): HostsFile {
  const decode = decodeHosts(text, dir, at(version));
  if (!decode.ok) throw new Error(decode.why);
  return decode.value;
}

function urls(text: string, version: string): readonly (string | undefined)[] {
  return decoded(text, version).hosts.map(({ url }) => url);
}

const everyVersion = ['1.6.20', '1.6.39', '1.7.31', '1.7.34', '2.0.11', '2.1.9', '2.2.7', '2.3.4'];
const mirror = '[host."https://m.io"]\n';

describe('a hosts.toml with every field', () => {
  const text = `
server = "https://registry-1.docker.io"
ca = "root.crt"
[host."https://m.io:5000/team/v2"]
capabilities = ["pull", "Resolve"]
ca = ["a.crt", "/etc/b.crt"]
client = [["c.cert", "c.key"], "both.pem"]
skip_verify = true
override_path = true
dial_timeout = "1m30s"
[host."https://m.io:5000/team/v2".header]
x-one = "1"
X-Two = ["2", "3"]
[host."http://plain"]
capabilities = ["pull"]
`;
  test('is read with paths relative to its directory', () => {
    expect(decoded(text)).toEqual({
      hosts: [
        {
          url: 'https://m.io:5000/team/v2',
          capabilities: ['pull', 'resolve'],
          overridePath: true,
          tls: {
            skipVerify: true,
            cas: [`${dir}/a.crt`, '/etc/b.crt'],
            clients: [{ cert: `${dir}/c.cert`, key: `${dir}/c.key` }, { cert: `${dir}/both.pem` }],
          },
          headers: [
            ['x-one', '1'],
            ['X-Two', '2'],
            ['X-Two', '3'],
          ],
          dialTimeoutMs: 90_000,
        },
        { url: 'http://plain', capabilities: ['pull'], overridePath: false, headers: [] },
      ],
      server: {
        url: 'https://registry-1.docker.io',
        capabilities: ['pull', 'resolve', 'push'],
        overridePath: false,
        tls: { skipVerify: false, cas: [`${dir}/root.crt`], clients: [] },
        headers: [],
      },
    });
  });
});

describe('the root of the file', () => {
  test('without a server is the upstream with every capability, and keeps its TLS, headers and timeout', () => {
    const text = `capabilities = ["push"]\nskip_verify = true\ndial_timeout = "3s"\n[header]\na = "b"\n${mirror}`;
    expect(decoded(text).server).toEqual({
      capabilities: ['pull', 'resolve', 'push'],
      overridePath: false,
      tls: { skipVerify: true, cas: [], clients: [] },
      headers: [['a', 'b']],
      dialTimeoutMs: 3000,
    });
  });

  test('an address whose host Go does not see is no address', () => {
    expect(decoded('server = "http-mirror:5000"').server.url).toBeUndefined();
    expect(decoded('server = "httpmirror.local"').server.url).toBeUndefined();
    expect(decoded('server = ""').server.url).toBeUndefined();
  });

  test('an address without a scheme gets https', () => {
    expect(decoded('server = "m.io:5000"').server.url).toBe('https://m.io:5000');
  });
});

describe('which TLS settings count as written', () => {
  test.each([
    ['ca = []', true],
    ['client = []', false],
    ['skip_verify = false', true],
    ['ca = ""', true],
    ['', false],
  ])('%s', (line, written) => {
    expect(decoded(`${mirror}${line}`).hosts[0]?.tls !== undefined).toBe(written);
  });

  test('an empty ca is the directory itself, which cannot be a file', () => {
    expect(decoded(`${mirror}ca = ""`).hosts[0]?.tls?.cas).toEqual([dir]);
  });
});

describe('the order of mirrors', () => {
  const table: readonly (readonly [title: string, text: string, two: readonly string[], one: readonly string[]])[] = [
    [
      'tables in the order of the file',
      '[host."https://b"]\n[host."https://a"]',
      ['https://b', 'https://a'],
      ['https://b', 'https://a'],
    ],
    [
      'names that look like numbers',
      '[host.9]\n[host.b]\n[host.1]',
      ['https://9', 'https://b', 'https://1'],
      ['https://9', 'https://b', 'https://1'],
    ],
    [
      'a header table is no host of its own',
      '[host."https://a"]\n[host."https://a".header]\nx="1"',
      ['https://a'],
      ['https://a'],
    ],
    ['a header table alone names its host', '[host."https://a".header]\nx="1"', ['https://a'], ['https://a']],
    [
      'a header table after another host lists its host twice in 2.x',
      '[host."https://a"]\n[host."https://b"]\n[host."https://a".header]\nx="1"',
      ['https://a', 'https://b', 'https://a'],
      ['https://a', 'https://b'],
    ],
    [
      'inline tables are no hosts in 2.x',
      'host = { "https://a" = {}, "https://b" = {} }',
      [],
      ['https://a', 'https://b'],
    ],
    [
      'dotted keys are no hosts in 2.x',
      'host."https://b".skip_verify = true\nhost."https://a".skip_verify = true',
      [],
      ['https://b', 'https://a'],
    ],
    [
      'keys of one host table are no hosts in 2.x',
      '[host]\n"https://b" = {}\n"https://a" = {}',
      [],
      ['https://b', 'https://a'],
    ],
  ];
  test.each(table)('%s', (_, text, two, one) => {
    for (const version of ['2.0.11', '2.1.9', '2.3.4']) expect(urls(text, version)).toEqual(two);
    for (const version of ['1.6.20', '1.6.39', '1.7.34']) expect(urls(text, version)).toEqual(one);
  });
});

describe('what makes containerd drop a file', () => {
  const refused: readonly (readonly [title: string, text: string])[] = [
    ['text that is not TOML', 'server = '],
    ['a table written twice', '[host.a]\n[host.a]'],
    ['an unknown capability', `${mirror}capabilities = ["fetch"]`],
    ['an unknown capability of the root', `capabilities = ["x"]\n${mirror}`],
    ['capabilities that are a string', `${mirror}capabilities = "pull"`],
    ['capabilities that are numbers', `${mirror}capabilities = [1]`],
    ['a server that is a number', `server = 5\n${mirror}`],
    ['skip_verify as text', `${mirror}skip_verify = "true"`],
    ['override_path as text', `${mirror}override_path = "true"`],
    ['a ca that is a number', `${mirror}ca = 1`],
    ['a ca in a list of lists', `${mirror}ca = [["a"]]`],
    ['a client that is a table', `${mirror}client = {}`],
    ['a client pair of three', `${mirror}client = [["a", "b", "c"]]`],
    ['a client pair of one', `${mirror}client = [["a"]]`],
    ['a header that is a number', `${mirror}header = { a = 1 }`],
    ['a header list with a number', `${mirror}header = { a = [1] }`],
    ['headers that are a list', `${mirror}header = ["a"]`],
    ['a host that is no table', 'host = { a = 1 }'],
    ['hosts that are a list', '[[host]]\na = 1'],
    ['hosts that are text', `host = "a"`],
    ['a port that is no number', '[host."https://m.io:abc"]'],
    ['an address with a blank', '[host."https://m io"]'],
  ];
  test.each(refused)('%s, in every version', (_, text) => {
    for (const version of everyVersion) expect(decodeHosts(text, dir, at(version)).ok).toBe(false);
  });

  const byVersion: readonly (readonly [title: string, text: string, accepts: readonly string[]])[] = [
    ['referrers is a capability since 2.2', `${mirror}capabilities = ["pull", "referrers"]`, ['2.2.7', '2.3.4']],
    [
      'a file without host tables is refused before 1.7.32',
      'server = "https://m.io"',
      ['1.7.34', '2.0.11', '2.1.9', '2.2.7', '2.3.4'],
    ],
    ['so is a file with nothing but a comment', '# nothing\n', ['1.7.34', '2.0.11', '2.1.9', '2.2.7', '2.3.4']],
    [
      'dial_timeout is not known before 2.0.7, so its mistakes are not either',
      `${mirror}dial_timeout = "soon"`,
      ['1.6.20', '1.6.39', '1.7.31', '1.7.34'],
    ],
    ['a dial_timeout that is a number', `${mirror}dial_timeout = 5`, ['1.6.20', '1.6.39', '1.7.31', '1.7.34']],
  ];
  test.each(byVersion)('%s', (_, text, accepts) => {
    const accepted = everyVersion.filter((version) => decodeHosts(text, dir, at(version)).ok);
    expect(accepted).toEqual(accepts);
  });

  test('unknown fields are passed over', () => {
    for (const version of everyVersion) expect(decodeHosts(`${mirror}nonsense = 1`, dir, at(version)).ok).toBe(true);
  });

  test('a mistake in an inline host that 2.x does not use is still a mistake of type', () => {
    expect(decodeHosts('host = { a = { skip_verify = 1 } }', dir, at('2.1.9')).ok).toBe(false);
    expect(decodeHosts('host = { a = { capabilities = ["x"] } }', dir, at('2.1.9')).ok).toBe(true);
  });
});

describe('values', () => {
  test.each([
    ['2.0.6', undefined],
    ['2.0.7', 2500],
    ['2.1.9', 2500],
  ])('dial_timeout in %s', (version, ms) => {
    expect(decoded(`${mirror}dial_timeout = "2.5s"`, version).hosts[0]?.dialTimeoutMs).toBe(ms);
  });

  test('a dial_timeout of zero leaves the limit to the kernel, and a negative one is over at once', () => {
    expect(decoded(`${mirror}dial_timeout = "0s"`).hosts[0]?.dialTimeoutMs).toBe(127_000);
    expect(decoded(`${mirror}dial_timeout = "-5s"`).hosts[0]?.dialTimeoutMs).toBe(1);
  });

  test('an empty list of capabilities means all of them', () => {
    expect(decoded(`${mirror}capabilities = []`, '2.3.4').hosts[0]?.capabilities).toEqual([
      'pull',
      'resolve',
      'push',
      'referrers',
    ]);
    expect(decoded(`${mirror}capabilities = []`, '2.1.9').hosts[0]?.capabilities).toEqual(['pull', 'resolve', 'push']);
  });

  test('fields are found in any case by 2.x, and by 1.x in upper or lower case', () => {
    expect(decoded(`${mirror}Skip_Verify = true`, '2.1.9').hosts[0]?.tls?.skipVerify).toBe(true);
    expect(decoded(`${mirror}Skip_Verify = true`, '1.7.34').hosts[0]?.tls).toBeUndefined();
    expect(decoded(`${mirror}SKIP_VERIFY = true`, '1.7.34').hosts[0]?.tls?.skipVerify).toBe(true);
  });
});

test('no text makes the decoder throw', () => {
  const piece = fc.constantFrom(
    '[host."a"]',
    '[host.',
    ']',
    '\n',
    'ca',
    'client',
    'server',
    ' = ',
    '"x"',
    '[',
    '{',
    '}',
    '1',
    'true',
    ',',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((parts) => parts.join('')),
        fc.string(),
      ),
      fc.constantFrom(...everyVersion),
      (text, version) => {
        decodeHosts(text, dir, at(version));
      },
    ),
  );
});
