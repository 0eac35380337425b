import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import type { HostsDir, HostsRoot } from '#node/view.ts';
import { readHostsRoot } from '#runtime/containerd/config/hosts-dirs.ts';
import { readLegacyTls } from '#runtime/containerd/config/legacy-tls.ts';
import { nodeRoot, type NodeTree } from '../../../kit/node-root.ts';

interface Pair {
  readonly cert: string;
  readonly key: string;
}
let a: Pair;
let b: Pair;

async function makePair(name: string): Promise<Pair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: cert.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
}

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto);
  a = await makePair('a');
  b = await makePair('b');
});

const certsD = '/etc/containerd/certs.d';
const mirror = '[host."https://m.io"]\n';

interface Seen {
  readonly root: HostsRoot;
  readonly warnings: readonly Fault[];
}

async function read(tree: NodeTree, version = { text: '2.1.9', major: 2, minor: 1, patch: 9 }): Promise<Seen> {
  await using node = await nodeRoot(tree);
  const warnings: Fault[] = [];
  const ask = {
    root: node.path,
    version: { name: 'containerd', ...version },
    warn: (fault: Fault) => warnings.push(fault),
  };
  const read = await readHostsRoot(ask, certsD);
  if (!read.ok) throw new Error(JSON.stringify(read.fault));
  return { root: read.value, warnings };
}

function under(name: string, files: NodeTree): NodeTree {
  return Object.fromEntries(
    Object.entries(files).map(([file, entry]) => [`${certsD.slice(1)}/${name}/${file}`, entry]),
  );
}

async function dirOf(files: NodeTree): Promise<HostsDir['is'] | undefined> {
  const { root } = await read(under('reg.io', files));
  return root.dirs['reg.io']?.is;
}

describe('a directory of certs.d', () => {
  test('with a hosts.toml gives its hosts and, last, its server', async () => {
    const is = await dirOf({ 'hosts.toml': `server = "https://up.io"\n${mirror}ca = "ca.crt"`, 'ca.crt': a.cert });
    expect(is).toMatchObject({
      ok: true,
      value: {
        from: 'hosts.toml',
        file: `${certsD}/reg.io/hosts.toml`,
        hosts: [
          {
            url: 'https://m.io',
            tls: { verify: true, extraRoots: [{ path: `${certsD}/reg.io/ca.crt`, pem: a.cert }] },
          },
        ],
        server: { url: 'https://up.io' },
      },
    });
  });

  test('that is empty is still there, with nothing but the upstream', async () => {
    const { root } = await read({ [`${certsD.slice(1)}/reg.io`]: { dir: true } });
    expect(root.dirs['reg.io']?.is).toEqual({
      ok: true,
      value: { from: 'cert_files', tls: { verify: true, extraRoots: [], clients: [] } },
    });
  });

  test('with an empty hosts.toml falls back to certificate files without a word', async () => {
    const { root, warnings } = await read(under('reg.io', { 'hosts.toml': '', 'x.crt': a.cert }));
    expect(root.dirs['reg.io']?.is).toMatchObject({
      ok: true,
      value: { from: 'cert_files', tls: { extraRoots: [{}] } },
    });
    expect(warnings).toEqual([]);
  });

  test('with a hosts.toml that does not decode falls back to certificate files, and says so', async () => {
    const { root, warnings } = await read(under('reg.io', { 'hosts.toml': 'server = ', 'x.crt': a.cert }));
    expect(root.dirs['reg.io']?.is).toMatchObject({
      ok: true,
      value: { from: 'cert_files', tls: { extraRoots: [{}] } },
    });
    expect(warnings).toMatchObject([{ code: 'hosts.unparsable', file: `${certsD}/reg.io/hosts.toml` }]);
  });

  test('with only a server is taken for undecodable by 1.7.31', async () => {
    const tree = under('reg.io', { 'hosts.toml': 'server = "https://m.io"' });
    const old = await read(tree, { text: '1.7.31', major: 1, minor: 7, patch: 31 });
    expect(old.root.dirs['reg.io']?.is).toMatchObject({ ok: true, value: { from: 'cert_files' } });
    expect(old.warnings).toHaveLength(1);
    const fixed = await read(tree, { text: '1.7.32', major: 1, minor: 7, patch: 32 });
    expect(fixed.root.dirs['reg.io']?.is).toMatchObject({ ok: true, value: { from: 'hosts.toml' } });
  });

  test('behind a link is read where the link leads', async () => {
    const { root } = await read({
      ...under('reg.io', { 'hosts.toml': mirror }),
      [`${certsD.slice(1)}/other.io`]: { link: `${certsD}/reg.io` },
      [`${certsD.slice(1)}/gone.io`]: { link: '/nowhere' },
    });
    expect(Object.keys(root.dirs)).toEqual(['other.io', 'reg.io']);
    expect(root.dirs['other.io']?.is).toMatchObject({ ok: true, value: { from: 'hosts.toml' } });
  });

  test('whose name JavaScript gives a meaning to is only a name', async () => {
    const { root } = await read(under('__proto__', { 'hosts.toml': mirror }));
    expect(Object.keys(root.dirs)).toEqual(['__proto__']);
    expect(root.dirs['constructor']).toBeUndefined();
  });
});

