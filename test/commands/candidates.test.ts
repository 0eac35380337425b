import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '#commands/completion.ts';
import { completions } from '#commands/candidates.ts';
import type { ProcessContext } from '#main.ts';
import { needs } from '../kit/installed.ts';

function logged(...args: readonly string[]): { readonly status: number; readonly text: string } {
  let text = '';
  const stream = { write: (more: string) => (text += more) } as unknown as NodeJS.WriteStream;
  const status = run({ args, stdout: stream, stderr: stream } as unknown as ProcessContext);
  return { status, text };
}

describe('what could follow', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['a command that is begun', ['che'], ['check']],
    ['two commands with one beginning', ['node'], ['node', 'nodes']],
    ['an option of check', ['check', '--all'], ['--all-nodes']],
    ['what an option allows', ['check', '-o', 'j'], ['json', 'junit']],
    ['the value of an option that takes anything', ['check', '--namespace', ''], []],
    ['an image, of which nobody knows the names', ['check', ''], []],
    ['an option of nodes', ['nodes', '--kube'], ['--kubeconfig']],
    ['an option of the agent', ['agent', '--c'], ['--config']],
    ['a shell', ['completion', 'z'], ['zsh']],
    ['a command that is none', ['explode', '--a'], []],
  ])('%s', (_what, arguments_, expected) => {
    expect(completions(arguments_)).toEqual(expected);
  });

  test.each(['agent', 'config', 'node', 'nodes'])('each option of %s is one that it has', (command) => {
    const main = join(import.meta.dirname, '../../src/main.ts');
    const { stdout } = spawnSync(process.execPath, [main, command, '--help'], { encoding: 'utf8' });
    const offered = completions([command, '--']);
    expect(offered.length).toBeGreaterThan(0);
    for (const option of offered) expect(stdout).toContain(option);
  });
});

describe('drypull completion', () => {
  test.each(['bash', 'zsh', 'fish'])('%s has a script that asks this program', (shell) => {
    expect(logged(shell)).toMatchObject({
      status: 0,
      text: expect.stringContaining('drypull completion words') as string,
    });
  });

  test('kubectl is told the words and that no file names are meant', () => {
    expect(logged('kubectl', 'check', '--all').text).toBe('--all-nodes\n:4\n');
    expect(logged('kubectl', 'check', '-f', 'x').text).toBe(':0\n');
  });

  test('another shell is refused', () => {
    expect(logged('tcsh').status).toBe(2);
    expect(logged('constructor').status).toBe(2);
  });

  test.runIf(needs(['bash']))('bash understands the script, and completes with it', () => {
    const main = join(import.meta.dirname, '../../src/main.ts');
    const script = `drypull() { ${process.execPath} ${main} "$@"; }
      source <(drypull completion bash)
      COMP_WORDS=(drypull check --all) COMP_CWORD=2
      _drypull; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['--all-nodes\n', '']);
  });
});
