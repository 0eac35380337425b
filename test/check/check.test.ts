import { describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { check } from '#check/check.ts';
import type { Bounds, Dependencies, Status } from '#check/check.ts';
import { readCommandLine } from '#commands/command-line.ts';
import { atRisk, bug, fine, unseen, untrusted } from '../kit/reports.ts';
import { nodeOf } from '../kit/stage.ts';

const view: NodeView = {
  ...nodeOf(),
  warnings: [{ code: 'hosts.unparsable', file: '/etc/containerd/certs.d/x/hosts.toml', why: 'line 1' }],
};

/** What each image comes to; an image that is not here is never reported. */
const verdicts: Readonly<Record<string, PullReport>> = { fine, 'at-risk': atRisk, bad: untrusted, unseen, bug };

interface Played {
  readonly status: Status;
  readonly stdout: string;
  readonly stderr: string;
  readonly demands: readonly Demand[];
  readonly asked: Parameters<Dependencies['readNode']>[0] | undefined;
  readonly bounds: Bounds | undefined;
}

async function play(
  text: readonly string[],
  given: { files?: Readonly<Record<string, string>>; reverse?: boolean; aborted?: boolean } = {},
): Promise<Played> {
  const wanted = readCommandLine(['check', ...text], '0');
  if (wanted.run !== 'check') throw new Error(JSON.stringify(wanted));
  const out = { stdout: '', stderr: '' };
  let [demands, asked, bounds]: [readonly Demand[], Played['asked'], Played['bounds']] = [[], undefined, undefined];
  const dependencies: Dependencies = {
    stdout: { colour: false, write: (text) => (out.stdout += text) },
    stderr: { colour: false, write: (text) => (out.stderr += text) },
    read: (path) => {
      const text = given.files?.[path];
      return Promise.resolve(text === undefined ? { ok: false, why: 'there is no such file' } : { ok: true, text });
    },
    readNode: (ask) => {
      asked = ask;
      return Promise.resolve(view);
    },
    assessAll: async function* (_view, all, within) {
      [demands, bounds] = [all, within];
      const now = await Promise.resolve(given.reverse === true ? all.toReversed() : all);
      for (const { written: image, policy, requestedBy } of now) {
        const report = verdicts[image];
        if (report !== undefined) yield { ...report, image, policy, requestedBy };
      }
    },
    now: () => new Date(0),
    elapsedMs: () => 0,
    ticking: (tick) => {
      tick();
      return () => undefined;
    },
    signal: given.aborted === true ? AbortSignal.abort() : new AbortController().signal,
  };
  const status = await check(wanted.request, dependencies);
  return { status, ...out, demands, asked, bounds };
}

describe('the exit status', () => {
  test.each<[string, string[], Status]>([
    ['all pull', ['fine'], 0],
    ['one at risk', ['fine', 'at-risk'], 0],
    ['one at risk, --strict', ['fine', 'at-risk', '--strict'], 1],
    ['one fails', ['fine', 'bad'], 1],
    ['one unknown', ['fine', 'unseen'], 2],
    ['one our own bug', ['bug'], 2],
    ['one fails and one unknown', ['bad', 'unseen'], 1],
    ['one that nothing was said about', ['fine', 'silence'], 2],
  ])('%s', async (_what, text, status) => {
    expect((await play(text)).status).toBe(status);
  });

  test('what could not be read makes it 2, for an image may have gone unseen', async () => {
    const files = {
      'a.yaml': '{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: fine}]}}\n---\n[1]\n',
    };
    const played = await play(['-f', 'a.yaml'], { files });
    expect(played.status).toBe(2);
    expect(played.stdout).toContain('pulls');
    expect(played.stderr).toContain('drypull: a.yaml, line 3: this document is a list, not a Kubernetes object');
  });

  test('a hint changes nothing', async () => {
    const files = { 'a.yaml': 'kind: Pod\nkind: Pod\nspec: {containers: [{name: c, image: fine}]}\n' };
    const played = await play(['-f', 'a.yaml'], { files });
    expect(played.stderr).toContain('a.yaml, line 2: the key "kind" stands here a second time');
    expect(played.status).toBe(0);
  });

  test('interrupted: what is known is told, and how much is missing', async () => {
    const played = await play(['fine', 'silence'], { aborted: true });
    expect(played.status).toBe(130);
    expect(played.stdout).toContain('pulls');
    expect(played.stderr).toContain('interrupted: 1 of 2 images were not rehearsed');
  });
});

describe('a wrong call asks nobody', () => {
  test.each<[string, string[], Readonly<Record<string, string>>, RegExp]>([
    ['a file that is not there', ['-f', 'a.yaml'], {}, /-f a\.yaml: there is no such file/],
    ['a file without images', ['-f', 'a.yaml'], { 'a.yaml': 'kind: ConfigMap\n' }, /no image found in what was given/],
    ['a pull secret that is not there', ['a', '--pull-secret', 's'], {}, /--pull-secret s: there is no such file/],
    [
      'a pull secret that is no JSON',
      ['a', '--pull-secret', 's'],
      { s: 'user:canary' },
      /--pull-secret s: not a docker configuration/,
    ],
    [
      'a pull secret that is a manifest',
      ['a', '--pull-secret', 's'],
      { s: '{"kind":"Secret","data":{"x":"canary"}}' },
      /a Secret manifest goes with -f/,
    ],
  ])('%s', async (_what, text, files, message) => {
    const played = await play(text, { files });
    expect(played.status).toBe(2);
    expect(played.stdout).toBe('');
    expect(played.stderr).toMatch(message);
    expect(played.stderr).not.toContain('canary');
    expect(played.asked).toBeUndefined();
  });
});

describe('what is asked', () => {
  test('images and manifests together, each image with what belongs to it', async () => {
    const files = {
      '-': '{kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: bad, imagePullPolicy: Always}]}}',
      's.json': '{"auths":{"ghcr.io":{"auth":"canary"}}}',
    };
    const { demands, stdout, stderr } = await play(
      ['fine', '-f', '-', '--pull-secret', 's.json', '-n', 'shop', '-o', 'json'],
      { files },
    );
    expect(demands).toMatchObject([
      {
        written: 'fine',
        policy: 'Always',
        requestedBy: [],
        secrets: [
          { namespace: 'shop', name: 's.json', state: { is: 'given', type: 'kubernetes.io/dockerconfigjson' } },
        ],
      },
      {
        written: 'bad',
        policy: 'Always',
        requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'p', part: 'container c' }],
        secrets: [],
      },
    ]);
    expect(stdout + stderr + JSON.stringify(demands)).not.toContain('canary');
  });

  test.each([
    ['{"auths":{}}', 'kubernetes.io/dockerconfigjson', '.dockerconfigjson'],
    ['{"credsStore":"desktop"}', 'kubernetes.io/dockerconfigjson', '.dockerconfigjson'],
    ['{"ghcr.io":{}}', 'kubernetes.io/dockercfg', '.dockercfg'],
  ])('a pull secret file %s is of type %s', async (text, type, key) => {
    const { demands } = await play(['fine', '--pull-secret', 's'], { files: { s: text } });
    expect(demands[0]?.secrets[0]?.state).toMatchObject({ is: 'given', type });
    expect(JSON.stringify(demands[0]?.secrets)).toContain(`{"${key}":"[secret]"}`);
  });

  test('the node and the bounds as the call says them', async () => {
    const { asked, bounds } = await play([
      'fine',
      '--host-root',
      '/host',
      '--runtime',
      'containerd://2.1.9',
      '--verify',
      '--timeout',
      '5s',
    ]);
    expect(asked).toEqual({ hostRoot: '/host', runtime: 'containerd://2.1.9', kubelet: {}, now: new Date(0) });
    expect(bounds).toMatchObject({ verify: true, spend: false, timeoutMs: 5000 });
  });
});

