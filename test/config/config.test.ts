import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config, Problem } from '#config/config.ts';
import { configTable, explainConfig, jitterMs, parseConfig } from '#config/config.ts';

function parsed(yaml?: string, env: Record<string, string> = {}): Config {
  const result = parseConfig(yaml, env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}
function problems(yaml?: string, env: Record<string, string> = {}): readonly Problem[] {
  const result = parseConfig(yaml, env);
  return result.ok ? [] : result.problems;
}

describe('parseConfig', () => {
  test('with nothing given it asks seldom for two images of two free registries', () => {
    const config = parsed();
    expect(config.images.map(({ image }) => image)).toEqual([
      'registry.k8s.io/pause:3.10',
      'ghcr.io/containerd/busybox:1.36',
    ]);
    expect(config.schedule.cadenceMs).toBe(30 * 60_000);
    expect(config.listen).toEqual({ host: '', port: 9467 });
    expect(config.checkListen).toEqual({ host: '127.0.0.1', port: 9468 });
  });

  test('with images given, the schedule is five minutes', () => {
    expect(parsed('images: [nginx:1]').schedule.cadenceMs).toBe(300_000);
    expect(parsed('images: []')).toMatchObject({ images: [], schedule: { cadenceMs: 300_000 } });
    expect(parsed(undefined, { DRYPULL_IMAGES: 'nginx:1' }).schedule.cadenceMs).toBe(300_000);
  });

  test('images are references or maps', () => {
    expect(
      parsed('images:\n- nginx:1\n- image: reg.io/a:2\n  pullSecrets: [/s/a.json]\n  policy: Always\n').images,
    ).toEqual([
      { image: 'nginx:1', pullSecrets: [], policy: null },
      { image: 'reg.io/a:2', pullSecrets: ['/s/a.json'], policy: 'Always' },
    ]);
  });

  test('an environment variable goes over the file, an empty one does not', () => {
    const env = { DRYPULL_LISTEN: '127.0.0.1:0', DRYPULL_CONCURRENCY: '', DRYPULL_IMAGES: 'a:1, b:2\nc:3' };
    const config = parsed('listen: ":1"\nconcurrency: 3\nimages: [x:1]', env);
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 0 });
    expect(config.concurrency).toBe(3);
    expect(config.images.map(({ image }) => image)).toEqual(['a:1', 'b:2', 'c:3']);
  });

  test.each<[string, 'off' | 'kubernetes']>([
    ['kubernetes', 'kubernetes'],
    ['true', 'kubernetes'],
    ['off', 'off'],
    ['false', 'off'],
  ])('a switch of %s says that the readers of the listener are asked by: %s', (given, by) => {
    expect(parsed(undefined, { DRYPULL_LISTEN_AUTH: given }).listenAuth).toBe(by);
    expect(parsed(`listenAuth: ${given}`).listenAuth).toBe(by);
  });

  test('a key without a value is as good as absent', () => {
    expect(parsed('images:\nnodeName: ~\n').nodeName).toBeNull();
  });

  test('the result cannot be changed', () => {
    const config = parsed('images: [nginx:1]');
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.images[0])).toBe(true);
    expect(Object.isFrozen(config.schedule)).toBe(true);
  });

  test('every problem is told at once', () => {
    const yaml = 'images: [{policy: Sometimes, image: a:1}, 7]\nshedule: 5m\nlisten: 9467\ndeadline: soon\n';
    expect(problems(yaml, { DRYPULL_LISTN: ':1', DRYPULL_CONCURRENCY: '0' })).toEqual([
      { key: 'shedule', given: 'an unknown key', allowed: 'did you mean schedule?' },
      { key: 'DRYPULL_LISTN', given: 'an unknown variable', allowed: 'did you mean DRYPULL_LISTEN?' },
      { key: 'images[0].policy', given: '"Sometimes"', allowed: 'one of Always, IfNotPresent, Never' },
      { key: 'images[1]', given: '7', allowed: 'an image reference, or a map with image, pullSecrets and policy' },
      { key: 'listen', given: '9467', allowed: 'host:port or :port, such as :9467, 127.0.0.1:9467 or [::1]:9467' },
      { key: 'DRYPULL_CONCURRENCY', given: '"0"', allowed: 'a whole number from 1 to 256' },
      { key: 'deadline', given: '"soon"', allowed: 'a duration from 1s to 15m, such as 30s or 5m' },
    ]);
  });

  test.each<[string, string, string]>([
    ['a list instead of a map', '- a', 'the file'],
    ['a sentence instead of a map', 'hello', 'the file'],
    ['malformed YAML', 'images: [', 'line 1'],
    ['a key twice', 'concurrency: 1\nconcurrency: 2', 'line 2'],
    ['an alias of nothing', 'images: *x', 'the file'],
    ['a list that contains itself', 'images: &a [*a]', 'images[0]'],
    ['a map that contains itself', 'runtime: &a {b: *a}', 'runtime'],
    ['a map without an image and a strange key', 'images: [{img: a}]', 'images[0].image'],
    ['a file without end', `x: ${'y'.repeat(1024 * 1024)}`, 'the file'],
    ['an image with a space', 'images: ["nginx 1"]', 'images[0]'],
    ['an image with a line break', 'images: ["nginx\\n1"]', 'images[0]'],
    ['an empty image', 'images: [""]', 'images[0]'],
    ['a map without an image', 'images: [{policy: Never}]', 'images[0].image'],
    ['an image with an unknown key', 'images: [{image: a, pullSecret: x}]', 'images[0].pullSecret'],
    ['an image twice', 'images: [a:1, b:1, a:1]', 'images[2]'],
    ['a check listener on every address', 'checkListen: ":9468"', 'checkListen'],
    ['a check listener on a reachable address', 'checkListen: 10.0.0.1:9468', 'checkListen'],
    ['a check listener on an IPv6 address', 'checkListen: "[2001:db8::1]:9468"', 'checkListen'],
    ['a port that does not exist', 'listen: ":70000"', 'listen'],
    ['an address that is none', 'listen: "[::x]:1"', 'listen'],
    ['a relative host root', 'hostRoot: host', 'hostRoot'],
    ['a runtime without a version', 'runtime: containerd', 'runtime'],
    ['a platform of one word', 'platform: linux', 'platform'],
    ['a duration without a unit', 'deadline: 60', 'deadline'],
    ['a schedule faster than is polite', 'schedule: 1s', 'schedule'],
    ['a cron expression faster than is polite', 'schedule: "* * * * * *"', 'schedule'],
    ['an interval that cron cannot keep', 'schedule: 7m', 'schedule'],
    ['a cron expression with a field too many', 'schedule: "* * * * * * *"', 'schedule'],
    ['a cron expression that never comes', 'schedule: "0 0 30 2 *"', 'schedule'],
    ['a jitter as long as the schedule', 'schedule: 30s\njitter: 30s', 'jitter'],
    ['a size that is too large', 'checkBody: 1000MiB', 'checkBody'],
    ['a certificate without its key', 'listenTlsCert: /tls.crt', 'listenTlsKey'],
    ['a key without its certificate', 'listenTlsKey: /tls.key', 'listenTlsCert'],
    ['a doorkeeper that nobody knows', 'listenAuth: basic', 'listenAuth'],
    ['a log level that is none', 'logLevel: loud', 'logLevel'],
  ])('%s is one problem', (_, yaml, key) => {
    expect(problems(yaml)[0]?.key).toBe(key);
    expect(parseConfig(yaml, {}).ok).toBe(false);
  });

  test('aliases that multiply are refused', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefghi'.split('').map(
        (name, at) =>
          `${name}: &${name} [${Array(9)
            .fill(`*${'abcdefghi'[at] ?? 'a'}`)
            .join()}]`,
      ),
    ];
    expect(problems(bomb.join('\n')).map(({ key }) => key)).toContain('the file');
  });

  test('the value of an unknown variable is not shown, for it may be a secret', () => {
    expect(JSON.stringify(problems('pasword: c4n4ry', { DRYPULL_PASSWORD: 'c4n4ry' }))).not.toContain('c4n4ry');
  });

  test('the variable that names the file is no stranger', () => {
    expect(problems(undefined, { DRYPULL_CONFIG: '/etc/drypull.yaml', PATH: '/bin' })).toEqual([]);
  });

  test('__proto__ is a key like any other', () => {
    expect(problems('__proto__: {images: [a]}').map(({ key }) => key)).toEqual(['__proto__']);
  });

  test('no text makes it throw', () => {
    const pieces = fc.constantFrom(
      'images',
      'schedule',
      ':',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '"',
      '5m',
      ' ',
      '!!js',
      '? ',
      '|',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(
        text,
        fc.dictionary(
          fc.constantFrom('DRYPULL_IMAGES', 'DRYPULL_SCHEDULE', 'DRYPULL_JITTER', 'DRYPULL_X'),
          fc.string(),
        ),
        (yaml, env) => {
          const result = parseConfig(yaml, env);
          expect(result.ok || result.problems.length > 0).toBe(true);
        },
      ),
    );
  });
});

