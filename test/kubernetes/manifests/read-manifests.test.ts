import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PullSecret } from '#kubelet/keyring.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';
import type { Manifests } from '#kubernetes/manifests/read-manifests.ts';

const read = (text: string): Manifests => readManifests(text, { namespace: 'here' });
const images = (text: string): string[] => read(text).demands.map(({ written }) => written);
const whats = (text: string): string =>
  read(text)
    .problems.map(({ at, what }) => `${at}: ${what}`)
    .join('\n');

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** What a Pod would pull with, secrets opened: `namespace/name type key=text`, or why it is not known. */
function pullsWith(text: string): string[] {
  return read(text).demands.flatMap(({ secrets }) => secrets.map(shown));
}

function shown({ namespace, name, state }: PullSecret): string {
  if (state.is !== 'given') return `${namespace}/${name} ${state.is}`;
  const data = Object.entries(state.data).map(([key, value]) => `${key}=${value.reveal()}`);
  return [`${namespace}/${name}`, state.type, ...data].join(' ');
}

const template = '{metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: "app:1"}]}}';

describe('a workload of any kind says which images it wants', () => {
  test.each([
    ['Pod', '{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: web, image: "app:1"}]}}'],
    ['PodTemplate', `{apiVersion: v1, kind: PodTemplate, metadata: {name: x}, template: ${template}}`],
    ['Deployment', `{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {template: ${template}}}`],
    ['StatefulSet', `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: x}, spec: {template: ${template}}}`],
    ['DaemonSet', `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {template: ${template}}}`],
    ['ReplicaSet', `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: x}, spec: {template: ${template}}}`],
    [
      'ReplicationController',
      `{apiVersion: v1, kind: ReplicationController, metadata: {name: x}, spec: {template: ${template}}}`,
    ],
    ['Job', `{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: ${template}}}`],
    [
      'CronJob',
      `{apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {jobTemplate: {spec: {template: ${template}}}}}`,
    ],
    [
      'Rollout',
      `{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: x}, spec: {template: ${template}}}`,
    ],
    [
      'Service',
      `{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: x}, spec: {template: ${template}}}`,
    ],
    [
      'Job',
      `{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: x}, spec: {tasks: [{template: ${template}}]}}`,
    ],
    [
      'PyTorchJob',
      `{apiVersion: kubeflow.org/v1, kind: PyTorchJob, metadata: {name: x}, spec: {w: {Worker: {template: ${template}}}}}`,
    ],
  ])('%s', (kind, text) => {
    const { demands, problems } = read(text);
    expect(problems).toEqual([]);
    expect(demands).toHaveLength(1);
    expect(demands[0]).toMatchObject({
      written: 'app:1',
      image: { ok: true, value: { runtime: 'docker.io/library/app:1' } },
      requestedBy: [{ kind, namespace: 'here', name: 'x', part: 'container web' }],
      present: 'unknown',
    });
  });

  test('the items of a List count, also of a List in a List, and of a typed list that repeats no kind', () => {
    const pod = (image: string): string =>
      `{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: "${image}"}]}}`;
    expect(images(`{kind: List, items: [${pod('a:1')}, {kind: List, items: [${pod('b:1')}]}]}`)).toEqual([
      'a:1',
      'b:1',
    ]);
    const bare = '{metadata: {name: p}, spec: {containers: [{name: c, image: "c:1"}]}}';
    expect(read(`{kind: PodList, items: [${bare}]}`).demands[0]?.requestedBy[0]?.kind).toBe('Pod');
  });

  test('every container of every sort and every image volume has its say, in the order in which the kubelet starts them', () => {
    const text = `
      {kind: Pod, metadata: {name: p}, spec: {
        containers: [{name: web, image: web:1}],
        initContainers: [{name: migrate, image: migrate:1}],
        ephemeralContainers: [{name: debug, image: debug:1}],
        volumes: [{name: tmp, emptyDir: {}}, {name: models, image: {reference: models:1, pullPolicy: Never}}]}}`;
    expect(
      read(text).demands.map(({ written, policy, requestedBy }) => [written, policy, requestedBy[0]?.part]),
    ).toEqual([
      ['migrate:1', 'IfNotPresent', 'init container migrate'],
      ['web:1', 'IfNotPresent', 'container web'],
      ['debug:1', 'IfNotPresent', 'ephemeral container debug'],
      ['models:1', 'Never', 'image volume models'],
    ]);
  });

  test.each([
    ['a ConfigMap that holds a Pod', '{apiVersion: v1, kind: ConfigMap, spec: {containers: [{image: a}]}}'],
    ['a plain Service', '{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}'],
    [
      'a schema',
      '{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {containers: [{image: a}]}}',
    ],
    [
      "an operator's patch of containers without images",
      '{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {containers: [{name: prometheus}]}}',
    ],
    ['what a status repeats', '{apiVersion: x.io/v1, kind: X, status: {containers: [{name: a, image: b}]}}'],
    ['nothing at all', ''],
    ['blank documents, comments and directives', '---\n# nothing\n---\n%YAML 1.2\n---\n...\n'],
  ])('%s wants no image, and that is no problem', (_what, text) => {
    expect(read(text)).toEqual({ demands: [], placements: [], problems: [], hints: [] });
  });
});

