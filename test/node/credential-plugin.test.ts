import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CredentialProvider } from '#kubelet/view.ts';
import type { ProviderAnswer } from '#node/view.ts';
import { askProviders, type PluginDependencies } from '#node/credential-plugin.ts';
import { ProviderCache } from '#node/provider-cache.ts';
import { readProviderResponse } from '#node/provider-response.ts';
import { nodeRoot, type NodeRoot } from '../kit/node-root.ts';

function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
const answer = {
  kind: 'CredentialProviderResponse',
  apiVersion,
  cacheKeyType: 'Image',
  auth: { 'reg.io': { username: 'u', password: 'canary' } },
};

/** A plugin that counts its runs, notes what it was given, and prints an answer. */
function script(printed: string, tail = ''): string {
  return `#!/bin/sh\necho run >>"$NOTES/runs"\ncat >"$NOTES/request"\nenv >"$NOTES/env"\necho "$@" >"$NOTES/args"\n${tail}\ncat <<'END'\n${printed}\nEND\n`;
}

async function plugins(scripts: Readonly<Record<string, string>>): Promise<NodeRoot> {
  return await nodeRoot(
    Object.fromEntries(Object.entries(scripts).map(([name, text]) => [`bin/${name}`, { text, mode: 0o755 }])),
  );
}

function provider(root: NodeRoot, differs: Partial<CredentialProvider> = {}): CredentialProvider {
  const name = differs.name ?? 'p';
  return {
    name,
    apiVersion,
    matchImages: ['reg.io'],
    defaultCacheS: 60,
    args: [],
    env: [],
    binary: join(root.path, 'bin', name),
    wantsToken: false,
    ...differs,
  };
}

function means(root: NodeRoot, differs: Partial<PluginDependencies> = {}): PluginDependencies {
  return {
    cache: new ProviderCache(),
    matches: (pattern, repository) => repository.startsWith(`${pattern}/`),
    env: { PATH: '/usr/bin:/bin', NOTES: root.path },
    now: () => 1000,
    ...differs,
  };
}

async function runs(root: NodeRoot): Promise<number> {
  return (await readFile(join(root.path, 'runs'), 'utf8').catch(() => '')).split('\n').length - 1;
}

/** Secrets opened, so that a test can see them. */
function opened(answers: readonly ProviderAnswer[]) {
  return answers.map(({ provider: name, auth }) => ({
    name,
    auth: auth.ok
      ? Object.fromEntries(
          Object.entries(auth.value).map(([key, { username, password }]) => [key, `${username}:${password.reveal()}`]),
        )
      : auth.fault,
  }));
}

describe('a credential provider', () => {
  test("is given a request without a tag, its arguments, and its variables over the kubelet's", async () => {
    await using root = await plugins({ p: script(JSON.stringify(answer)) });
    const asked = provider(root, { args: ['get', 'it'], env: [{ name: 'A', value: 'own' }] });
    const given = means(root);
    const answers = await askProviders([asked], 'reg.io/team/app', {
      ...given,
      env: { ...given.env, A: 'kubelet', B: 'kubelet' },
    });
    expect(opened(answers)).toEqual([{ name: 'p', auth: { 'reg.io': 'u:canary' } }]);
    expect(JSON.parse(await readFile(join(root.path, 'request'), 'utf8'))).toEqual({
      kind: 'CredentialProviderRequest',
      apiVersion,
      image: 'reg.io/team/app',
    });
    expect(await readFile(join(root.path, 'args'), 'utf8')).toBe('get it\n');
    const env = (await readFile(join(root.path, 'env'), 'utf8')).split('\n');
    expect(env).toContain('A=own');
    expect(env).toContain('B=kubelet');
  });

  test("does not get the agent's own environment", async () => {
    await using root = await plugins({ p: script(JSON.stringify(answer)) });
    await askProviders([provider(root)], 'reg.io/a', means(root));
    const names = (await readFile(join(root.path, 'env'), 'utf8')).split('\n').map((line) => line.split('=', 1)[0]);
    expect(names).not.toContain('HOME');
    expect(names).not.toContain('VITEST');
  });

  test('is asked only where one of its patterns matches, and all answers keep the order of configuration', async () => {
    await using root = await plugins({
      slow: script(JSON.stringify(answer), 'sleep 0.2'),
      fast: script(JSON.stringify(answer)),
    });
    const list = [
      provider(root, { name: 'slow' }),
      provider(root, { name: 'other', matchImages: ['other.io'] }),
      provider(root, { name: 'fast', matchImages: ['no', 'reg.io'] }),
    ];
    const answers = await askProviders(list, 'reg.io/a', means(root));
    expect(answers.map(({ provider: name }) => name)).toEqual(['slow', 'fast']);
  });

  test('that wants a ServiceAccount token is not run', async () => {
    await using root = await plugins({ p: script(JSON.stringify(answer)) });
    const answers = await askProviders([provider(root, { wantsToken: true })], 'reg.io/a', means(root));
    expect(answers).toMatchObject([{ auth: { ok: false, fault: { code: 'agent.not_allowed' } } }]);
    expect(await runs(root)).toBe(0);
  });
});

