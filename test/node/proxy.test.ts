import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findRunning, flag } from '../../src/node/processes.ts';
import { findProxy, proxyRules } from '../../src/node/proxy.ts';
import { k3s } from '../../src/node/distributions/k3s.ts';
import { containerd } from '../../src/node/distributions/known.ts';
import { rke2 } from '../../src/node/distributions/rke2.ts';
import { parseEnvFile } from '../../src/node/environment-file.ts';
import { parseExecStart } from '../../src/node/exec-start.ts';
import { assignmentsIn, linesOf } from '../../src/node/systemd-env.ts';
import { specifiersOf } from '../../src/node/systemd-specifiers.ts';
import { readUnit } from '../../src/node/systemd.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

const unit = 'usr/lib/systemd/system/containerd.service';

async function unitEnv(tree: NodeTree): Promise<Readonly<Record<string, string>> | undefined> {
  await using node = await nodeRoot(tree);
  const read = await readUnit(node.path, ['containerd.service']);
  return read === undefined ? undefined : Object.fromEntries(read.env);
}

/** What a request over HTTPS would be sent through. */
async function httpsProxy(tree: NodeTree, layout = containerd): Promise<string | undefined> {
  await using node = await nodeRoot(tree);
  const { rules } = await findProxy(node.path, layout, { running: await findRunning(node.path, 'containerd') });
  return rules.https?.reveal();
}

const service = (body: string) => `[Unit]\nEnvironment=A=unit\n[Service]\n${body}\n`;

describe('Environment= of a unit', () => {
  test.each<readonly [title: string, body: string, env: object]>([
    ['one assignment', 'Environment=A=1', { A: '1' }],
    ['several on a line', 'Environment=A=1 B=2', { A: '1', B: '2' }],
    ['quotes around an assignment', `Environment="A=1 2" 'B=3 4'`, { A: '1 2', B: '3 4' }],
    ['quotes around a value', 'Environment=A="1 2"', { A: '1 2' }],
    ['escapes', 'Environment="A=\\x41\\n\\"q\\""', { A: 'A\n"q"' }],
    ['a continued line', 'Environment=A=1 \\\n# not this\n B=2', { A: '1', B: '2' }],
    ['a later line adds and overrides', 'Environment=A=1 B=1\nEnvironment=B=2', { A: '1', B: '2' }],
    ['an empty line begins anew', 'Environment=A=1\nEnvironment=\nEnvironment=B=2', { B: '2' }],
    ['an escaped per cent sign', 'Environment=A=p%%40q', { A: 'p%40q' }],
    ['an unknown specifier, which costs its own word', 'Environment="A=p%40q" B=1', { B: '1' }],
    ['an unknown escape, which costs the rest of the line', 'Environment=A=1 B=\\q C=1', { A: '1' }],
    ['a percent sign before no letter', 'Environment=A=1%-2', { A: '1%-2' }],
    ['quotes of another kind', 'Environment=”A=1”', {}],
    ['a directory of the system manager', 'Environment=A=%S/x', { A: '/var/lib/x' }],
    ['the name of the unit', 'Environment=A=%n,%N', { A: 'containerd.service,containerd' }],
    ['no assignment', 'Environment=A 1B=2 =3', {}],
    ['an open quote', 'Environment=A=1 "B=2', { A: '1' }],
    ['UnsetEnvironment', 'Environment=A=1 B=2\nUnsetEnvironment=A', { B: '2' }],
  ])('%s', async (_, body, env) => {
    expect(await unitEnv({ [unit]: service(body) })).toEqual(env);
  });
});

