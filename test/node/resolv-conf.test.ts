import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAddress, parseHosts, parseNsswitch, parseResolvConf, readResolver } from '#node/resolv-conf.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

function saying(part: string): unknown {
  return expect.stringContaining(part);
}

async function resolver(tree: NodeTree, env: Readonly<Record<string, string>> = {}) {
  await using node = await nodeRoot(tree);
  return await readResolver(node.path, new Map(Object.entries(env)));
}

const plain = {
  ndots: 1,
  timeoutMs: 5000,
  attempts: 2,
  rotate: false,
  useTcp: false,
  singleRequest: false,
  search: [],
  unknown: false,
};
const local = [
  { address: '127.0.0.1', port: 53 },
  { address: '::1', port: 53 },
];

describe('resolv.conf as Go reads it', () => {
  const table: readonly (readonly [title: string, text: string, differs: object])[] = [
    ['nothing', '', { servers: local }],
    ['one server', 'nameserver 10.0.0.2\n', { servers: [{ address: '10.0.0.2', port: 53 }] }],
    [
      'the fourth server is not asked',
      [1, 2, 3, 4].map((n) => `nameserver 10.0.0.${n}`).join('\n'),
      { servers: [1, 2, 3].map((n) => ({ address: `10.0.0.${n}`, port: 53 })) },
    ],
    ['a server with a zone', 'nameserver fe80::1%eth0', { servers: [{ address: 'fe80::1%eth0', port: 53 }] }],
    ['a server by name', 'nameserver dns.local', { servers: local }],
    ['a server with leading zeros', 'nameserver 010.0.0.1', { servers: local }],
    ['search', 'search a.b. c ', { servers: local, search: ['a.b', 'c'] }],
    ['the last of domain and search counts', 'search a b\ndomain c d', { servers: local, search: ['c'] }],
    ['a lone dot is not searched', 'search .', { servers: local, search: ['corp.example'] }],
    ['an empty search falls back to the domain of the host', 'search', { servers: local, search: ['corp.example'] }],
    [
      'options',
      'options ndots:5 timeout:2 attempts:4 rotate single-request-reopen use-vc edns0 trust-ad no-reload',
      { servers: local, ndots: 5, timeoutMs: 2000, attempts: 4, rotate: true, singleRequest: true, useTcp: true },
    ],
    [
      'options out of range',
      'options ndots:99 timeout:0 attempts:x',
      { servers: local, ndots: 15, timeoutMs: 1000, attempts: 1 },
    ],
    ['a negative number is none', 'options ndots:-3', { servers: local, ndots: 0 }],
    ['an option that Go does not know', 'options inet6', { servers: local, unknown: true }],
    ['a word that Go does not know', 'sortlist 1.2.3.4', { servers: local, unknown: true }],
    [
      'comments and line ends of Windows',
      '# a\n; b\nnameserver\t1.1.1.1\r\n',
      { servers: [{ address: '1.1.1.1', port: 53 }] },
    ],
    ['a comment that does not begin its line', ' # a', { servers: local, unknown: true }],
  ];
  test.each(table)('%s', (_, text, differs) => {
    const search = { search: ['corp.example'] };
    expect(parseResolvConf(text, 'node1.corp.example')).toEqual({ ...plain, ...search, ...differs });
  });

  test.each(['node1', 'node1.', ''])('a host called %j has no domain to search', (hostname) => {
    expect(parseResolvConf('', hostname).search).toEqual([]);
  });

  test.each([
    ['1.2.3.4', true],
    ['1.2.3', false],
    ['1.2.3.4.', false],
    ['1.2.3.256', false],
    ['::1', true],
    ['::ffff:1.2.3.4', true],
    ['fe80::1%', false],
    [':::', false],
    ['[::1]', false],
    ['a:b@c', false],
  ])('%s is an address: %s', (text, is) => {
    expect(isAddress(text)).toBe(is);
  });
});

describe('the hosts file', () => {
  test('gathers addresses over its lines, in lower case', () => {
    const text =
      '127.0.0.1 localhost\n10.0.0.5\tReg.IO reg # x\n::5 reg.io.\n10.0.0.6 REG.io\nnot an address\n1.2.3.4\n';
    expect(parseHosts(text)).toEqual({
      localhost: ['127.0.0.1'],
      'reg.io': ['10.0.0.5', '::5', '10.0.0.6'],
      reg: ['10.0.0.5'],
    });
  });

  test('names that JavaScript gives a meaning to are only names', () => {
    expect(parseHosts('1.1.1.1 x')['constructor']).toBeUndefined();
    expect(Object.keys(parseHosts('1.1.1.1 __proto__'))).toEqual(['__proto__']);
  });
});