describe('the answer', () => {
  test('reports stand in the order of the question, however they arrive', async () => {
    const { stdout } = await play(['fine', 'bad', 'at-risk', '-o', 'json'], { reverse: true });
    const { version, node, reports } = JSON.parse(stdout) as { version: number; node: object; reports: PullReport[] };
    expect(version).toBe(1);
    expect(node).toMatchObject({ name: 'node-7', runtime: 'containerd://2.1.9', platform: 'linux/amd64' });
    expect(reports.map(({ image, verdict }) => [image, verdict.is])).toEqual([
      ['fine', 'pulls'],
      ['bad', 'fails'],
      ['at-risk', 'at_risk'],
    ]);
  });

  test('stdout is the answer, stderr the conversation', async () => {
    const { stdout, stderr } = await play(['fine', 'bad']);
    expect(stdout).toMatch(/^VERDICT .*\npulls .*\nfails .*\n$/);
    expect(stderr).toBe(
      'drypull: hosts.unparsable: /etc/containerd/certs.d/x/hosts.toml does not parse, so containerd ignores it and its mirrors: line 1.\n' +
        '2 images on node-7: 1 pulls, 1 fails\n',
    );
  });

  test('-v tells the stories first, so that the table stands at the end', async () => {
    const { stdout } = await play(['bad', '-v']);
    expect(stdout).toMatch(/^✗ fails {2}bad\n[^]*The kubelet would show[^]*\n\nVERDICT/);
  });

  test('junit counts an image at risk as a failure under --strict', async () => {
    expect((await play(['at-risk', '-o', 'junit'])).stdout).toContain('failures="0"');
    expect((await play(['at-risk', '-o', 'junit', '--strict'])).stdout).toContain('failures="1"');
  });

  test('two Pods with the same image and other secrets are two reports', async () => {
    const pod = (name: string, secret: string): string =>
      `{kind: Pod, metadata: {name: ${name}}, spec: {imagePullSecrets: [{name: ${secret}}], containers: [{name: c, image: fine}]}}`;
    const { stdout } = await play(['-f', 'a', '-o', 'json'], {
      files: { a: `${pod('p', 's')}\n---\n${pod('q', 't')}` },
      reverse: true,
    });
    const { reports } = JSON.parse(stdout) as { reports: PullReport[] };
    expect(reports.map(({ requestedBy }) => requestedBy[0]?.name)).toEqual(['p', 'q']);
  });
});