describe('the pull policy is what the API server would make of it', () => {
  test.each([
    ['app:1', '', 'IfNotPresent'],
    ['app', '', 'Always'],
    ['app:latest', '', 'Always'],
    [`app@sha256:${'a'.repeat(64)}`, '', 'IfNotPresent'],
    ['app:latest', 'imagePullPolicy: IfNotPresent', 'IfNotPresent'],
    ['app:1', 'imagePullPolicy: Always', 'Always'],
    ['app:1', 'imagePullPolicy: Never', 'Never'],
    ['app:1', 'imagePullPolicy: ""', 'IfNotPresent'],
    ['app:1', 'imagePullPolicy: null', 'IfNotPresent'],
  ])('%s with %s: %s', (image, line, policy) => {
    const text = `{kind: Pod, spec: {containers: [{name: c, image: "${image}"${line && `, ${line}`}}]}}`;
    expect(read(text).demands[0]?.policy).toBe(policy);
    expect(read(text).problems).toEqual([]);
  });

  test('a policy that the API server refuses is a problem', () => {
    expect(
      whats('{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: a, imagePullPolicy: always}]}}'),
    ).toBe(
      'line 1, Pod here/p, container c: its pull policy is "always", which the API server refuses; it may be Always, IfNotPresent or Never',
    );
  });
});

