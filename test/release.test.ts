/** The scripts of the release workflow that need nothing of GitHub. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { dockerRegistry } from './kit/docker-registry.ts';
import { installed, needs } from './kit/installed.ts';
import { scratch } from './kit/program.ts';
import { copyInfo, repository, repositoryCopy } from './kit/repository-copy.ts';

const { version } = packageJson;
const run = promisify(execFile);
const env = {
  ...process.env,
  ...copyInfo,
  PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`,
  HELM: installed('helm') ?? 'helm',
};

describe('check-tag.sh', () => {
  const check = (tag: string, top = repository): ReturnType<typeof run> =>
    run('sh', [join(top, 'scripts/release/check-tag.sh'), tag], { env });

  test('accepts the tag of this version', async () => {
    expect((await check(`v${version}`)).stdout).toBe(`v${version} is the version of every file\n`);
  });

  test.each(['v0.0.1', version])('refuses %s', async (tag) => {
    await expect(check(tag)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the tag is') as unknown,
    });
  });

  test('refuses a version that CHANGELOG.md does not explain', async () => {
    const copy = await repositoryCopy();
    await writeFile(join(copy, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n');
    await expect(check(`v${version}`, copy)).rejects.toMatchObject({
      stderr: expect.stringContaining('no section') as unknown,
    });
  });
});

test('notes.sh prints the section of the version', async () => {
  const { stdout } = await run('sh', [join(repository, 'scripts/release/notes.sh'), '0.2.0'], { env });
  expect(stdout).toMatch(/^\n### Added\n/);
  expect(stdout).not.toMatch(/^## |^\[|0\.1\.0\]/m);
});

describe.runIf(needs(['helm', 'npm']))('package.sh', { timeout: 120_000 }, () => {
  let out: string;
  const read = (path: string): Promise<Buffer> => readFile(join(out, path));

  beforeAll(async () => {
    out = await made(await repositoryCopy());
  }, 120_000);

  test('makes the files of a release', async () => {
    const files = await readdir(out, { recursive: true, withFileTypes: true });
    expect(
      files
        .filter((file) => file.isFile())
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([
      'SHA256SUMS',
      `drypull-${version}.spdx.json`,
      `drypull-${version}.tar.gz`,
      `drypull-${version}.tgz`,
      `drypull-${version}.tgz`,
      'drypull.yaml',
      'metafile.json',
    ]);
    const { stdout } = await run('sha256sum', ['--check', 'SHA256SUMS'], { cwd: out });
    expect(stdout.trim().split('\n')).toEqual([
      `drypull-${version}.tar.gz: OK`,
      `drypull-${version}.spdx.json: OK`,
      'drypull.yaml: OK',
    ]);
  });

  test('makes the same files again, from another folder', async () => {
    const again = await made(await repositoryCopy());
    expect(await readFile(join(again, 'SHA256SUMS'), 'utf8')).toBe((await read('SHA256SUMS')).toString());
  });

  test('packs a chart that installs without the repository', async () => {
    const chart = join(out, 'chart', `drypull-${version}.tgz`);
    const { stdout } = await run(env.HELM, ['template', 'drypull', chart, '--set', 'monitoring.enabled=true'], {
      maxBuffer: 1 << 24,
    });
    expect(stdout).toContain('drypull:registry_failing:ratio');
  });

  describe('the krew manifest', () => {
    test('is what krew accepts', async () => {
      const manifest = parse((await read('drypull.yaml')).toString()) as Record<string, Record<string, unknown>>;
      expect(manifest).toMatchObject({
        apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
        kind: 'Plugin',
        metadata: { name: 'drypull' },
        spec: { version: `v${version}`, homepage: packageJson.homepage },
      });
      const [, sums = ''] =
        /^([0-9a-f]{64}) {2}drypull-.*\.tar\.gz$/m.exec((await read('SHA256SUMS')).toString()) ?? [];
      expect(manifest['spec']?.['platforms']).toEqual([
        {
          selector: { matchExpressions: [{ key: 'os', operator: 'In', values: ['darwin', 'linux'] }] },
          uri: `${packageJson.homepage}/releases/download/v${version}/drypull-${version}.tar.gz`,
          sha256: sums,
          files: [{ from: '*', to: '.' }],
          bin: 'drypull.mjs',
        },
      ]);
      // What the index of krew demands: one line, short, without the word kubectl.
      const short = String(manifest['spec']?.['shortDescription']);
      expect(short).toMatch(/^[A-Z][^\n]{10,60}[^.\n]$/);
      expect(short.toLowerCase()).not.toMatch(/kubectl|kubernetes/);
    });

    test.runIf(needs(['kubectl']))('names a program that kubectl runs as its plugin', async () => {
      const home = await scratch('krew');
      await mkdir(join(home, 'store'));
      await mkdir(join(home, 'bin'));
      await run('tar', ['-xzf', join(out, `drypull-${version}.tar.gz`), '-C', join(home, 'store')]);
      // As krew installs it.
      await symlink(join(home, 'store/drypull.mjs'), join(home, 'bin/kubectl-drypull'));
      const path = `${join(home, 'bin')}:${env.PATH}`;
      const kubectl = installed('kubectl') ?? '';
      const { stdout } = await run(kubectl, ['drypull', '--version'], { env: { PATH: path } });
      expect(stdout).toBe(`${version} (commit ${copyInfo.DRYPULL_COMMIT}, built 2026-03-01T12:00:00Z)\n`);
      expect((await run(kubectl, ['drypull', 'check', '--help'], { env: { PATH: path } })).stdout).toMatch(
        /^Usage: kubectl drypull check /,
      );
      expect(await readdir(join(home, 'store'))).toEqual(expect.arrayContaining(['LICENSE', 'LICENSES.txt']));
    });
  });

  test.runIf(needs(['docker-registry']))('chart.sh pushes the chart, and helm installs it from there', async () => {
    await using registry = await dockerRegistry();
    const charts = `127.0.0.1:${registry.port}/charts`;
    const outputs = join(await scratch('chart'), 'outputs');
    const pushing = { ...env, CHARTS: charts, HELM_PUSH_OPTIONS: '--plain-http', GITHUB_OUTPUT: outputs };
    const script = join(repository, 'scripts/release/chart.sh');
    const { stdout } = await run('sh', [script, join(out, 'chart', `drypull-${version}.tgz`)], { env: pushing });
    expect(stdout).toMatch(new RegExp(`^${charts}/drypull@sha256:[0-9a-f]{64}\n$`));
    expect(await readFile(outputs, 'utf8')).toBe(`chart=${stdout}`);
    const install = ['template', 'drypull', `oci://${charts}/drypull`, '--version', version, '--plain-http'];
    expect((await run(env.HELM, install, { maxBuffer: 1 << 24 })).stdout).toContain('kind: DaemonSet');
  });
});

test('image.sh builds every architecture with the commit, and writes the digest', async () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const directory = await scratch('docker');
  // A substitute for docker, which is not here: it keeps its arguments, and answers as buildx does.
  await writeFile(
    join(directory, 'docker'),
    `#!/bin/sh
printf '%s\\n' "$@" >${directory}/arguments
while [ $# -gt 0 ]; do
  if [ "$1" = --metadata-file ]; then echo '{"containerimage.digest":"${digest}"}' >"$2"; fi
  shift
done
`,
  );
  await chmod(join(directory, 'docker'), 0o755);
  const path = { ...env, PATH: `${directory}:${env.PATH}`, PUSH: 'true', GITHUB_OUTPUT: join(directory, 'outputs') };
  const { stdout } = await run('sh', [join(repository, 'scripts/release/image.sh'), version, 'latest'], { env: path });
  expect(stdout).toBe(`${digest}\n`);
  expect(await readFile(join(directory, 'outputs'), 'utf8')).toBe(`digest=${digest}\nimage=ghcr.io/drypull/drypull\n`);
  const args = (await readFile(join(directory, 'arguments'), 'utf8')).split('\n');
  expect(args.slice(0, 6)).toEqual([
    ...['buildx', 'build', '--tag', `ghcr.io/drypull/drypull:${version}`, '--tag', 'ghcr.io/drypull/drypull:latest'],
  ]);
  expect(args).toEqual(expect.arrayContaining(['linux/amd64,linux/arm64', 'mode=max', 'type=image,push=true']));
  expect(args.join(' ')).toMatch(/REVISION=[0-9a-f]{40} .*SOURCE_DATE_EPOCH=\d{10} /);
});

async function made(copy: string): Promise<string> {
  const folder = join(copy, 'release');
  await run('sh', [join(copy, 'scripts/release/package.sh'), folder], { env });
  return folder;
}
