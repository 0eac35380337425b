/**
 * Breaks each rule of .dependency-cruiser.cjs and eslint.config.js on purpose, in a small tree beside the real configuration, and
 * sees the check name it. The real tree is checked by `npm run lint`.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const project = join(import.meta.dirname, '..');
const bin = (name: string): string => join(project, 'node_modules/.bin', name);
let tree = '';

/** A tree that keeps every rule. */
const kept: Readonly<Record<string, string>> = {
  'src/main.ts':
    "import { verdictAt } from '#report/verdict.ts';\nimport { readFirst } from '#node/files.ts';\nimport { attempt } from '#runtime/containerd/pull/attempt.ts';\nimport { plan } from '#runtime/crio/plan.ts';\n\nprocess.exitCode = verdictAt(attempt(plan())) + readFirst().length;\n",
  'src/report/verdict.ts': 'export function verdictAt(nowMs: number): number {\n  return nowMs;\n}\n',
  'src/node/files.ts':
    "import { readdirSync } from 'node:fs';\n\nexport function readFirst(): readonly string[] {\n  return readdirSync('/');\n}\n",
  'src/runtime/containerd/pull/attempt.ts': 'export function attempt(routes: number): number {\n  return routes;\n}\n',
  'src/runtime/crio/plan.ts': 'export function plan(): number {\n  return 1;\n}\n',
};

beforeAll(async () => {
  // Below the project, because type-aware rules resolve types and packages from there.
  tree = await mkdtemp(join(project, '.architecture-'));
  for (const file of ['.dependency-cruiser.cjs', 'eslint.config.js', 'tsconfig.json', 'package.json'])
    await cp(join(project, file), join(tree, file));
  await symlink(join(project, 'node_modules'), join(tree, 'node_modules'));
});
afterAll(() => rm(tree, { recursive: true, force: true }));

async function lay(broken: Readonly<Record<string, string>>): Promise<void> {
  await rm(join(tree, 'src'), { recursive: true, force: true });
  for (const [path, text] of Object.entries({ ...kept, ...broken })) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
}

interface Checked {
  readonly status: number;
  readonly output: string;
}

const run = (command: string, args: readonly string[]): Promise<Checked> =>
  new Promise((resolve) => {
    execFile(bin(command), args, { cwd: tree }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : 1, output: stdout + stderr });
    });
  });
const imports = (): Promise<Checked> => run('depcruise', ['--config', '.dependency-cruiser.cjs', 'src']);
const syntax = (): Promise<Checked> => run('eslint', ['src']);

const verdict = kept['src/report/verdict.ts'] ?? '';

describe('what may import what', () => {
  test('a tree that keeps the rules passes', async () => {
    await lay({});
    expect(await imports()).toMatchObject({ status: 0 });
  });

  test.each<[string, string, Readonly<Record<string, string>>]>([
    [
      'no-cycles',
      'a cycle of types',
      {
        'src/report/verdict.ts': `import type { B } from './b.ts';\n\nexport type A = B | 1;\n${verdict}`,
        'src/report/b.ts': "import type { A } from './verdict.ts';\n\nexport type B = A | 2;\n",
      },
    ],
    ['no-orphans', 'a file that nothing imports', { 'src/report/dead.ts': 'export const dead = 1;\n' }],
    [
      'pure-imports-pure',
      'a pure module that imports one that is not',
      { 'src/report/verdict.ts': `export { readFirst } from '#node/files.ts';\n${verdict}` },
    ],
    [
      'pure-uses-no-builtins',
      'a pure module that imports node:path',
      { 'src/report/verdict.ts': `export { join } from 'node:path';\n${verdict}` },
    ],
    [
      'files-and-processes-in-node',
      'node:fs outside node/',
      { 'src/runtime/containerd/pull/attempt.ts': `export { rm } from 'node:fs';\n${attemptText()}` },
    ],
    [
      'files-and-processes-in-node',
      'node:child_process outside node/',
      { 'src/runtime/containerd/pull/attempt.ts': `export { spawn } from 'node:child_process';\n${attemptText()}` },
    ],
    [
      'sockets-in-registry',
      'node:net outside registry/',
      { 'src/node/files.ts': `export { connect } from 'node:net';\n${kept['src/node/files.ts'] ?? ''}` },
    ],
    [
      'api-server-in-kubernetes',
      'the API client outside kubernetes/',
      {
        'src/node/files.ts': `export { KubeConfig } from '@kubernetes/client-node';\n${kept['src/node/files.ts'] ?? ''}`,
      },
    ],
    [
      'metrics-and-log-in-output',
      'a metric outside output/',
      { 'src/node/files.ts': `export { Gauge } from 'prom-client';\n${kept['src/node/files.ts'] ?? ''}` },
    ],
    [
      'runtimes-apart',
      'a side-effect import between runtimes',
      { 'src/runtime/containerd/pull/attempt.ts': `import '#runtime/crio/plan.ts';\n${attemptText()}` },
    ],
  ])('%s: %s', { timeout: 60_000 }, async (rule, _what, broken) => {
    await lay(broken);
    const { status, output } = await imports();
    expect(status).toBe(1);
    expect(output).toContain(`error ${rule}:`);
  });
});