describe('the files of a unit', () => {
  test('the most important directory gives the unit, and all give drop-ins in the order of their names', async () => {
    const env = await unitEnv({
      [unit]: service('Environment=A=vendor'),
      'etc/systemd/system/containerd.service': service('Environment=A=admin B=admin C=admin'),
      'etc/systemd/system/containerd.service.d/20.conf': service('Environment=B=20'),
      'run/systemd/system/containerd.service.d/10.conf': service('Environment=B=10 C=10'),
      'lib/systemd/system/containerd.service.d/30.conf': service('Environment=D=30'),
      'etc/systemd/system/containerd.service.d/x.bak': service('Environment=B=bak'),
    });
    expect(env).toEqual({ A: 'admin', B: '20', C: '10', D: '30' });
  });

  test('a drop-in hides another of its name, and a link to /dev/null hides it whole', async () => {
    const env = await unitEnv({
      [unit]: service(''),
      'etc/systemd/system/containerd.service.d/a.conf': service('Environment=A=etc'),
      'usr/lib/systemd/system/containerd.service.d/a.conf': service('Environment=A=usr'),
      'etc/systemd/system/containerd.service.d/b.conf': { link: '/dev/null' },
      'usr/lib/systemd/system/containerd.service.d/b.conf': service('Environment=B=usr'),
    });
    expect(env).toEqual({ A: 'etc' });
  });

  test('a drop-in for every service counts too', async () => {
    expect(
      await unitEnv({ [unit]: service(''), 'etc/systemd/system/service.d/p.conf': service('Environment=A=1') }),
    ).toEqual({ A: '1' });
  });

  test('a masked unit, and no unit, give nothing', async () => {
    expect(
      await unitEnv({
        'etc/systemd/system/containerd.service': { link: '/dev/null' },
        [unit]: service('Environment=A=1'),
      }),
    ).toBeUndefined();
    expect(await unitEnv({})).toBeUndefined();
  });

  test("the manager's default environment lies under the unit's", async () => {
    const env = await unitEnv({
      [unit]: service('Environment=B=unit'),
      'etc/systemd/system.conf': '[Manager]\nDefaultEnvironment="A=1" "B=1"\n[Other]\nDefaultEnvironment=C=1',
      'etc/systemd/system.conf.d/p.conf': '[Manager]\nDefaultEnvironment=D=2',
    });
    expect(env).toEqual({ A: '1', B: 'unit', D: '2' });
  });

  test('environment files go over the unit, may be missing, and may be a pattern', async () => {
    const env = await unitEnv({
      [unit]: service(
        'EnvironmentFile=-/etc/none\nEnvironmentFile=-/etc/default/%N\nEnvironmentFile=/etc/env.d/*.env\nEnvironment=A=unit B=unit',
      ),
      'etc/default/containerd': 'A=default\nC=default',
      'etc/env.d/2.env': 'C=2',
      'etc/env.d/1.env': 'C=1',
    });
    expect(env).toEqual({ A: 'default', B: 'unit', C: '2' });
  });

  test('an empty EnvironmentFile= begins anew', async () => {
    const env = await unitEnv({
      [unit]: service('EnvironmentFile=/a\nEnvironmentFile=\nEnvironmentFile=/b'),
      a: 'A=1',
      b: 'B=1',
    });
    expect(env).toEqual({ B: '1' });
  });
});

describe('an environment file', () => {
  test.each<readonly [title: string, text: string, pairs: readonly (readonly [string, string])[]]>([
    [
      'plain',
      'A=1\nB=2\n',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    ['comments and blanks', '# c\n; d\n\n  A=1  \n', [['A', '1']]],
    [
      'quotes',
      `A="1 \\"2\\" $x"\nB='3 \\n'\nC=4" 5"6\n`,
      [
        ['A', '1 "2" $x'],
        ['B', '3 \\n'],
        ['C', '4" 5"6'],
      ],
    ],
    ['blanks inside', 'A=1 2 3', [['A', '1 2 3']]],
    ['quotes keep blanks at the end', 'A="x "', [['A', 'x ']]],
    ['an escape', 'A=a\\ b\\\\', [['A', 'a b\\']]],
    ['a continued line', 'A=a\\\nb', [['A', 'ab']]],
    [
      'a quoted line end',
      'A="a\nb"\nC=1',
      [
        ['A', 'a\nb'],
        ['C', '1'],
      ],
    ],
    ['a URL', 'HTTPS_PROXY=http://u:p%40q@proxy:3128/#x', [['HTTPS_PROXY', 'http://u:p%40q@proxy:3128/#x']]],
    ['export is not understood', 'export A=1\nB=2', [['B', '2']]],
    ['nothing', '', []],
    [
      'an empty value',
      'A=\nB=1',
      [
        ['A', ''],
        ['B', '1'],
      ],
    ],
    [
      'line ends of Windows',
      'A=1\r\nB=2\r\n',
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
  ])('%s', (_, text, pairs) => {
    expect(parseEnvFile(text)).toEqual(pairs);
  });

  test('no text makes the grammars throw or hang', () => {
    const piece = fc.constantFrom('"', "'", '\\', '=', '\n', 'A', ' ', '#', '%', '[Service]', 'Environment=');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          parseEnvFile(text);
          for (const { value } of linesOf(text, 'Service')) {
            assignmentsIn(value, specifiersOf('x.service'));
            parseExecStart(value, specifiersOf('x.service'));
          }
        },
      ),
    );
  });
});