describe('the schedule', () => {
  test.each<[string, string, number]>([
    ['30s', '*/30 * * * * *', 30_000],
    ['1m', '* * * * *', 60_000],
    ['5m', '*/5 * * * *', 300_000],
    ['60m', '0 * * * *', 3_600_000],
    ['6h', '0 */6 * * *', 21_600_000],
    ['24h', '0 0 * * *', 86_400_000],
    ['*/10 * * * *', '*/10 * * * *', 600_000],
    ['15 3 * * *', '15 3 * * *', 86_400_000],
  ])('%s is %s', (written, cron, cadenceMs) => {
    expect(parsed(`schedule: "${written}"`).schedule).toEqual({ written, cron, cadenceMs });
  });

  test('begins late by a random part of a fifth of it, at most a minute, unless told otherwise', () => {
    expect(jitterMs(parsed('schedule: 10s'))).toBe(10_000);
    expect(jitterMs(parsed('schedule: 1h'))).toBe(300_000);
    expect(jitterMs(parsed('schedule: "0 * * * *"'))).toBe(60_000);
    expect(jitterMs(parsed('schedule: "* * * * *"'))).toBe(12_000);
    expect(jitterMs(parsed('schedule: 1h\njitter: 30m'))).toBe(1_800_000);
    expect(jitterMs(parsed('jitter: 0'))).toBe(0);
  });
});

