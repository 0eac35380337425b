/** The npm package: what is in it, and that it runs where it is installed, with the oldest Node.js that it supports. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { ask } from './kit/ask.ts';
import { dockerRegistry } from './kit/docker-registry.ts';
import { image } from './kit/image.ts';
import { installed, needs, oldestNode } from './kit/installed.ts';
import { nodeRoot } from './kit/node-root.ts';
import { freePort, scratch } from './kit/program.ts';
import { copyInfo, repository as top, repositoryCopy } from './kit/repository-copy.ts';

const run = promisify(execFile);

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function ended(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  try {
    return { code: 0, ...(await run(program, args, { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

describe.runIf(needs(['npm']))('the package', { timeout: 120_000 }, () => {
  let folder: string;
  let packed: Packed;
  const bin = (name: string): string => join(folder, 'node_modules/.bin', name);

  beforeAll(async () => {
    folder = await scratch('package');
    const home = join(folder, 'home');
    await mkdir(home);
    // A copy, because packing rewrites the bundle.
    const copy = await repositoryCopy();
    const npm = { cwd: folder, env: { ...process.env, ...copyInfo, npm_config_update_notifier: 'false' } };
    const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder, copy], npm);
    // What prepack prints comes first.
    const [made] = JSON.parse(stdout.slice(stdout.lastIndexOf('\n[') + 1)) as readonly Packed[];
    if (made === undefined) throw new Error(stdout);
    packed = made;
    await writeFile(join(folder, 'package.json'), '{}');
    // Nothing is fetched: the package has no dependencies.
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(folder, packed.filename)], npm);
  }, 120_000);

  test('has the bundle, its licences and its documentation, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path).filter((path) => !/^dist\/.*\.(mjs|txt)$/.test(path));
    expect(paths.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(packed.files.map(({ path }) => path)).toContain('dist/drypull.mjs');
    expect(packed.files.map(({ path }) => path)).toContain('dist/LICENSES.txt');
  });

  test('brings no other package', async () => {
    const names = await readdir(join(folder, 'node_modules'));
    expect(names.filter((name) => !name.startsWith('.'))).toEqual(['drypull']);
  });

  const nodes = [['this Node.js', process.execPath], ...(oldestNode === undefined ? [] : [['the oldest', oldestNode]])];
  describe.each(nodes as [string, string][])('run by %s', (_which, node) => {
    test.each(['drypull', 'kubectl-drypull'])('%s says its version, commit and time', async (name) => {
      const { code, stdout, stderr } = await ended(node, [bin(name), '--version']);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^\d+\.\d+\.\d+ \(commit [0-9a-f]{40}, built \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)\n$/);
      expect(stdout.startsWith(`${packageJson.version} `)).toBe(true);
    });

    test('a check is answered', async () => {
      const { code, stdout } = await ended(node, [bin('drypull'), 'check', 'localhost:1/none:1']);
      expect(code).toBe(1);
      expect(stdout).toContain('tcp.refused');
    });

    test.runIf(needs(['docker-registry']))('an image that is there pulls', async () => {
      await using registry = await dockerRegistry();
      await registry.push('shop/web:1', image({ platforms: ['linux/amd64', 'linux/arm64'] }));
      const name = `127.0.0.1:${registry.port}/shop/web:1`;
      await using root = await nodeRoot({ 'etc/containerd/config.toml': 'version = 3\n' });
      const args = ['check', name, '--host-root', root.path, '--runtime', 'containerd://2.1.9', '--output', 'json'];
      const { code, stdout } = await ended(node, [bin('drypull'), ...args]);
      expect([code, JSON.parse(stdout)]).toMatchObject([0, { version: 1, reports: [{ verdict: { is: 'pulls' } }] }]);
    });

    test('the agent starts and ends', async () => {
      const port = await freePort();
      const listen = {
        DRYPULL_LISTEN: `127.0.0.1:${port}`,
        DRYPULL_CHECK_LISTEN: 'off',
        DRYPULL_IMAGES: 'localhost:1/a:1',
      };
      const agent = spawn(node, [bin('drypull'), 'agent'], { env: listen, stdio: 'ignore' });
      const exited = once(agent, 'exit');
      const isAlive = (): Promise<number> =>
        ask(`http://127.0.0.1:${port}/livez`).then(
          ({ status }) => status,
          () => 0,
        );
      await expect.poll(isAlive, { timeout: 20_000, interval: 100 }).toBe(200);
      agent.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
    });

    test('kubectl learns what can follow', async () => {
      const { code, stdout } = await ended(node, [bin('kubectl_complete-drypull'), 'check', '--out']);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^--output\n:\d\n$/)]);
    });
  });

  test.runIf(needs(['kubectl']))(
    'kubectl finds the plugin, which calls itself by the name that the user knows',
    async () => {
      const env = { PATH: `${join(folder, 'node_modules/.bin')}:${join(process.execPath, '..')}:/usr/bin:/bin` };
      const kubectl = (...args: string[]): Promise<Ended> => ended(installed('kubectl') ?? '', args, env);
      expect((await kubectl('plugin', 'list')).stdout).toContain('/kubectl-drypull\n');
      expect((await kubectl('drypull', '--help')).stdout).toMatch(/^Usage: kubectl drypull /);
      const help = await kubectl('drypull', 'check', '--help');
      expect(help.stdout).toMatch(/^Usage: kubectl drypull check /);
      expect(help.stdout).toContain('| kubectl drypull check --nodes -f -');
      expect(help.stdout).not.toMatch(/(?<!kubectl )\bdrypull check/);
      expect((await kubectl('drypull', 'nodes', '--help')).stdout).toMatch(/^Usage: kubectl drypull nodes /);
      expect((await kubectl('drypull', 'check')).stderr).toContain(
        '(see kubectl drypull --help and kubectl drypull check --help',
      );
    },
  );

  test.each(['12.22.12', '18.20.8', '22.18.0', '23.11.1'])(
    'Node.js %s is refused with what is needed',
    async (version) => {
      const old = join(folder, `old-${version}.cjs`);
      await writeFile(old, `Object.defineProperty(process.versions, 'node', { value: ${JSON.stringify(version)} });`);
      for (const name of ['drypull', 'kubectl-drypull', 'kubectl_complete-drypull']) {
        const { code, stdout, stderr } = await ended(process.execPath, ['--require', old, bin(name), '--version']);
        expect([code, stdout]).toEqual([2, '']);
        expect(stderr).toBe(
          `drypull needs Node.js 22.19 or later, or 24 or later; this is ${version} (${process.execPath})\n`,
        );
      }
    },
  );

  test.each(['22.19.0', '22.99.0', '24.0.0', '26.1.0'])('Node.js %s is not refused', async (version) => {
    const old = join(folder, `new-${version}.cjs`);
    await writeFile(old, `Object.defineProperty(process.versions, 'node', { value: ${JSON.stringify(version)} });`);
    expect((await ended(process.execPath, ['--require', old, bin('drypull'), '--version'])).code).toBe(0);
  });
});

test('the launcher, package.json and the bundle agree about Node.js', async () => {
  expect(packageJson.engines.node).toBe('^22.19.0 || >=24.0.0');
  expect(await readFile(join(top, 'bundle.js'), 'utf8')).toContain("target: 'node22.19'");
  expect(await readFile(join(top, 'launcher.js'), 'utf8')).toContain('version[0] === 22 && version[1] >= 19');
});

test('an installation from source is a version in development', async () => {
  const folder = await scratch('source');
  const link = join(folder, 'kubectl-drypull');
  await symlink(join(top, 'src/main.ts'), link);
  expect((await ended(process.execPath, [link, '--version'])).stdout).toBe(`${packageJson.version} (development)\n`);
});
