import { KubeConfig } from '@kubernetes/client-node';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { readConfigz } from '#kubernetes/api/configz.ts';
import { connect, connectByFile, connectInCluster } from '#kubernetes/api/connect.ts';
import { linesOf } from '#kubernetes/api/lines.ts';
import { token } from '../../kit/fake-kube.ts';
import { everyGrant } from '../../kit/kube-grants.ts';
import { clusterOf, kubeWorld } from '../../kit/kube-world.ts';

const call = { method: 'GET', path: '/api/v1/nodes/node1', deadlineMs: 5000, maxBytes: 100_000 } as const;

describe('a request to the API server', () => {
  test('shows the token, and twenty in a row need no more than two connections', async () => {
    await using world = await kubeWorld();
    for (let index = 0; index < 20; index += 1) expect(await world.cluster.ask(call)).toMatchObject({ is: 'answered' });
    expect(world.kube.connections.size).toBeLessThanOrEqual(2);
  });

  test('finds a connection however many watches stand', async () => {
    await using world = await kubeWorld();
    const closing = new AbortController();
    const watch = { ...call, path: '/api/v1/pods', query: { watch: 'true' } } as const;
    for (let index = 0; index < 20; index += 1)
      expect(await world.cluster.follow(watch, closing.signal)).toMatchObject({ is: 'following' });
    expect(await world.cluster.ask(call)).toMatchObject({ is: 'answered' });
    closing.abort();
  });

  test("with a stranger's token is refused with the words of the API server", async () => {
    await using world = await kubeWorld('a-stranger');
    expect(await world.cluster.ask(call)).toMatchObject({
      is: 'refused',
      status: 401,
      reason: 'Unauthorized',
      message: 'Unauthorized',
    });
  });

  test('shows a token whose file ended in a newline', async () => {
    await using world = await kubeWorld(`${token}\n`);
    expect(await world.cluster.ask(call)).toMatchObject({ is: 'answered' });
  });

  test('with a token that no header can hold says so without saying the token', async () => {
    await using world = await kubeWorld('canary-4711\ncanary-4711');
    const answer = await world.cluster.ask(call);
    expect(answer.is).toBe('away');
    expect(JSON.stringify(answer)).not.toContain('canary');
  });

  test('that is not answered in time ends', async () => {
    await using world = await kubeWorld();
    world.kube.script(() => true, { is: 'slow', until: Promise.withResolvers<undefined>().promise });
    expect(await world.cluster.ask({ ...call, deadlineMs: 20 })).toEqual({ is: 'away', why: 'no answer in time' });
  });

  const answers: readonly (readonly [string, number, string, object])[] = [
    [
      'longer than its bound',
      200,
      `"${'x'.repeat(200_000)}"`,
      { is: 'away', why: 'the answer is longer than 100000 bytes' },
    ],
    ['no JSON', 200, '<html>', { is: 'away', why: 'the answer is no JSON' }],
    ['empty', 200, '', { is: 'away', why: 'the answer is no JSON' }],
    ['a refusal of something in between', 503, '<html>', { is: 'refused', status: 503, reason: '', message: '' }],
  ];
  test.each(answers)('whose answer is %s', async (_, status, body, expected) => {
    await using world = await kubeWorld();
    world.kube.script(() => true, { is: 'raw', status, body });
    expect(await world.cluster.ask(call)).toMatchObject(expected);
  });

  test('that nobody answers is away', async () => {
    await using world = await kubeWorld();
    await world.kube.away();
    expect(await world.cluster.ask(call)).toEqual({ is: 'away', why: 'ECONNREFUSED' });
    const watched = await world.cluster.follow(call, new AbortController().signal);
    expect(watched).toEqual({ is: 'away', why: 'ECONNREFUSED' });
  });
});

describe('where the API server is', () => {
  test('outside of a cluster nobody knows, and it is said', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', undefined);
    expect(connectInCluster()).toMatchObject({ ok: false, fault: { code: 'agent.cannot_see' } });
    vi.unstubAllEnvs();
  });

  test('a kubeconfig that is not there, is malformed or names no server is a fault', () => {
    expect(connectByFile('/nonexistent/kubeconfig')).toMatchObject({
      ok: false,
      fault: { code: 'agent.cannot_see', what: '/nonexistent/kubeconfig', why: 'ENOENT' },
    });
    expect(connectByFile(new URL(import.meta.url).pathname)).toMatchObject({ ok: false });
    expect(connect(new KubeConfig())).toMatchObject({ ok: false });
  });

  test('plain http with a token is not spoken unless the kubeconfig says that it may be', async () => {
    await using world = await kubeWorld();
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: 'c', server: world.kube.url, skipTLSVerify: false },
      { name: 'u', token: 'secret-token' },
    );
    const connected = connect(config);
    const answer = connected.ok ? await connected.value.ask(call) : undefined;
    expect(answer).toMatchObject({ is: 'away' });
    expect(world.kube.calls).toEqual([]);
  });
});

describe("the kubelet's configuration", () => {
  test('is asked of the kubelet itself, and reads like its file', async () => {
    await using world = await kubeWorld();
    const config = await readConfigz(clusterOf(world.kube), world.kube.url);
    expect(config).toMatchObject({ ok: true, source: `${world.kube.url}/configz` });
    const parsed: unknown = JSON.parse(config.ok ? config.value : '');
    expect(parsed).toMatchObject({ kind: 'KubeletConfiguration', evictionHard: { 'imagefs.available': '1%' } });
    expect(world.kube.calls).toMatchObject([{ verb: 'get', resource: 'nodes', subresource: 'configz' }]);
  });

  test('that may not be read is a fault on our side', async () => {
    await using world = await kubeWorld();
    world.kube.grants = new Set();
    expect(await readConfigz(clusterOf(world.kube), world.kube.url)).toMatchObject({
      ok: false,
      fault: { code: 'agent.not_allowed' },
    });
    world.kube.grants = everyGrant;
    world.kube.script(() => true, { is: 'raw', status: 200, body: '{}' });
    expect(await readConfigz(clusterOf(world.kube), world.kube.url)).toMatchObject({ ok: false });
  });
});

describe('lines', () => {
  const collect = async (chunks: readonly Uint8Array[], maxBytes = 1000): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of linesOf(stream(chunks), maxBytes)) lines.push(line);
    return lines;
  };

  test('are the same however the stream was cut', async () => {
    const lines = fc.array(fc.string({ unit: 'binary' }).map((line) => line.replaceAll('\n', ' ')));
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 7 }), async (written, size) => {
        const bytes = Buffer.from(written.map((line) => `${line}\n`).join(''), 'utf8');
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        expect(await collect(chunks, 10_000)).toEqual(written.map((line) => Buffer.from(line).toString('utf8')));
      }),
      { numRuns: 50 },
    );
  });

  test('that never end are cut off', async () => {
    const endless = Array.from({ length: 100 }, () => Buffer.from('x'.repeat(100)));
    await expect(collect(endless)).rejects.toThrow();
  });

  test('that were not ended are none', async () => {
    expect(await collect([Buffer.from('one\ntw')])).toEqual(['one']);
  });
});

// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous, its chunks are here already
async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