describe('nsswitch.conf', () => {
  const table: readonly (readonly [line: string, path: 'go' | 'libc', order: readonly string[]])[] = [
    ['hosts: files dns', 'go', ['files', 'dns']],
    ['hosts: dns files', 'go', ['dns', 'files']],
    ['hosts: files', 'go', ['files']],
    ['hosts: dns', 'go', ['dns']],
    ['hosts:', 'go', ['files', 'dns']],
    ['passwd: files', 'go', ['files', 'dns']],
    ['hosts: files mdns4_minimal [NOTFOUND=return] dns', 'go', ['files', 'dns']],
    ['hosts: files myhostname dns', 'go', ['files', 'dns']],
    ['hosts: files resolve [!UNAVAIL=return] dns', 'libc', ['files', 'dns']],
    ['hosts: resolve files', 'libc', ['dns', 'files']],
    ['hosts: files [NOTFOUND=return] dns', 'go', ['files', 'dns']],
    ['hosts: files [!UNAVAIL=return] dns', 'libc', ['files', 'dns']],
    ['hosts: files [SUCCESS=return NOTFOUND=continue] dns', 'go', ['files', 'dns']],
    ['hosts: files [SUCCESS=continue] dns', 'libc', ['files', 'dns']],
    ['hosts: files ldap dns', 'libc', ['files', 'dns']],
    ['no colon', 'libc', ['files', 'dns']],
    ['hosts: files [NOTFOUND=return dns', 'libc', ['files', 'dns']],
  ];
  test.each(table)('%s is for %s', async (line, path, order) => {
    const { resolver: found, doubts } = await resolver({ 'etc/nsswitch.conf': `${line} # comment\n` });
    expect(found).toMatchObject({ path, order });
    expect(doubts.map(({ about }) => about)).toEqual(path === 'go' ? [] : ['resolver']);
  });

  test('mdns is for the C library where an mdns.allow exists', async () => {
    const tree = { 'etc/nsswitch.conf': 'hosts: files mdns dns', 'etc/mdns.allow': '' };
    expect((await resolver(tree)).resolver.path).toBe('libc');
  });
});

describe('the resolver of a node', () => {
  test('is read through links inside the root', async () => {
    const found = await resolver({
      'etc/resolv.conf': { link: '/run/systemd/resolve/stub-resolv.conf' },
      'run/systemd/resolve/stub-resolv.conf': 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n',
      'etc/hosts': '10.9.9.9 reg.local',
    });
    expect(found).toMatchObject({
      resolver: {
        path: 'go',
        servers: [{ address: '127.0.0.53' }],
        search: ['lan'],
        hosts: { 'reg.local': ['10.9.9.9'] },
      },
      doubts: [],
    });
  });

  test('without any file asks the node itself', async () => {
    expect(await resolver({})).toMatchObject({
      resolver: { path: 'go', servers: local, order: ['files', 'dns'] },
      doubts: [],
    });
  });

  test.each([
    [{ LOCALDOMAIN: '' }, 'libc'],
    [{ RES_OPTIONS: 'x' }, 'libc'],
    [{ RES_OPTIONS: '' }, 'go'],
    [{ HOSTALIASES: '/x' }, 'libc'],
    [{ GODEBUG: 'a=b,netdns=cgo' }, 'libc'],
    [{ GODEBUG: 'netdns=go' }, 'go'],
  ])('variables of the runtime decide too: %j', async (env, path) => {
    expect((await resolver({}, env)).resolver.path).toBe(path);
  });

  test('a file that we cannot read may decide a pull', async () => {
    const { unseen } = await resolver({ 'etc/hosts': '#'.repeat(5_000_000) });
    expect(unseen).toMatchObject([{ about: 'resolver', why: saying('/etc/hosts') }]);
  });
});

test('no text makes the parsers throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseResolvConf(text, text);
      parseHosts(text);
      parseNsswitch(`hosts: ${text}`);
    }),
  );
});