describe('a provider that fails gives no credentials, and its output is not repeated', () => {
  const failing: readonly (readonly [title: string, text: string, why: RegExp])[] = [
    ['an exit code', '#!/bin/sh\necho canary\necho canary >&2\nexit 3', /exit code 3/],
    ['a signal', '#!/bin/sh\necho canary\nkill -9 $$', /SIGKILL/],
    ['no answer', '#!/bin/sh\nexit 0', /not a JSON object/],
    ['text', '#!/bin/sh\necho canary', /not a JSON object/],
    ['no interpreter', '#!/no/such/canary\n', /could not be started \(ENOENT\)/],
    ['a file of another architecture', '\x7fELFcanary', /could not be started|exit code/],
    ['an answer without end', '#!/bin/sh\nexec cat /dev/zero', /more than 1048576 bytes/],
    ['an answer that never comes', '#!/bin/sh\nexec sleep 60', /did not answer within 300 ms/],
    ['a grandchild that keeps the pipe', '#!/bin/sh\nsleep 60 &\nexit 0', /did not answer within 300 ms/],
  ];
  test.each(failing)('%s', async (_, text, why) => {
    await using root = await plugins({ p: text });
    const answers = await askProviders([provider(root)], 'reg.io/a', means(root, { limitMs: 300 }));
    expect(answers).toMatchObject([
      {
        auth: {
          ok: false,
          fault: { code: 'credential.provider_failed', provider: 'p', why: like(why) },
        },
      },
    ]);
    expect(JSON.stringify(answers)).not.toContain('canary');
  });

  test('a binary that is gone', async () => {
    await using root = await plugins({});
    const answers = await askProviders([provider(root)], 'reg.io/a', means(root));
    expect(answers).toMatchObject([{ auth: { ok: false, fault: { why: 'it could not be started (ENOENT)' } } }]);
  });

  test('an argument that no program can be given', async () => {
    await using root = await plugins({ p: script(JSON.stringify(answer)) });
    const answers = await askProviders([provider(root, { args: ['a\0b'] })], 'reg.io/a', means(root));
    expect(answers).toMatchObject([{ auth: { ok: false, fault: { code: 'credential.provider_failed' } } }]);
  });

  test('a plugin that does not read its request may still answer', async () => {
    await using root = await plugins({ p: `#!/bin/sh\nexec 0<&-\necho '${JSON.stringify(answer)}'` });
    const answers = await askProviders([provider(root)], 'reg.io/a', means(root));
    expect(answers).toMatchObject([{ auth: { ok: true } }]);
  });
});