describe('what fails every pull of a registry', () => {
  const ca = `${certsD}/reg.io/ca.crt`;
  test.each<readonly [title: string, files: () => NodeTree, fault: object]>([
    [
      'a ca that is missing',
      () => ({ 'hosts.toml': `${mirror}ca = "ca.crt"` }),
      { code: 'hosts.ca_unreadable', file: ca },
    ],
    [
      'a ca that is a directory',
      () => ({ 'hosts.toml': `${mirror}ca = "ca.crt"`, 'ca.crt/x': '' }),
      { code: 'hosts.ca_unreadable', file: ca },
    ],
    [
      'a ca without a certificate',
      () => ({ 'hosts.toml': `${mirror}ca = "ca.crt"`, 'ca.crt': 'nothing' }),
      { code: 'hosts.ca_unreadable', file: ca },
    ],
    [
      'a ca whose one certificate is damaged',
      () => ({
        'hosts.toml': `${mirror}ca = "ca.crt"`,
        'ca.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      }),
      { code: 'hosts.ca_unreadable', file: ca },
    ],
    [
      'a ca of the root of the file',
      () => ({ 'hosts.toml': `ca = "ca.crt"\n${mirror}` }),
      { code: 'hosts.ca_unreadable' },
    ],
    [
      'a client that is missing',
      () => ({ 'hosts.toml': `${mirror}client = "c.pem"` }),
      { code: 'hosts.client_unreadable' },
    ],
    [
      'a client without its key',
      () => ({ 'hosts.toml': `${mirror}client = "c.pem"`, 'c.pem': a.cert }),
      { code: 'hosts.client_unreadable' },
    ],
    [
      'a client with the key of another',
      () => ({ 'hosts.toml': `${mirror}client = [["c", "k"]]`, c: a.cert, k: b.key }),
      { code: 'hosts.client_unreadable' },
    ],
    ['a hosts.toml that is a directory', () => ({ 'hosts.toml/x': '' }), { code: 'hosts.unreadable' }],
    ['a .cert without a key', () => ({ 'x.cert': a.cert }), { code: 'hosts.client_unreadable' }],
    ['a .crt that is no certificate', () => ({ 'x.crt': 'no' }), { code: 'hosts.ca_unreadable' }],
    [
      'a .crt that links to a directory',
      () => ({ 'x.crt': { link: 'd' }, 'd/y': '' }),
      { code: 'hosts.ca_unreadable' },
    ],
    ['a file that is too large for us', () => ({ 'hosts.toml': '#'.repeat(5_000_000) }), { code: 'agent.cannot_see' }],
  ])('%s', async (_, files, fault) => {
    expect(await dirOf(files())).toMatchObject({ ok: false, fault });
  });

  test('a file in the place of a directory', async () => {
    const { root } = await read({ [`${certsD.slice(1)}/reg.io`]: 'text' });
    expect(root.dirs['reg.io']?.is).toMatchObject({ ok: false, fault: { code: 'hosts.unreadable' } });
  });

  test('a loop of links in the place of a directory', async () => {
    const { root } = await read({ [`${certsD.slice(1)}/reg.io`]: { link: 'reg.io' } });
    expect(root.dirs['reg.io']?.is).toMatchObject({ ok: false, fault: { code: 'hosts.unreadable' } });
  });
});

describe('certificates and keys that are there', () => {
  test('a client pair keeps its key out of sight', async () => {
    const is = await dirOf({ 'hosts.toml': `${mirror}client = [["c", "k"]]`, c: a.cert, k: a.key });
    expect(is).toMatchObject({
      ok: true,
      value: { hosts: [{ tls: { clients: [{ certPath: `${certsD}/reg.io/c` }] } }] },
    });
    expect(JSON.stringify(is)).not.toContain('PRIVATE KEY');
  });

  test('a certificate and its key may share a file', async () => {
    const is = await dirOf({ 'hosts.toml': `${mirror}client = "c"`, c: a.key + a.cert });
    expect(is).toMatchObject({ ok: true, value: { hosts: [{ tls: { clients: [{}] } }] } });
  });

  test('one readable certificate among damaged ones is enough', async () => {
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const is = await dirOf({ 'hosts.toml': `${mirror}ca = "ca"`, ca: `text\n${damaged}${a.cert}` });
    expect(is).toMatchObject({ ok: true });
  });

  test("Docker's layout pairs .cert with .key of the same name", async () => {
    const is = await dirOf({ 'x.crt': b.cert, 'y.cert': a.cert, 'y.key': a.key, 'z.key': b.key, 'sub.crt/q': '' });
    expect(is).toMatchObject({
      ok: true,
      value: { from: 'cert_files', tls: { extraRoots: [{ pem: b.cert }], clients: [{ cert: a.cert }] } },
    });
  });

  test("a registry's TLS settings in 1.x want both halves of a pair", async () => {
    await using node = await nodeRoot({ 'c/c': a.cert, 'c/k': a.key, 'c/ca': b.cert, 'c/empty': 'none' });
    const none = { skipVerify: false, ca: '', cert: '', key: '' };
    const read = await readLegacyTls(
      node.path,
      new Map([
        ['both', { ...none, skipVerify: true, ca: '/c/ca', cert: '/c/c', key: '/c/k' }],
        ['half', { ...none, cert: '/c/c' }],
        ['other half', { ...none, key: '/c/k' }],
        ['missing', { ...none, ca: '/c/none' }],
        ['without certificates', { ...none, ca: '/c/empty' }],
      ]),
    );
    expect(Object.fromEntries(read)).toMatchObject({
      both: { ok: true, value: { verify: false, extraRoots: [{ path: '/c/ca' }], clients: [{ certPath: '/c/c' }] } },
      half: { ok: false, fault: { code: 'hosts.client_unreadable' } },
      'other half': { ok: false, fault: { code: 'hosts.client_unreadable' } },
      missing: { ok: false, fault: { code: 'hosts.ca_unreadable' } },
      'without certificates': { ok: true, value: { verify: true, extraRoots: [] } },
    });
  });
});

describe('a root of config_path', () => {
  test('that is absent has no directories', async () => {
    expect((await read({})).root).toEqual({ path: certsD, dirs: {} });
  });

  test('that is a file fails every look-up', async () => {
    await using node = await nodeRoot({ 'etc/containerd/certs.d': '' });
    const version = { name: 'containerd', text: '2.1.9', major: 2, minor: 1, patch: 9 };
    const root = await readHostsRoot({ root: node.path, version, warn: () => undefined }, certsD);
    expect(root).toMatchObject({ ok: false, fault: { code: 'hosts.unreadable' } });
  });
});
