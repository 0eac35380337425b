import { describe, expect, test } from 'vitest';
import { pemBlocks } from '#node/pem.ts';
import { readRoots } from '#node/trust.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

/** Reading roots does not parse certificates, so any base64 will do. */
function pem(content: string, type = 'CERTIFICATE'): string {
  return `-----BEGIN ${type}-----\n${Buffer.from(content.repeat(20)).toString('base64')}\n-----END ${type}-----\n`;
}

async function roots(tree: NodeTree, env: Readonly<Record<string, string>> = {}) {
  await using node = await nodeRoot(tree);
  const found = await readRoots(node.path, new Map(Object.entries(env)));
  const names = found.roots.pems.map(({ path, pem: text }) => [path, pemBlocks(text).length]);
  return { ...found, names };
}

describe("the system's roots as Go loads them", () => {
  test('the first readable bundle, and then every file of the directories', async () => {
    const { names } = await roots({
      'etc/pki/tls/certs/ca-bundle.crt': pem('a') + pem('b'),
      'etc/ssl/ca-bundle.pem': pem('never'),
      'etc/ssl/certs/x.pem': pem('x'),
      'etc/pki/tls/certs/y.pem': pem('y'),
    });
    expect(names).toEqual([
      ['/etc/pki/tls/certs/ca-bundle.crt', 2],
      ['/etc/ssl/certs/x.pem', 1],
      ['/etc/pki/tls/certs/y.pem', 1],
    ]);
  });

  test('an empty bundle is still the first', async () => {
    const { names } = await roots({ 'etc/ssl/certs/ca-certificates.crt': '', 'etc/ssl/cert.pem': pem('never') });
    expect(names).toEqual([]);
  });

  test('certificates that the bundle has are not kept twice', async () => {
    const { names } = await roots({
      'etc/ssl/certs/ca-certificates.crt': pem('a') + pem('b') + pem('a'),
      'usr/share/ca/a.crt': pem('a'),
      'usr/share/ca/c.crt': `# text before\n${pem('c').replaceAll('\n', '\r\n')}`,
      'etc/ssl/certs/a.pem': { link: '/usr/share/ca/a.crt' },
      'etc/ssl/certs/12345678.0': { link: 'a.pem' },
      'etc/ssl/certs/c.pem': { link: '/usr/share/ca/c.crt' },
    });
    expect(names).toEqual([
      ['/etc/ssl/certs/ca-certificates.crt', 2],
      ['/etc/ssl/certs/c.pem', 1],
    ]);
  });

  test('a link to a neighbour is passed over, even if the neighbour is no longer there as a file', async () => {
    const { names } = await roots({ 'etc/ssl/certs/h.0': { link: 'a.pem' }, 'etc/ssl/certs/sub/a.pem': pem('a') });
    expect(names).toEqual([]);
  });

  test('variables of the runtime replace the list and the directories', async () => {
    const tree = {
      'etc/ssl/certs/ca-certificates.crt': pem('a'),
      'x/b.pem': pem('b'),
      'y/c': pem('c'),
      'z/d': pem('d'),
    };
    expect((await roots(tree, { SSL_CERT_FILE: '/x/b.pem' })).names).toEqual([
      ['/x/b.pem', 1],
      ['/etc/ssl/certs/ca-certificates.crt', 1],
    ]);
    expect((await roots(tree, { SSL_CERT_DIR: '/y:/z:/none' })).names).toEqual([
      ['/etc/ssl/certs/ca-certificates.crt', 1],
      ['/y/c', 1],
      ['/z/d', 1],
    ]);
    expect((await roots(tree, { SSL_CERT_FILE: '', SSL_CERT_DIR: '' })).names).toEqual([
      ['/etc/ssl/certs/ca-certificates.crt', 1],
    ]);
    expect((await roots(tree, { SSL_CERT_FILE: '/none', SSL_CERT_DIR: '/none' })).names).toEqual([]);
  });

  test('keys and certificates with headers are not roots', async () => {
    const withHeaders = pem('h').replace('\n', '\nProc-Type: 4\n\n');
    const { names } = await roots({ 'etc/ssl/cert.pem': pem('k', 'PRIVATE KEY') + withHeaders + pem('a') });
    expect(names).toEqual([['/etc/ssl/cert.pem', 1]]);
  });

  test('a bundle that we cannot read is told', async () => {
    const { names, unread } = await roots({ 'etc/ssl/certs/ca-certificates.crt': '#'.repeat(5_000_000) });
    expect(names).toEqual([]);
    expect(unread).toContain('/etc/ssl/certs/ca-certificates.crt');
  });

  test('a node without any has none', async () => {
    expect(await roots({})).toMatchObject({ names: [], files: [], unread: [] });
  });
});

describe('PEM', () => {
  test.each([
    ['a block that is cut off', '-----BEGIN CERTIFICATE-----\nAAAA\n', 0],
    ['a block inside another', `-----BEGIN CERTIFICATE-----\nAA\n${pem('a')}`, 1],
    ['text that is not base64', '-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----', 0],
    ['a begin in the middle of a line', `x ${pem('a')}`, 0],
    ['two blocks', pem('a') + pem('b'), 2],
  ])('%s', (_, text, count) => {
    expect(pemBlocks(text)).toHaveLength(count);
  });

  test('a huge text without an end is read once', () => {
    expect(pemBlocks('-----BEGIN CERTIFICATE-----\n'.repeat(50_000))).toEqual([]);
  });
});
