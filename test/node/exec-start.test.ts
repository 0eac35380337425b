import { describe, expect, test } from 'vitest';
import { expandCommand, parseExecStart } from '../../src/node/exec-start.ts';
import { specifiersOf } from '../../src/node/systemd-specifiers.ts';
import { readUnit } from '../../src/node/systemd.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

const env = new Map([
  ['ARGS', '--a=1  --b="2 3"'],
  ['ONE', 'x y'],
  ['EMPTY', ''],
]);

function argvOf(value: string): readonly string[] | string {
  const read = parseExecStart(value, specifiersOf('kubelet.service'));
  const command = read.ok ? read.commands.at(-1) : undefined;
  return read.ok ? (command === undefined ? [] : expandCommand(command, env)) : read.why;
}

describe('ExecStart=', () => {
  test.each<readonly [value: string, argv: readonly string[] | string]>([
    ['/usr/bin/kubelet --v=2', ['/usr/bin/kubelet', '--v=2']],
    ['/k $ARGS', ['/k', '--a=1', '--b=2 3']],
    // Quotes are gone before variables are looked at.
    ['/k "$ARGS"', ['/k', '--a=1', '--b=2 3']],
    ['/k ${ONE} --c=${ONE}', ['/k', 'x y', '--c=x y']],
    ['/k --c=$ONE $$ONE', ['/k', '--c=$ONE', '$ONE']],
    ['/k $EMPTY ${EMPTY} $NONE', ['/k', '']],
    ['-@/k name --d', ['/k', '--d']],
    [':/k $ARGS', ['/k', '$ARGS']],
    [String.raw`/k a\x20b \q`, ['/k', 'a b', String.raw`\q`]],
    ['/first x ; /second y', ['/second', 'y']],
    ['/k --u=%n --p=%%', ['/k', '--u=kubelet.service', '--p=%']],
    ['/k --bad=%4', '%4 is an unknown specifier'],
    ['/k "open', 'the quote " is not closed'],
    ['', []],
  ])('%s', (value, argv) => {
    expect(argvOf(value)).toEqual(argv);
  });

  async function unitOf(tree: NodeTree) {
    await using node = await nodeRoot(tree);
    return await readUnit(node.path, ['kubelet.service']);
  }

  test('goes on over lines, and a drop-in that clears it replaces it', async () => {
    const unit = await unitOf({
      'etc/systemd/system/kubelet.service': '[Service]\nExecStart=/usr/bin/false\n',
      'etc/systemd/system/kubelet.service.d/10.conf':
        '[Service]\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet \\\n  # a comment\n  --config /c \\\n  $EXTRA\n',
      'etc/default/kubelet': 'EXTRA=--root-dir=/r\n',
    });
    expect(unit?.argv).toEqual(['/usr/bin/kubelet', '--config', '/c', '--root-dir=/r']);
    expect(unit?.files).toEqual([
      '/etc/systemd/system/kubelet.service',
      '/etc/systemd/system/kubelet.service.d/10.conf',
      '/etc/default/kubelet',
    ]);
  });

  test('names the lines that systemd ignores, without their values', async () => {
    const unit = await unitOf({
      'etc/systemd/system/kubelet.service':
        '[Service]\nEnvironment="HTTPS_PROXY=http://u:secret%40x@p:1"\nEnvironment=A=1 "B\nExecStart=/k --x=%4\nEnvironmentFile=relative\n',
    });
    expect(unit?.ignored).toMatchObject([
      { line: 2, key: 'Environment', what: 'HTTPS_PROXY' },
      { line: 3, key: 'Environment', what: 'the rest of the line' },
      { line: 4, key: 'ExecStart', why: '%4 is an unknown specifier' },
      { line: 5, key: 'EnvironmentFile', why: 'the path is not absolute' },
    ]);
    expect(JSON.stringify(unit?.ignored)).not.toContain('secret');
  });
});