describe("a Pod pulls with the secrets that it lists, or else with its ServiceAccount's", () => {
  const secret = (name: string, rest = ''): string =>
    `{apiVersion: v1, kind: Secret, metadata: {name: ${name}}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: "{${name}}"}${rest}}`;
  const given = (name: string, namespace = 'here'): string =>
    `${namespace}/${name} kubernetes.io/dockerconfigjson .dockerconfigjson={${name}}`;
  const account = (name: string, secrets: string): string =>
    `{apiVersion: v1, kind: ServiceAccount, metadata: {name: ${name}}, imagePullSecrets: ${secrets}}`;
  const pod = (rest: string): string =>
    `{kind: Pod, metadata: {name: p}, spec: {containers: [{image: a}]${rest && `, ${rest}`}}}`;

  test.each<[string, string[], string[]]>([
    [
      'in its own order',
      [secret('a'), secret('b'), pod('imagePullSecrets: [{name: b}, {name: a}]')],
      [given('b'), given('a')],
    ],
    ['also if they come later', [pod('imagePullSecrets: [{name: a}]'), secret('a')], [given('a')]],
    [
      'the last of two of one name',
      [secret('a'), secret('a', ', data: {}'), pod('imagePullSecrets: [{name: a}]')],
      [given('a')],
    ],
    ['a secret that the stream does not hold is unseen', [pod('imagePullSecrets: [{name: a}]')], ['here/a unseen']],
    [
      'an entry without a name is skipped',
      [secret('a'), pod('imagePullSecrets: [{}, {name: ""}, {name: a}]')],
      [given('a')],
    ],
    ['the default ServiceAccount', [secret('a'), account('default', '[{name: a}]'), pod('')], [given('a')]],
    [
      'a named ServiceAccount',
      [secret('a'), account('bot', '[{name: a}]'), pod('serviceAccountName: bot')],
      [given('a')],
    ],
    [
      "the old field's ServiceAccount",
      [secret('a'), account('bot', '[{name: a}]'), pod('serviceAccount: bot')],
      [given('a')],
    ],
    [
      'an empty list is none',
      [secret('a'), account('default', '[{name: a}]'), pod('imagePullSecrets: []')],
      [given('a')],
    ],
    [
      'nothing is merged',
      [secret('a'), secret('b'), account('default', '[{name: a}]'), pod('imagePullSecrets: [{name: b}]')],
      [given('b')],
    ],
    [
      'a list of nothing but an empty name still keeps the account out',
      [secret('a'), account('default', '[{name: a}]'), pod('imagePullSecrets: [{}]')],
      [],
    ],
    ['an account that is not in the stream brings nothing', [secret('a'), pod('serviceAccountName: bot')], []],
    [
      "an account's secret that is not in the stream is unseen",
      [account('default', '[{name: a}]'), pod('')],
      ['here/a unseen'],
    ],
  ])('%s', (_what, documents, wanted) => {
    expect(pullsWith(documents.join('\n---\n'))).toEqual(wanted);
  });

  test('a secret in another namespace does not count, and the hint says where it is', () => {
    const text = `${pod('imagePullSecrets: [{name: hub}]')}\n---\n{kind: Secret, metadata: {name: hub, namespace: there}, data: {}}`;
    expect(pullsWith(text)).toEqual(['here/hub unseen']);
    expect(read(text).hints).toEqual([
      {
        at: 'line 1, Pod here/p',
        what: 'its pull secret hub stands in namespace there; a Pod can only use secrets of its own (here)',
      },
    ]);
  });

  test("an object's own namespace goes over the option", () => {
    const text =
      '{kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: [{image: a}], imagePullSecrets: [{name: s}]}}';
    expect(pullsWith(text)).toEqual(['shop/s unseen']);
    expect(read(text).demands[0]?.requestedBy[0]?.namespace).toBe('shop');
  });

  test.each<[string, string, string]>([
    ['base64', `data: {.dockerconfigjson: "${base64('{}')}"}`, 'here/a Opaque .dockerconfigjson={}'],
    [
      'base64 with line ends, as `base64` prints it',
      `data: {.dockercfg: "${base64('{"a":1}').slice(0, 4)}\\n${base64('{"a":1}').slice(4)}"}`,
      'here/a Opaque .dockercfg={"a":1}',
    ],
    [
      'stringData over data',
      `data: {.dockercfg: "${base64('old')}"}, stringData: {.dockercfg: new}`,
      'here/a Opaque .dockercfg=new',
    ],
    [
      "a type that is not a pull secret's, as it stands",
      'type: kubernetes.io/tls, data: {}',
      'here/a kubernetes.io/tls',
    ],
    ['no other key', `type: Opaque, data: {token: "${base64('x')}"}`, 'here/a Opaque'],
    ['nothing', 'data: null', 'here/a Opaque'],
    [
      'a byte order mark is kept, for the kubelet stumbles over it',
      'data: {.dockercfg: "77u/e30="}',
      'here/a Opaque .dockercfg=\uFEFF{}',
    ],
  ])('a Secret is read as the API server stores it: %s', (_what, rest, wanted) => {
    const text = `{kind: Secret, metadata: {name: a}, ${rest}}\n---\n${pod('imagePullSecrets: [{name: a}]')}`;
    expect(pullsWith(text)).toEqual([wanted]);
    expect(read(text).problems).toEqual([]);
  });

  test.each([
    [
      'data: {.dockerconfigjson: "{\\"auths\\":{}}"}',
      'data[".dockerconfigjson"] is not base64, so the API server would refuse this Secret; plain text belongs into stringData',
    ],
    [
      'data: {.dockercfg: abc}',
      'data[".dockercfg"] is not base64, so the API server would refuse this Secret; plain text belongs into stringData',
    ],
    ['data: {.dockercfg: {a: 1}}', 'data[".dockercfg"] is not text; the API server would refuse this Secret'],
    [
      'stringData: {.dockerconfigjson: {auths: {}}}',
      'stringData[".dockerconfigjson"] is not text: quote it, or use a block scalar (|)',
    ],
  ])('a Secret that the API server would refuse is a problem and counts as not given: %s', (rest, what) => {
    const text = `{kind: Secret, metadata: {name: a}, ${rest}}\n---\n${pod('imagePullSecrets: [{name: a}]')}`;
    expect(pullsWith(text)).toEqual(['here/a unseen']);
    expect(whats(text)).toBe(`line 1, Secret here/a: ${what}`);
  });
});