describe("Go's choice of variables", () => {
  test.each<readonly [title: string, env: Readonly<Record<string, string>>, rules: object]>([
    ['upper case first', { HTTPS_PROXY: 'a', https_proxy: 'b' }, { https: 'a' }],
    [
      'lower case where upper is missing or empty',
      { HTTPS_PROXY: '', https_proxy: 'b', no_proxy: 'x' },
      { https: 'b', no: 'x' },
    ],
    ['each on its own', { HTTP_PROXY: 'a', NO_PROXY: 'n' }, { http: 'a', no: 'n' }],
    ['ALL_PROXY does not count', { ALL_PROXY: 'a' }, {}],
  ])('%s', (_, env, expected) => {
    const { http, https, no } = proxyRules(new Map(Object.entries(env)), 'test');
    const opened = { http: http?.reveal(), https: https?.reveal(), no };
    expect(Object.fromEntries(Object.entries(opened).filter(([, value]) => value !== undefined))).toEqual(expected);
  });

  test('a proxy with a password is not printed', () => {
    expect(JSON.stringify(proxyRules(new Map([['HTTPS_PROXY', 'http://u:hunter2@p']]), 'test'))).not.toContain(
      'hunter2',
    );
  });
});

const started = new Date('2026-01-01T00:00:10Z');
const boot = Math.floor(Date.parse('2026-01-01T00:00:00Z') / 1000);

function running(pid: number, { comm = 'containerd', env = '', args = 'containerd' } = {}): NodeTree {
  return {
    'proc/stat': `cpu 1\nbtime ${boot}\n`,
    [`proc/${pid}/comm`]: `${comm}\n`,
    [`proc/${pid}/cmdline`]: `${args.replaceAll(' ', '\0')}\0`,
    [`proc/${pid}/environ`]: env,
    [`proc/${pid}/stat`]: `${pid} (a ) b) S ${'0 '.repeat(18)}1000 0`,
  };
}

describe('the running containerd', () => {
  test('is told from its shims and from other programs, with its start', async () => {
    await using node = await nodeRoot({
      ...running(7, { comm: 'containerd-shim' }),
      ...running(20, { env: 'A=1\0A=2\0B=x=y\0' }),
      'proc/20/cwd': { link: '/wd' },
      'proc/self/comm': 'containerd',
    });
    const found = await findRunning(node.path, 'containerd');
    expect(found).toMatchObject({ pid: 20, args: ['containerd'], cwd: '/wd', startedMs: started.getTime() });
    expect([...(found?.env ?? [])]).toEqual([
      ['A', '1'],
      ['B', 'x=y'],
    ]);
  });

  test("a distribution's own comes first and Docker's last", async () => {
    const docker = running(1, { args: 'containerd --config /var/run/docker/containerd/containerd.toml' });
    const plain = running(3, {});
    const k3s = running(9, { args: 'containerd -c /var/lib/rancher/k3s/agent/etc/containerd/config.toml' });
    const pidOf = async (tree: NodeTree) => {
      await using node = await nodeRoot(tree);
      return (await findRunning(node.path, 'containerd'))?.pid;
    };
    expect(await pidOf({ ...docker, ...plain })).toBe(3);
    expect(await pidOf({ ...docker, ...plain, ...k3s })).toBe(9);
    expect(await pidOf({})).toBeUndefined();
  });

  test.each([
    [['--config', '/a'], '/a'],
    [['--config=/a'], '/a'],
    [['-c', '/a'], '/a'],
    [['-config', '/a', '-c=/b'], '/b'],
    [['--config'], undefined],
    [['--configs', '/a'], undefined],
  ])('a flag in %j', (args, value) => {
    expect(flag(args, 'config', 'c')).toBe(value);
  });
});

