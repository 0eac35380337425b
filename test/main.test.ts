import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the front door; `deaf`: whoever reads its answer leaves at once. */
function drypull(text: readonly string[], { deaf = false } = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const main = join(import.meta.dirname, '../src/main.ts');
    const child = spawn(process.execPath, [main, ...text], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    const logged = { stdout: '', stderr: '' };
    if (deaf) child.stdout.destroy();
    else child.stdout.setEncoding('utf8').on('data', (text: string) => (logged.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (logged.stderr += text));
    child.on('error', reject).on('close', (status) => resolve({ status, ...logged }));
  });
}

test('--version answers on stdout', async () => {
  const { status, stdout, stderr } = await drypull(['--version']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a wrong call is status 2, said on stderr', async () => {
  const { status, stdout, stderr } = await drypull(['check']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('nothing to check');
});

test('a reader that leaves early is no error', async () => {
  expect(await drypull(['check', '--help'], { deaf: true })).toEqual({ status: 0, stdout: '', stderr: '' });
});
