/** Version and names are the same in every file, and scripts/set-names.sh changes them everywhere. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { repository, repositoryCopy } from './kit/repository-copy.ts';

const namesIn = (top: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...readFileSync(join(top, 'scripts/names.env'), 'utf8').matchAll(/^([A-Z]+)=(.*)$/gm)].map(
      ([, name = '', is = '']) => [name, is],
    ),
  );

function copiesIn(top: string): Readonly<Record<string, unknown>> {
  const read = (path: string): string => readFileSync(join(top, path), 'utf8');
  const chart = parse(read('charts/drypull/Chart.yaml')) as Readonly<Record<string, unknown>>;
  const values = parse(read('charts/drypull/values.yaml')) as { readonly image: { readonly repository: string } };
  const kustomization = (path: string): string =>
    /newTag: (.*)/.exec(read(`manifests/${path}/kustomization.yaml`))?.[1] ?? '';
  const own = JSON.parse(read('package.json')) as typeof packageJson;
  return {
    versions: [
      own.version,
      chart['version'],
      chart['appVersion'],
      /ARG VERSION=(.*)/.exec(read('Dockerfile'))?.[1],
      ...['base', 'components/catalog', 'overlays/example'].map(kustomization),
      /--version (\S+)/.exec(read('charts/drypull/README.md'))?.[1],
    ],
    images: [values.image.repository, /newName: (.*)/.exec(read('manifests/overlays/example/kustomization.yaml'))?.[1]],
    published: /DRYPULL: (.*)/.exec(read('manifests/pipeline/gitlab-ci.yaml'))?.[1],
    charts: /oci:\/\/(\S+)\/drypull /.exec(read('charts/drypull/README.md'))?.[1],
    sources: [own.homepage, chart['home'], /image\.source="(.*?)"/.exec(read('Dockerfile'))?.[1]],
  };
}

function expected({
  IMAGE,
  CHARTS,
  SOURCE,
  VERSION,
}: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  return {
    versions: Array<unknown>(8).fill(VERSION),
    images: [IMAGE, IMAGE],
    published: `${IMAGE}:${VERSION}`,
    charts: CHARTS,
    sources: [SOURCE, SOURCE, SOURCE],
  };
}

test('every file has the names of scripts/names.env', () => {
  expect(copiesIn(repository)).toEqual(expected(namesIn(repository)));
});

test('the workflows log in where the image goes', () => {
  const { IMAGE = '' } = namesIn(repository);
  const release = readFileSync(join(repository, '.github/workflows/release.yml'), 'utf8');
  const registries = [...release.matchAll(/^ +registry: (.*)$/gm)].map(([, registry]) => registry);
  expect(new Set(registries)).toEqual(new Set([IMAGE.split('/')[0]]));
});

test('set-names.sh changes them in every file', { timeout: 60_000 }, async () => {
  const copy = await repositoryCopy();
  execFileSync('git', ['init', '--quiet'], { cwd: copy });
  execFileSync('git', ['add', '--all', '--', ':!node_modules'], { cwd: copy });
  const fork = {
    IMAGE: 'registry.example.com/ours/drypull',
    CHARTS: 'registry.example.com/ours/charts',
    SOURCE: 'https://git.example.com/ours/drypull',
    VERSION: '9.8.7',
  };
  const args = Object.entries(fork).map(([name, is]) => `${name}=${is}`);
  await promisify(execFile)('sh', ['scripts/set-names.sh', ...args], { cwd: copy });
  expect(namesIn(copy)).toEqual(fork);
  expect(copiesIn(copy)).toEqual(expected(fork));
});

test('set-names.sh refuses what it does not know', async () => {
  const running = promisify(execFile)('sh', [join(repository, 'scripts/set-names.sh'), 'OWNER=x']);
  await expect(running).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('OWNER=x') as unknown });
});