describe('the answer is read strictly', () => {
  test.each<readonly [title: string, differs: object]>([
    ['another apiVersion', { apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1' }],
    ['another kind', { kind: 'CredentialProviderRequest' }],
    ['an unknown field', { extra: 1 }],
    ['no cacheKeyType', { cacheKeyType: undefined }],
    ['an unknown cacheKeyType', { cacheKeyType: 'image' }],
    ['a duration without a unit', { cacheDuration: '5' }],
    ['a duration that is a number', { cacheDuration: 5 }],
    ['auth as a list', { auth: [] }],
    ['an entry as text', { auth: { a: 'canary' } }],
    ['an unknown field of an entry', { auth: { a: { username: 'u', password: 'canary', token: 't' } } }],
    ['a password that is a number', { auth: { a: { username: 'u', password: 1 } } }],
  ])('%s is refused', (_, differs) => {
    const read = readProviderResponse(JSON.stringify({ ...answer, ...differs }), apiVersion);
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('canary');
  });

  test.each<readonly [title: string, differs: object, value: object]>([
    ['no auth', { auth: undefined }, { auth: {} }],
    ['auth that is null', { auth: null }, { auth: {} }],
    ['an entry without a password', { auth: { a: { username: 'u' } } }, { auth: { a: { username: 'u' } } }],
    ['a duration', { cacheDuration: '10m0s' }, { cacheMs: 600_000 }],
    ['a duration that is null', { cacheDuration: null }, { cacheKeyType: 'Image' }],
  ])('%s is taken', (_, differs, value) => {
    expect(readProviderResponse(JSON.stringify({ ...answer, ...differs }), apiVersion)).toMatchObject({
      ok: true,
      value,
    });
  });
});

describe('the cache', () => {
  async function runsAfter(
    differs: object,
    asks: readonly (readonly [repository: string, atMs: number])[],
    defaultCacheS = 60,
  ): Promise<number> {
    await using root = await plugins({ p: script(JSON.stringify({ ...answer, ...differs })) });
    let now = 0;
    const given = means(root, { now: () => now });
    for (const [repository, atMs] of asks) {
      now = atMs;
      const answers = await askProviders([provider(root, { defaultCacheS })], repository, given);
      expect(opened(answers)).toEqual([{ name: 'p', auth: { 'reg.io': 'u:canary' } }]);
    }
    return await runs(root);
  }

  test.each<readonly [title: string, differs: object, asks: readonly (readonly [string, number])[], count: number]>([
    [
      'of an image serves that image',
      { cacheKeyType: 'Image' },
      [
        ['reg.io/a', 0],
        ['reg.io/a', 1],
      ],
      1,
    ],
    [
      'of an image does not serve another',
      { cacheKeyType: 'Image' },
      [
        ['reg.io/a', 0],
        ['reg.io/b', 1],
      ],
      2,
    ],
    [
      'of a registry serves all its images',
      { cacheKeyType: 'Registry' },
      [
        ['reg.io/a', 0],
        ['reg.io/b/c', 1],
      ],
      1,
    ],
    [
      'that is global serves all',
      { cacheKeyType: 'Global' },
      [
        ['reg.io/a', 0],
        ['reg.io/b', 1],
      ],
      1,
    ],
    [
      'ends after the configured time',
      {},
      [
        ['reg.io/a', 0],
        ['reg.io/a', 60_000],
        ['reg.io/a', 60_001],
      ],
      2,
    ],
    [
      'ends after its own time, where it has one',
      { cacheDuration: '5s' },
      [
        ['reg.io/a', 0],
        ['reg.io/a', 5000],
        ['reg.io/a', 5001],
      ],
      2,
    ],
    [
      'is not kept for zero',
      { cacheDuration: '0s' },
      [
        ['reg.io/a', 0],
        ['reg.io/a', 0],
      ],
      2,
    ],
  ])('%s', async (_, differs, asks, count) => {
    expect(await runsAfter(differs, asks)).toBe(count);
  });

  test('is not kept where the configured time is zero', async () => {
    expect(
      await runsAfter(
        {},
        [
          ['reg.io/a', 0],
          ['reg.io/a', 0],
        ],
        0,
      ),
    ).toBe(2);
  });

  test('keeps an empty answer too, and no failure', async () => {
    await using root = await plugins({ empty: script(JSON.stringify({ ...answer, auth: {} })), bad: script('{}') });
    const given = means(root);
    const list = [provider(root, { name: 'empty' })];
    await askProviders(list, 'reg.io/a', given);
    await askProviders(list, 'reg.io/a', given);
    expect(await runs(root)).toBe(1);
    const bad = [provider(root, { name: 'bad' })];
    await askProviders(bad, 'reg.io/a', given);
    await askProviders(bad, 'reg.io/a', given);
    expect(await runs(root)).toBe(3);
  });

  test('asks at the same time share one run, of one image and one provider', async () => {
    await using root = await plugins({
      p: script(JSON.stringify({ ...answer, cacheDuration: '0s' }), 'sleep 0.2'),
      q: script(JSON.stringify(answer)),
    });
    const given = means(root);
    const ask = (repository: string, name = 'p') => askProviders([provider(root, { name })], repository, given);
    const all = await Promise.all([ask('reg.io/a'), ask('reg.io/a'), ask('reg.io/b'), ask('reg.io/a', 'q')]);
    expect(all.flat().every(({ auth }) => auth.ok)).toBe(true);
    expect(await runs(root)).toBe(3);
  });

  test('does not grow without bound', () => {
    const cache = new ProviderCache();
    for (let at = 0; at < 25_000; at += 1) {
      cache.keep(
        { provider: 'p', repository: `reg.io/${at}`, scope: 'Image', auth: {} },
        { now: at, keepMs: 1_000_000 },
      );
    }
    const kept = Array.from({ length: 25_000 }, (_, at) => cache.find('p', `reg.io/${at}`, 25_000)).filter(
      (auth) => auth !== undefined,
    );
    expect(kept.length).toBeLessThanOrEqual(10_000);
    expect(cache.find('p', 'reg.io/24999', 25_000)?.auth).toEqual({});
  });

  test('lets a plugin be tried once at half of an answer that lasts for hours, and keeps the answer', async () => {
    const hour = 3_600_000;
    const lasting = { ...answer, cacheDuration: '6h' };
    await using root = await plugins({ p: script(JSON.stringify(lasting), '[ -e "$NOTES/broken" ] && exit 3') });
    let nowMs = 0;
    const given = means(root, { now: () => nowMs });
    const statPath = async (): Promise<ProviderAnswer | undefined> =>
      (await askProviders([provider(root)], 'reg.io/a', given))[0];
    const seen = async (hours: number): Promise<unknown> => {
      nowMs = hours * hour;
      const found = await statPath();
      return [found?.auth.ok, found?.failing ?? 'well', await runs(root)];
    };
    expect(await seen(0)).toEqual([true, 'well', 1]);
    expect(await seen(2.9)).toEqual([true, 'well', 1]);
    expect(await seen(3)).toEqual([true, 'well', 2]);
    expect(await seen(5.9)).toEqual([true, 'well', 2]);
    expect(await seen(6.1)).toEqual([true, 'well', 3]);
    await writeFile(join(root.path, 'broken'), '');
    expect(await seen(9.1)).toEqual([true, 'it ended with exit code 3', 4]);
    expect(await seen(9.2)).toEqual([true, 'it ended with exit code 3', 4]);
    expect(await seen(9.4)).toEqual([true, 'it ended with exit code 3', 5]);
    expect((await statPath())?.keptUntilMs).toBe(6.1 * hour + 6 * hour);
    await rm(join(root.path, 'broken'));
    expect(await seen(9.7)).toEqual([true, 'well', 6]);
  });
});
