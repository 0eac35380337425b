import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KeyringSources } from '#kubelet/keyring.ts';
import { keyMatches, keyringFor } from '#kubelet/keyring.ts';
import type { Image } from '#image/reference.ts';
import { parseImage } from '#image/reference.ts';
import { good } from '#report/outcome.ts';
import { Secret } from '#report/secret.ts';
import type { PullSecret } from '#kubelet/pull-secret.ts';

type Logins = Readonly<Record<string, string>>;

/** {"reg.io": "user:password"} as the text of a docker configuration. */
function config(logins: Logins): string {
  const auths = Object.entries(logins).map(
    ([key, login]) => [key, { auth: Buffer.from(login).toString('base64') }] as const,
  );
  return JSON.stringify({ auths: Object.fromEntries(auths) });
}

function given(
  name: string,
  text: string,
  type = 'kubernetes.io/dockerconfigjson',
  key = '.dockerconfigjson',
): PullSecret {
  return { namespace: 'shop', name, state: { is: 'given', type, data: { [key]: new Secret(text) } } };
}

function imageOf(text: string): Image {
  const image = parseImage(text);
  if (!image.ok) throw new Error(text);
  return image.value;
}

const nothing: KeyringSources = { secrets: [], nodeFile: null, providerAnswers: [] };

function offered(image: string, sources: Partial<KeyringSources>): string {
  const { identities } = keyringFor(imageOf(image), { ...nothing, ...sources });
  if (!identities.ok)
    return identities.fault.code === 'credential.malformed' ? identities.fault.why : identities.fault.code;
  return identities.value.map(({ label, credential }) => credential?.username ?? label).join(' ');
}

const offeredBySecret = (image: string, logins: Logins): string =>
  offered(image, { secrets: [given('s', config(logins))] });

describe('a key matches a repository as in k8s keyring.go URLsMatch (keyring_test.go TestURLsMatch)', () => {
  test.each([
    ['*.kubernetes.io', 'prefix.kubernetes.io/x', true],
    ['prefix.*.io', 'prefix.kubernetes.io/x', true],
    ['prefix.kubernetes.*', 'prefix.kubernetes.io/x', true],
    ['*-good.kubernetes.io', 'prefix-good.kubernetes.io/x', true],
    ['*.kubernetes.io/blah', 'prefix.kubernetes.io/blah', true],
    ['prefix.*.io/foo', 'prefix.kubernetes.io/foo/bar', true],
    ['*.kubernetes.io:1111', 'prefix.kubernetes.io:1111/x', true],
    ['prefix.*.io:1111/foo', 'prefix.kubernetes.io:1111/foo/bar', true],
    ['*.*.kubernetes.io', 'a.b.kubernetes.io/x', true],
    ['kubernetes.io', 'kubernetes.com/x', false],
    ['k*', 'kubernetes.io/x', false],
    ['*', 'kubernetes.io/x', false],
    ['*', 'localhost/x', true],
    ['kube*.io', 'kubernetes.io/x', true],
    ['*.io', 'prefix.kubernetes.io/x', false],
    ['*.kubernetes.io', 'kubernetes.io/x', false],
    ['*kubernetes.io', 'prefix.kubernetes.io/x', false],
    ['*.kubernetes.io/foo', 'prefix.kubernetes.io/bar', false],
    ['*.kubernetes.io:1111', 'prefix.kubernetes.io/x', false],
    ['*.kubernetes.io:1111', 'prefix.kubernetes.io:11112/x', false],
    ['reg.io', 'reg.io:443/x', false],
    ['reg.io:443', 'reg.io/x', false],
    ['reg.io:*', 'reg.io:443/x', false],
    ['quay.io/foo', 'quay.io/foobar/x', true],
    ['quay.io/foo/', 'quay.io/foobar/x', false],
    ['quay.io/*', 'quay.io/foo', false],
    ['quay.io/v2', 'quay.io/foo', false],
    ['Quay.io', 'quay.io/foo', false],
    ['q[tuv]ay.io', 'quay.io/foo', true],
    ['q[^u]ay.io', 'quay.io/foo', false],
    ['q[ay.io', 'quay.io/foo', false],
    ['qu?y.io', 'quay.io/foo', false],
    [String.raw`qu\ay.io`, 'quay.io/foo', false],
    ['[::1]:5000', '[::1]:5000/x', true],
    // Without a port the brackets stay, and are a class of one character.
    ['[::1]', '[::1]/x', false],
    ['', 'quay.io/foo', false],
    ['quay.io:port', 'quay.io/foo', false],
    ['https://quay.io', 'quay.io/foo', false],
  ])('%s and %s: %s', (key, repository, expected) => {
    expect(keyMatches(key, repository)).toBe(expected);
  });

  test('matching never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, repository) => typeof keyMatches(key, repository) === 'boolean'),
    );
  });

  test('a registry without pattern characters is a key to everything in it', () => {
    const host = fc.domain();
    fc.assert(fc.property(host, (name) => keyMatches(name, `${name}/team/app`)));
  });
});