function attemptText(): string {
  return kept['src/runtime/containerd/pull/attempt.ts'] ?? '';
}

describe('what may be written', () => {
  test('a tree that keeps the rules passes', { timeout: 60_000 }, async () => {
    await lay({});
    expect((await syntax()).output).toBe('');
  });

  // One run for all of them: each starts the type checker.
  test('each broken rule is named at its line', { timeout: 60_000 }, async () => {
    const broken: readonly (readonly [string, string, string])[] = [
      [
        'src/report/fetching.ts',
        'export const asked = fetch("http://127.0.0.1/");',
        'Pure: no clock, no timer, no network',
      ],
      ['src/report/today.ts', 'export const today = new Date();', 'Pure: take the time as an argument'],
      ['src/report/text.ts', 'export const text = Date();', 'Pure: take the time as an argument'],
      ['src/report/now.ts', 'export const nowMs = Date.now();', 'Pure: take the time as an argument'],
      ['src/report/chance.ts', 'export const chance = Math.random();', 'Pure: take the random number as an argument'],
      ['src/node/env.ts', 'export const env = process.env;', 'Only main.ts knows the process'],
      ['src/node/lane.ts', 'export const laneOf = 1;', 'A retired word'],
      [
        'src/node/taken.ts',
        'export function taken({ reveal }: { readonly reveal: () => string }): string {\n  return reveal();\n}',
        'Do not take `reveal` out of a Secret',
      ],
      [
        'src/node/shown.ts',
        'export function shown(secret: { readonly reveal: () => string }): string {\n  return secret.reveal();\n}',
        'A Secret is revealed in the one place',
      ],
      ['src/node/effect.ts', "import './files.ts';", 'A module is imported for what it exports'],
    ];
    await lay(Object.fromEntries(broken.map(([path, text]) => [path, `${text}\n`])));
    const { status, output } = await syntax();
    expect(status).toBe(1);
    const byFile = new Map(
      output.split(/\n(?=\/)/).map((part) => [
        part
          .trim()
          .split('\n')[0]
          ?.slice(tree.length + 1) ?? '',
        part,
      ]),
    );
    for (const [path, , message] of broken)
      expect([path, byFile.get(path)]).toEqual([path, expect.stringContaining(message)]);
  });
});

describe('the layout', () => {
  test('at most three files are loose in src/, and no folder has 40 or more', async () => {
    const entries = await readdir(join(project, 'src'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    const counts = new Map<string, number>();
    for (const { parentPath } of files) counts.set(parentPath, (counts.get(parentPath) ?? 0) + 1);
    expect(counts.get(join(project, 'src'))).toBeLessThanOrEqual(3);
    expect([...counts].filter(([, count]) => count >= 40)).toEqual([]);
  });
});