describe('what differs in nothing the answer depends on is asked once', () => {
  const pod = (name: string, rest = ''): string =>
    `{kind: Pod, metadata: {name: ${name}}, spec: {containers: [{name: c, image: "a:1"}]${rest && `, ${rest}`}}}`;
  const wanters = (...pods: string[]): string[][] =>
    read(pods.join('\n---\n')).demands.map(({ requestedBy }) => requestedBy.map(({ name }) => name));

  test('two Pods with one image', () => {
    expect(wanters(pod('p'), pod('q'), pod('p'))).toEqual([['p', 'q']]);
  });
  test('other credentials are another question', () => {
    expect(wanters(pod('p'), pod('q', 'imagePullSecrets: [{name: s}]'))).toEqual([['p'], ['q']]);
  });
  test('another policy is another question', () => {
    const q = '{kind: Pod, metadata: {name: q}, spec: {containers: [{image: "a:1", imagePullPolicy: Never}]}}';
    expect(wanters(pod('p'), q)).toEqual([['p'], ['q']]);
  });
  test('another namespace matters only where there are secrets', () => {
    const q = (rest: string): string =>
      `{kind: Pod, metadata: {name: q, namespace: shop}, spec: {containers: [{image: "a:1"}]${rest}}}`;
    expect(wanters(pod('p'), q(''))).toEqual([['p', 'q']]);
    expect(wanters(pod('p', 'imagePullSecrets: [{name: s}]'), q(', imagePullSecrets: [{name: s}]'))).toEqual([
      ['p'],
      ['q'],
    ]);
  });
});

describe('a stream is YAML, JSON, or both', () => {
  test.each<[string, string, string[]]>([
    [
      'JSON documents end to end',
      '{"kind":"Pod","spec":{"containers":[{"image":"a}{"}]}}{"kind":"Pod","spec":{"containers":[{"image":"b\\""}]}}',
      ['a}{', 'b"'],
    ],
    [
      'JSON between document marks',
      '{"kind":"Pod","spec":{"containers":[{"image":"a"}]}}\n---\n{"kind":"Pod","spec":{"containers":[{"image":"b"}]}}',
      ['a', 'b'],
    ],
    [
      'JSON, then YAML',
      '{"kind":"Pod","spec":{"containers":[{"image":"a"}]}}\n---\nkind: Pod\nspec:\n  containers:\n  - image: b\n',
      ['a', 'b'],
    ],
    [
      'marks with comments, Windows line ends, a byte order mark',
      '\uFEFF--- # one\r\nkind: Pod\r\nspec:\r\n  containers:\r\n  - image: a\r\n---\r\n',
      ['a'],
    ],
    [
      'anchors, aliases and merge keys',
      'x: &c {image: a}\nkind: Pod\nspec:\n  containers:\n  - <<: *c\n    name: b\n  - *c\n',
      ['a'],
    ],
  ])('%s', (_what, text, wanted) => {
    expect(images(text)).toEqual(wanted);
    expect(read(text).problems).toEqual([]);
  });

  test('of equal keys the last counts, and a hint says so', () => {
    const text = 'kind: Pod\nspec:\n  containers:\n  - image: a\n    image: b\n';
    expect(images(text)).toEqual(['b']);
    expect(read(text).hints).toEqual([
      { at: 'line 5', what: 'the key "image" stands here a second time; the last one counts' },
    ]);
  });
});