describe('explainConfig', () => {
  const yaml =
    'images: [a:1, {image: b:2, policy: Never, pullSecrets: [/x]}]\nlistenTlsCert: /c\nlistenTlsKey: /k\nlistenAuth: true\ndeadline: 90s\ncheckListen: off\njitter: 0\ncheckBody: 3000';

  test('says where each value came from', () => {
    const result = parseConfig(yaml, { DRYPULL_LISTEN: '[::1]:9000' });
    const text = result.ok ? explainConfig(result.settings) : '';
    expect(text).toContain('# from: env DRYPULL_LISTEN\nlisten: "[::1]:9000"\n');
    expect(text).toContain('# from: file\ndeadline: 90s\n');
    expect(text).toContain('# from: default\nlogLevel: info\n');
  });

  test.each([yaml, '', 'schedule: 1h'])('can be given back: %j', (given) => {
    const first = parseConfig(given, {});
    if (!first.ok) throw new Error('not expected');
    const second = parseConfig(explainConfig(first.settings), {});
    expect(second).toMatchObject({ ok: true, config: first.config });
  });
});

describe('configTable', () => {
  test('has one row for each field, with key, variable, default and help', () => {
    const rows = configTable().split('\n');
    expect(rows).toHaveLength(2 + Object.keys(parsed()).length);
    expect(rows).toContainEqual(expect.stringMatching(/^\| `listen` \| `DRYPULL_LISTEN` \| `:9467` \| .+ \|$/));
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(6);
  });
});