describe('keys are filed and tried as in BasicDockerKeyring', () => {
  test.each([
    ['nginx', { 'https://index.docker.io/v1/': 'ci:p' }, 'ci'],
    ['nginx', { 'https://index.docker.io/v2/': 'ci:p' }, 'ci'],
    ['nginx', { 'index.docker.io': 'ci:p' }, 'ci'],
    ['nginx', { 'http://index.docker.io/v1/': 'ci:p' }, 'ci'],
    ['nginx', { 'docker.io': 'ci:p' }, 'ci'],
    ['nginx', { 'https://docker.io': 'ci:p' }, 'ci'],
    ['nginx', { 'docker.io/library': 'ci:p' }, 'ci'],
    ['nginx', { 'https://index.docker.io/v1': 'ci:p' }, 'anonymous'],
    ['nginx', { 'registry-1.docker.io': 'ci:p' }, 'anonymous'],
    ['nginx', { 'https://index.docker.io/v1/': 'old:p', 'docker.io': 'new:p' }, 'new'],
    ['nginx', { 'docker.io/team': 'ci:p', 'index.docker.io': 'old:p' }, 'old'],
    ['reg.io/x', { 'https://index.docker.io/v1/': 'ci:p' }, 'anonymous'],
    ['registry-1.docker.io/x', { 'https://index.docker.io/v1/': 'ci:p' }, 'anonymous'],
    // No dot and no colon in the first element: the Hub's credential goes to it.
    ['localhost/x', { 'https://index.docker.io/v1/': 'ci:p' }, 'ci'],
    ['Foo/x', { 'https://index.docker.io/v1/': 'ci:p' }, 'ci'],
    ['localhost:5000/x', { 'https://index.docker.io/v1/': 'ci:p' }, 'anonymous'],
    ['reg.io/x', { 'https://reg.io/v2/': 'ci:p' }, 'ci'],
    ['reg.io/x', { 'https://reg.io/v2': 'ci:p' }, 'anonymous'],
    ['reg.io/v2x', { 'https://reg.io/v2': 'ci:p' }, 'ci'],
    ['reg.io/x', { 'reg.io/': 'ci:p' }, 'ci'],
    ['reg.io/x', { 'https://reg.io/?a=b#c': 'ci:p' }, 'ci'],
    ['reg.io/x', { 'https://someone@reg.io': 'ci:p' }, 'ci'],
    ['reg.io/x', { 'HTTPS://reg.io': 'ci:p' }, 'anonymous'],
    ['reg.io/x', { 'reg.io:bad': 'ci:p', '%zz': 'ci:p', ' reg.io': 'ci:p' }, 'anonymous'],
    [
      'reg.io/a/b',
      { 'reg.io': '1:p', 'reg.io/a': '2:p', 'reg.io/a/b': '3:p', '*.io': '4:p', 'reg.*': '5:p' },
      '3 2 1 5 4',
    ],
    ['reg.io/x', { 'reg.io': ':' }, ''],
    ['[::1]:5000/x', { '[::1]:5000': 'ci:p' }, 'ci'],
  ])('%s with %j: %s', (image, logins, expected) => {
    expect(offeredBySecret(image, logins)).toBe(expected);
  });

  test('of one key the secrets keep their order, and each attempt stays an attempt', () => {
    const secrets = [
      given('a', config({ 'reg.io': '1:p' })),
      given('b', config({ 'https://reg.io/v1/': '2:p', 'reg.io/x': '3:p' })),
    ];
    expect(offered('reg.io/x', { secrets })).toBe('3 1 2');
    expect(offered('reg.io/x', { secrets: [...secrets, ...secrets] })).toBe('3 3 1 2 1 2');
  });

  test('pod secrets come before the node file, and the node file before plugins', () => {
    const password = new Secret('p');
    const sources: KeyringSources = {
      secrets: [given('a', config({ '*.io': 'secret:p' }))],
      nodeFile: {
        path: '/var/lib/kubelet/config.json',
        format: 'config',
        text: new Secret(config({ 'reg.io/x': 'file:p' })),
      },
      providerAnswers: [
        { provider: 'one', auth: good({ 'reg.io': { username: 'plugin-1', password } }) },
        {
          provider: 'two',
          auth: good({ 'reg.io/x': { username: 'plugin-2', password }, 'other.io': { username: 'no', password } }),
        },
      ],
    };
    expect(offered('reg.io/x', sources)).toBe('secret file plugin-2 plugin-1');
    const { identities } = keyringFor(imageOf('reg.io/x'), sources);
    expect(identities.ok && identities.value.map(({ label }) => label)).toEqual([
      'pull secret shop/a, key *.io, user secret',
      'node file /var/lib/kubelet/config.json, key reg.io/x, user file',
      'credential provider two, key reg.io/x, user plugin-2',
      'credential provider one, key reg.io, user plugin-1',
    ]);
  });

  test('the Hub’s old name in one keyring is not hidden by a match in another', () => {
    const nodeFile = {
      path: '/f',
      format: 'config' as const,
      text: new Secret(config({ 'https://index.docker.io/v1/': 'old:p' })),
    };
    expect(offered('nginx', { secrets: [given('a', config({ 'docker.io': 'new:p' }))], nodeFile })).toBe('new old');
  });

  test('an entry without user and password is an attempt too', () => {
    const { identities } = keyringFor(imageOf('reg.io/x'), {
      ...nothing,
      secrets: [given('a', '{"auths":{"reg.io":{}}}')],
    });
    expect(identities).toMatchObject({ ok: true, value: [{ label: 'pull secret shop/a, key reg.io, no user' }] });
  });

  test('without anything the pull is anonymous', () => {
    expect(keyringFor(imageOf('nginx'), nothing)).toEqual({
      identities: good([{ label: 'anonymous' }]),
      warnings: [],
      unseen: [],
      unused: [],
    });
  });
});