describe('bad input is a problem with its place, and the rest is read', () => {
  const rest = '\n---\nkind: Pod\nspec:\n  containers:\n  - image: rest\n';
  test.each([
    [
      'a list',
      '[1, 2]',
      'line 1: this document is a list, not a Kubernetes object (a mapping with apiVersion and kind)',
    ],
    [
      'a word',
      'word',
      'line 1: this document is a string, not a Kubernetes object (a mapping with apiVersion and kind)',
    ],
    ['null', 'null\n', ''],
    ['no kind', 'a: 1', 'line 1: this document has no kind, so it is not a Kubernetes object; it is not read'],
    [
      'YAML that is none, counted from the top',
      '\n\na: b: c',
      'line 3: no valid YAML: Nested mappings are not allowed in compact mappings',
    ],
    ['JSON cut off', '{"kind": "Pod"', 'line 2: no valid YAML: Flow map must end with a }'],
    ['an alias of nothing', 'a: *gone', 'line 1: Unresolved alias (the anchor must be set before the alias)'],
    [
      'aliases of aliases of aliases',
      'x: &a [l,l]\ny: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nz: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nw: [*c,*c,*c,*c]',
      'line 1: its aliases multiply beyond all use; it is not read',
    ],
    ['lists without end', '['.repeat(50_000), 'line 1: nested too deeply to be read'],
    ['mappings without end', '{"a":'.repeat(50_000), 'line 1: nested too deeply to be read'],
    [
      'a huge document',
      `a: ${'x'.repeat(5 << 20)}`,
      'line 1: this YAML document is 6 MB long; at most 4 MB are read: split it or give it as JSON',
    ],
    ['a List of numbers', '{kind: List, items: [3]}', 'line 1, item 1: this item is not a Kubernetes object'],
    [
      'a Pod without containers',
      '{kind: Pod, metadata: {name: p}, spec: {}}',
      'line 1, Pod here/p: it has no containers',
    ],
    [
      'an image that YAML reads as a number',
      '{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: 1.2}]}}',
      'line 1, Pod here/p, container c: its image is not text: quote it',
    ],
    [
      'an empty image',
      '{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: ""}]}}',
      'line 1, Pod here/p, container c: no image is named',
    ],
    [
      'mappings where lists belong',
      '{kind: Pod, metadata: 3, spec: {containers: {a: 1}}}',
      'line 1, Pod here/: it has no containers',
    ],
    ['a circle', 'kind: Pod\nspec: &s\n  a: *s\n', 'line 1, Pod here/: it has no containers'],
    [
      'a Pod within a Pod within a Pod',
      '{"kind":"Pod","spec":'.repeat(20) + '1' + '}'.repeat(20),
      'line 1, Pod here/: it has no containers',
    ],
  ])('%s', (_what, text, problem) => {
    expect(whats(text + rest)).toBe(problem);
    expect(images(text + rest)).toEqual(['rest']);
  });

  test('an image that does not parse stays a demand: the kubelet will meet it too', () => {
    const [demand] = read('{kind: Pod, spec: {containers: [{image: "reg.io/App"}]}}').demands;
    expect(demand).toMatchObject({
      written: 'reg.io/App',
      image: { ok: false, fault: { code: 'image.malformed' } },
    });
  });

  test('problems are bounded in number', () => {
    const { problems } = read('3\n---\n'.repeat(5000));
    expect(problems.length).toBeLessThanOrEqual(101);
  });

  test('no problem repeats what a broken Secret holds', () => {
    const canary = 'hunter2-canary';
    for (const text of [
      `kind: Secret\nstringData:\n  .dockerconfigjson: *${canary}\n`,
      `kind: Secret\nstringData: {.dockerconfigjson: "${canary}"] }`,
      `kind: Secret\nstringData: {.dockerconfigjson: '${canary}' '${canary}'}`,
      `kind: Secret\nstringData:\n  p: "\\q${canary}"\n`,
      `kind: Secret\ndata:\n  .dockerconfigjson: ${canary}!\n`,
      `{"kind":"Secret","data":{".dockercfg":"${canary}!"}}`,
      `{"kind":"Secret","data":{".dockercfg":${canary}}}x`,
    ]) {
      const { problems, hints } = read(text);
      expect(problems).not.toEqual([]);
      expect(JSON.stringify([problems, hints])).not.toContain(canary);
    }
  });

  test('any text at all is read without a throw', () => {
    const bits = fc.constantFrom(
      'kind: Pod\n',
      '---\n',
      'spec:',
      ' containers: ',
      '[',
      '{',
      '}',
      ']',
      '&a ',
      '*a ',
      '<<: ',
      '"',
      '\n',
      '- ',
      'image: x\n',
      '!!binary ',
      '\u0000',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(bits).map((parts) => parts.join('')),
        ),
        (text) => {
          const { demands, problems, hints } = read(text);
          expect([demands, problems, hints].every(Array.isArray)).toBe(true);
        },
      ),
    );
  });

  test('any JSON object at all is read without a throw', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('kind', 'metadata', 'spec', 'items', 'containers', 'image', 'volumes', 'data', 'type'),
          fc.jsonValue(),
        ),
        (value) => {
          expect(read(JSON.stringify({ kind: 'Pod', ...value })).demands.length).toBeLessThan(100);
        },
      ),
    );
  });
});
