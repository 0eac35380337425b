import { describe, expect, test } from 'vitest';
import { readCommandLine, wantsColour } from '#commands/command-line.ts';
import type { CheckRequest, Wanted } from '#commands/command-line.ts';

const read = (...arguments_: string[]): Wanted => readCommandLine(arguments_, '1.2.3');

function request(...arguments_: string[]): CheckRequest {
  const wanted = read('check', ...arguments_);
  if (wanted.run !== 'check') throw new Error(JSON.stringify(wanted));
  return wanted.request;
}

describe('drypull check', () => {
  test('an image alone is enough', () => {
    expect(request('nginx')).toEqual({
      images: ['nginx'],
      files: [],
      pullSecrets: [],
      namespace: 'default',
      node: { hostRoot: '/', kubelet: {} },
      output: 'table',
      verbose: false,
      strict: false,
      verify: false,
      spend: false,
      timeoutMs: 90_000,
      colour: true,
    });
  });

  test('everything can be said', () => {
    const arguments_ =
      '-f a.yaml -f - --pull-secret s.json --pull-secret t.json -n shop --host-root /host --runtime containerd://2.1.9';
    const more =
      '--platform linux/arm/v7 --node-name n --root-dir /k --image-credential-provider-config /c --image-credential-provider-bin-dir /b';
    const rest = '-o json -v --strict --verify --spend --timeout 2m --no-color a b a';
    expect(request(...`${arguments_} ${more} ${rest}`.split(' '))).toEqual({
      images: ['a', 'b'],
      files: ['a.yaml', '-'],
      pullSecrets: ['s.json', 't.json'],
      namespace: 'shop',
      node: {
        hostRoot: '/host',
        runtime: 'containerd://2.1.9',
        platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
        nodeName: 'n',
        kubelet: { rootDir: '/k', credentialProviderConfig: '/c', credentialProviderBinDir: '/b' },
      },
      output: 'json',
      verbose: true,
      strict: true,
      verify: true,
      spend: true,
      timeoutMs: 120_000,
      colour: false,
    });
  });

  test.each([
    ['30s', 30_000],
    ['1500ms', 1500],
    ['1.5m', 90_000],
    ['10', 10_000],
  ])('--timeout %s', (text, ms) => {
    expect(request('a', '--timeout', text).timeoutMs).toBe(ms);
  });

  test('options after -- are images', () => {
    expect(request('--', '--strict').images).toEqual(['--strict']);
  });

  test.each<[string, string[], RegExp]>([
    ['nothing to check', ['check'], /nothing to check: name an IMAGE, or a file of manifests with -f FILE/],
    ['standard input twice', ['check', '-f', '-', '-f', '-'], /given twice/],
    ['a misspelt command', ['chekc', 'a'], /unknown command 'chekc'[^]*Did you mean check\?/],
    [
      'a misspelt option',
      ['check', '--hostroot', '/', 'a'],
      /unknown option '--hostroot'[^]*Did you mean --host-root\?/,
    ],
    ['an unknown format', ['check', '-o', 'xml', 'a'], /'xml' is invalid\. Allowed choices are table, json, junit/],
    [
      'a runtime without its name',
      ['check', '--runtime', '2.1.9', 'a'],
      /'2\.1\.9' is invalid\. Write it as .*: containerd:\/\/2\.1\.9/,
    ],
    [
      'a platform of one word',
      ['check', '--platform', 'amd64', 'a'],
      /'amd64' is invalid\. Write it as OS\/ARCHITECTURE/,
    ],
    ['a timeout of nothing', ['check', '--timeout', '0', 'a'], /'0' is invalid\. Write a duration/],
    ['a timeout of a day', ['check', '--timeout', '1440m', 'a'], /'1440m' is invalid/],
    ['a namespace that cannot be', ['check', '-n', 'Shop_1', 'a'], /'Shop_1' is invalid\. A namespace has/],
    ['an option without its value', ['check', '-f'], /argument missing/],
    ['no command', [], /Usage: drypull/],
  ])('%s is an error that says what to do, and status 2', (_what, arguments_, message) => {
    const wanted = read(...arguments_);
    expect(wanted).toMatchObject({ run: 'nothing', status: 2, stdout: '' });
    expect(wanted.run === 'nothing' && wanted.stderr).toMatch(message);
  });

  test.each([
    [['--version'], /^1\.2\.3\n$/],
    [['--help'], /check.*\n.*agent/],
    [['check', '--help'], /Exit status: 0 all pull; 1 at least one fails/],
  ])('%j is answered on stdout, with status 0', (arguments_, text) => {
    const wanted = read(...arguments_);
    expect(wanted).toMatchObject({ run: 'nothing', status: 0, stderr: '' });
    expect(wanted.run === 'nothing' && wanted.stdout).toMatch(text);
  });
});

test.each(['agent', 'catalog', 'config', 'node'] as const)('%s reads its own options', (run) => {
  expect(read(run, '--config', 'x.yaml', '--help', 'y')).toEqual({ run, args: ['--config', 'x.yaml', '--help', 'y'] });
});

describe('colour', () => {
  test.each([
    ['on a terminal', true, {}, true, true],
    ['not in a pipe', true, {}, false, false],
    ['not with --no-color', false, { FORCE_COLOR: '1' }, true, false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, true, false],
    ['an empty NO_COLOR is none', true, { NO_COLOR: '' }, true, true],
    ['in a pipe with FORCE_COLOR', true, { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ['not with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, true, false],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, true, false],
  ])('%s', (_what, flag, env, isTTY, wanted) => {
    expect(wantsColour(flag, env, { isTTY })).toBe(wanted);
  });
});

describe('drypull check --nodes', () => {
  test.each<[readonly string[], string]>([
    [['check', '--nodes', 'a', '--host-root', '/host'], '--host-root is about this node, and not for --nodes'],
    [['check', '--nodes', 'a', '--spend'], '--spend is about this node, and not for --nodes'],
    [['check', 'a', '--fresh'], '--fresh and --wait are for --nodes'],
    [['check', 'a', '--wait', '5m'], '--fresh and --wait are for --nodes'],
    [['check', '--nodes', 'a', '--at-once', '0'], 'A whole number from 1 to 500.'],
    [['check', '--nodes'], 'there is nothing to check'],
  ])('%j is refused', (arguments_, logged) => {
    const wanted = readCommandLine(arguments_, '1.2.3');
    expect(wanted.run === 'nothing' ? [wanted.status, wanted.stderr] : wanted).toEqual([
      2,
      expect.stringContaining(logged),
    ]);
  });

  test.each<[readonly string[], string]>([
    [['check', '--nodes', 'nginx:1'], ''],
    [['check', '--nodes=pool=gpu,disk!=hdd', 'nginx:1'], 'pool=gpu,disk!=hdd'],
    [['check', 'nginx:1', '--all-nodes'], ''],
  ])('%j asks about the image, on the nodes with these labels', (arguments_, selector) => {
    expect(readCommandLine(arguments_, '1.2.3')).toMatchObject({
      run: 'check nodes',
      request: { images: ['nginx:1'], selector },
    });
  });
});