describe('secrets that the kubelet stumbles over', () => {
  const fine = given('fine', config({ 'reg.io': 'ci:p' }));

  test('one malformed secret ends the whole lookup in Go’s words, whatever the others hold', () => {
    const broken = given('broken', '{"auths":{"other.io":{"auth":"abc!"}}}');
    for (const secrets of [
      [fine, broken],
      [broken, fine],
    ]) {
      expect(keyringFor(imageOf('reg.io/x'), { ...nothing, secrets }).identities).toEqual({
        ok: false,
        fault: {
          code: 'credential.malformed',
          secret: 'broken',
          namespace: 'shop',
          why: 'illegal base64 data at input byte 3',
        },
      });
    }
  });

  test('the first malformed secret is the one that is reported', () => {
    const secrets = [given('one', '{'), given('two', 'x')];
    expect(offered('reg.io/x', { secrets })).toBe('unexpected end of JSON input');
  });

  test('a missing secret is passed over with a warning', () => {
    const missing: PullSecret = { namespace: 'shop', name: 'gone', state: { is: 'missing' } };
    expect(offered('reg.io/x', { secrets: [missing, fine] })).toBe('ci');
    expect(keyringFor(imageOf('reg.io/x'), { ...nothing, secrets: [missing] }).warnings).toEqual([
      { code: 'credential.secret_missing', secret: 'gone', namespace: 'shop' },
    ]);
  });

  test.each([
    ['Opaque', '.dockerconfigjson', 'x', 'its type is Opaque'],
    ['', '.dockerconfigjson', 'x', 'its type is empty'],
    ['constructor', '.dockerconfigjson', 'x', 'its type is constructor'],
    [
      'kubernetes.io/dockercfg',
      '.dockerconfigjson',
      'x',
      'it is of type kubernetes.io/dockercfg and has no key .dockercfg',
    ],
    [
      'kubernetes.io/dockerconfigjson',
      '.dockercfg',
      'x',
      'it is of type kubernetes.io/dockerconfigjson and has no key .dockerconfigjson',
    ],
    ['kubernetes.io/dockerconfigjson', '.dockerconfigjson', '', 'its key .dockerconfigjson is empty'],
  ])('a secret of type %j with the key %s is ignored, however malformed', (type, key, text, why) => {
    const secrets = [given('odd', text, type, key), fine];
    expect(offered('reg.io/x', { secrets })).toBe('ci');
    expect(keyringFor(imageOf('reg.io/x'), { ...nothing, secrets }).warnings).toEqual([
      { code: 'credential.secret_ignored', secret: 'odd', namespace: 'shop', why },
    ]);
  });

  test('the old type holds the bare map', () => {
    const old = given('old', '{"reg.io":{"username":"ci","password":"p"}}', 'kubernetes.io/dockercfg', '.dockercfg');
    expect(offered('reg.io/x', { secrets: [old] })).toBe('ci');
  });

  test('a secret that cannot be read is named, and does not stop the rest', () => {
    const unseen: PullSecret = { namespace: 'shop', name: 'dark', state: { is: 'unseen', why: 'forbidden' } };
    const keyring = keyringFor(imageOf('reg.io/x'), { ...nothing, secrets: [unseen, fine] });
    expect(keyring.unseen).toEqual([{ namespace: 'shop', name: 'dark', why: 'forbidden' }]);
    expect(keyring.warnings).toEqual([]);
    expect(offered('reg.io/x', { secrets: [unseen, fine] })).toBe('ci');
  });

  test('a malformed node file is passed over', () => {
    expect(offered('reg.io/x', { nodeFile: { path: '/f', format: 'config', text: new Secret('{') } })).toBe(
      'anonymous',
    );
  });

  test('a plugin that failed leaves a warning and nothing else', () => {
    const fault = { code: 'credential.provider_failed', provider: 'ecr', why: 'exit status 1' } as const;
    const keyring = keyringFor(imageOf('reg.io/x'), {
      ...nothing,
      providerAnswers: [{ provider: 'ecr', auth: { ok: false, fault } }],
    });
    expect(keyring).toEqual({ identities: good([{ label: 'anonymous' }]), warnings: [fault], unseen: [], unused: [] });
  });
});

test('no password shows in a keyring, however it is printed', () => {
  const canary = 'c4nary';
  const secrets = [given('a', config({ 'https://u:c4nary@reg.io': `ci:${canary}`, 'reg.io/x': `:${canary}` }))];
  const keyring = keyringFor(imageOf('reg.io/x'), { ...nothing, secrets });
  expect(offered('reg.io/x', { secrets })).toBe(' ci');
  expect(JSON.stringify(keyring) + inspect(keyring, { depth: null })).not.toContain(canary);
});