describe('the proxy of a node', () => {
  const dropIn = 'etc/systemd/system/containerd.service.d/proxy.conf';
  const old = new Date(started.getTime() - 3_600_000);
  /** Directories as they were before the start. */
  const untouched: NodeTree = Object.fromEntries(
    ['etc/systemd/system/containerd.service.d', 'etc/systemd/system', 'usr/lib/systemd/system'].map((dir) => [
      dir,
      { dir: true, modified: old },
    ]),
  );

  test('is what the process has, before what files say', async () => {
    const files = { [unit]: service(''), [dropIn]: service('Environment=HTTPS_PROXY=http://file') };
    expect(await httpsProxy(files)).toBe('http://file');
    expect(await httpsProxy({ ...files, ...running(5, { env: 'HTTPS_PROXY=http://process\0' }) })).toBe(
      'http://process',
    );
    expect(await httpsProxy({ ...files, ...running(5) })).toBeUndefined();
    expect(await httpsProxy({})).toBeUndefined();
  });

  test.each<readonly [title: string, seconds: number, value: string, doubts: number]>([
    ['a newer file with another proxy waits for a restart', 60, 'http://new', 1],
    ['an older file with another proxy was overruled somehow', -60, 'http://new', 0],
    ['a newer file that says the same changes nothing', 60, 'http://old', 0],
  ])('%s', async (_, seconds, value, count) => {
    const modified = new Date(started.getTime() + seconds * 1000);
    await using node = await nodeRoot({
      [unit]: { text: service(''), modified: old },
      [dropIn]: { text: service(`Environment=HTTPS_PROXY=${value}`), modified },
      ...running(5, { env: 'HTTPS_PROXY=http://old\0' }),
      ...untouched,
    });
    const { doubts, next } = await findProxy(node.path, containerd, {
      running: await findRunning(node.path, 'containerd'),
    });
    expect(doubts).toHaveLength(count);
    if (count > 0) expect(doubts).toMatchObject([{ is: 'if_restarted', about: 'proxy' }]);
    expect(next?.rules.https?.reveal()).toBe(count > 0 ? value : undefined);
    if (count > 0) expect(next?.because).toContain(dropIn);
  });

  test.each([
    ['a drop-in that was taken away', [], true],
    ['the whole directory of drop-ins that was taken away', ['etc/systemd/system/containerd.service.d'], true],
    ['nothing that was taken away', undefined, false],
  ] as const)('%s is what the next restart loses: %s', async (_, gone, loses) => {
    await using node = await nodeRoot({
      [unit]: { text: service(''), modified: old },
      [dropIn]: service('Environment=HTTPS_PROXY=http://old'),
      ...running(5, { env: 'HTTPS_PROXY=http://old\0' }),
      ...untouched,
    });
    if (gone !== undefined) await node.remove(gone[0] ?? dropIn);
    const { next, rules } = await findProxy(node.path, containerd, {
      running: await findRunning(node.path, 'containerd'),
    });
    expect(rules.https?.reveal()).toBe('http://old');
    expect(next?.rules).toEqual(loses ? { source: `/${unit}` } : undefined);
  });

  test('of a process that got it by other means than its unit is no news', async () => {
    await using node = await nodeRoot({
      [unit]: { text: service(''), modified: old },
      ...running(5, { env: 'HTTPS_PROXY=http://by-hand\0' }),
      ...untouched,
    });
    expect(
      (
        await findProxy(node.path, containerd, {
          running: await findRunning(node.path, 'containerd'),
        })
      ).next,
    ).toBeUndefined();
  });

  test('a variable for containerd alone goes over one for the whole distribution', async () => {
    const unitText = service('EnvironmentFile=-/etc/default/%N\nEnvironmentFile=-/etc/systemd/system/k3s.service.env');
    const tree = {
      'etc/systemd/system/k3s.service': unitText,
      'etc/default/k3s': 'HTTPS_PROXY=http://default',
      'etc/systemd/system/k3s.service.env': 'HTTPS_PROXY=http://all\n',
    };
    expect(await httpsProxy(tree, k3s.runtime)).toBe('http://all');
    const own = {
      ...tree,
      'etc/systemd/system/k3s.service.env': 'HTTPS_PROXY=http://all\nCONTAINERD_HTTPS_PROXY=http://own\n',
    };
    expect(await httpsProxy(own, k3s.runtime)).toBe('http://own');
  });

  test.each(['k3s-agent', 'rke2-server', 'rke2-agent'])('%s is read like k3s', async (name) => {
    expect(
      await httpsProxy(
        {
          [`usr/local/lib/systemd/system/${name}.service`]: service('Environment=CONTAINERD_HTTPS_PROXY=http://p'),
        },
        name.startsWith('k3s') ? k3s.runtime : rke2.runtime,
      ),
    ).toBe('http://p');
    const files = { [`etc/default/${name}`]: 'HTTPS_PROXY=http://p' };
    expect(await httpsProxy(files, name.startsWith('k3s') ? k3s.runtime : rke2.runtime)).toBe('http://p');
  });
});