describe('in a cluster', () => {
  const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  test.each<[string, string, Readonly<Record<string, string>>, readonly number[]]>([
    ['nobody said anything, on a laptop: the canaries', '', {}, [2, 30]],
    ['in a Pod: nothing but what Pods want', '', inPod, [0, 5]],
    ['in a Pod that is to ask nobody: the canaries', 'cluster: off', inPod, [2, 30]],
    ['with a kubeconfig: nothing', 'kubeconfig: /etc/kubeconfig', {}, [0, 5]],
    ['wished for: nothing', 'cluster: on', {}, [0, 5]],
    ['images that were listed stay', 'images: [reg.test/a:1]', inPod, [1, 5]],
  ])('%s', (_, yaml, env, [images, minutes]) => {
    const parsed = parseConfig(yaml, env);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect([parsed.config.images.length, parsed.config.schedule.cadenceMs / 60_000]).toEqual([images, minutes]);
  });

  test.each([
    ['true', true],
    ['on', true],
    ['off', false],
    ['false', false],
  ])('the manifests switch by %s', (written, is) => {
    const parsed = parseConfig('', { DRYPULL_NODE_CONDITION: written, DRYPULL_NODE_EVENTS: written });
    expect(parsed).toMatchObject({ ok: true, config: { nodeCondition: is, nodeEvents: is } });
  });

  test.each([
    ['argoproj.io/v1alpha1/rollouts', ['argoproj.io', 'v1alpha1', 'rollouts', ['spec']]],
    [
      'jobset.x-k8s.io/v1alpha2/jobsets:spec.replicatedJobs',
      ['jobset.x-k8s.io', 'v1alpha2', 'jobsets', ['spec', 'replicatedJobs']],
    ],
    ['core/v1/replicationcontrollers:spec.template', ['', 'v1', 'replicationcontrollers', ['spec', 'template']]],
  ])('a further kind for the catalog: %s', (written, [group, version, plural, template]) => {
    const kind = { group, version, plural, template };
    expect(parseConfig(`catalogKinds: ["${written}"]`, {})).toMatchObject({
      ok: true,
      config: { catalogKinds: [kind] },
    });
    const read = parseConfig('', { DRYPULL_CATALOG_KINDS: written });
    expect(read).toMatchObject({ ok: true, config: { catalogKinds: [kind] } });
    const again = read.ok ? JSON.stringify(read.settings.get('catalogKinds')?.written) : '';
    expect(parseConfig(`catalogKinds: ${again}`, {})).toMatchObject({ ok: true, config: { catalogKinds: [kind] } });
  });

  test.each(['rollouts', 'argoproj.io/rollouts', 'a/v1/b:spec..x', 'a/v1/../b', 'a/v1/b:__proto__.', 'A/v1/b'])(
    'what is no kind is a problem: %s',
    (written) => {
      expect(parseConfig(`catalogKinds: ["${written}"]`, {})).toMatchObject({
        ok: false,
        problems: [{ key: 'catalogKinds[0]', given: JSON.stringify(written) }],
      });
    },
  );

  test('a switch that is neither is a problem', () => {
    expect(parseConfig('nodeCondition: perhaps', {})).toMatchObject({
      ok: false,
      problems: [{ key: 'nodeCondition', given: '"perhaps"', allowed: 'on or off' }],
    });
  });
});

describe('requests a minute', () => {
  const of = (yaml: string, env: Readonly<Record<string, string>> = {}): unknown => {
    const read = parseConfig(yaml, env);
    return read.ok ? read.config.requestsPerMinute : read.problems.map(({ key }) => key);
  };

  test.each([
    ['nothing', '', {}, {}],
    [
      'a map',
      'requestsPerMinute: {Quay.io: 30, "*": 5, "*.azurecr.io": 7, private: 9}',
      {},
      { 'quay.io': 30, '*': 5, '*.azurecr.io': 7, private: 9 },
    ],
    [
      'a variable',
      '',
      { DRYPULL_REQUESTS_PER_MINUTE: 'quay.io=30, reg.test:5000=6' },
      { 'quay.io': 30, 'reg.test:5000': 6 },
    ],
  ])('are read from %s', (_, yaml, env, expected) => {
    expect(of(yaml, env)).toEqual(expected);
  });

  test.each([
    ['no number', 'requestsPerMinute: {quay.io: many}', {}, ['requestsPerMinute.quay.io']],
    ['nought', 'requestsPerMinute: {quay.io: 0}', {}, ['requestsPerMinute.quay.io']],
    ['no registry', 'requestsPerMinute: {"a b": 5}', {}, ['requestsPerMinute']],
    ['a list', 'requestsPerMinute: [quay.io]', {}, ['requestsPerMinute']],
    ['words', '', { DRYPULL_REQUESTS_PER_MINUTE: 'quay.io' }, ['DRYPULL_REQUESTS_PER_MINUTE.quay.io']],
  ])('are refused where there is %s', (_, yaml, env, keys) => {
    expect(of(yaml, env)).toEqual(keys);
  });
});
