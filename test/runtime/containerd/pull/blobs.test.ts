import { describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { bareDemand } from '#config/image-demand.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { FakeRegistry, image, type Script } from '../../../kit/fake-registry.ts';
import { nodeRoot } from '../../../kit/node-root.ts';

const first = image({ seed: 'first', layers: [100, 200, 300] });
const second = image({ seed: 'second', layers: [100, 200, 300] });
const images = { 'team/first:v1': first, 'team/second:v1': second };

/** Passes over images of one registry, as an agent makes them. */
async function agentFor(registry: FakeRegistry, logins: object = {}, atOnce = 1) {
  const root = await nodeRoot({
    'etc/containerd/config.toml': 'version = 3\n',
    'var/lib/kubelet/config.json': JSON.stringify({ auths: logins }),
  });
  const clockMs = (): number => performance.now();
  const rehearser = new Rehearser({ hostRoot: root.path, env: {}, now: () => new Date(), clockMs });
  const pass = async (...names: readonly string[]): Promise<readonly PullReport[]> => {
    const at = { hostRoot: root.path, runtime: 'containerd://2.1.9', nodeName: 'n', kubelet: {}, now: new Date() };
    const demands = names.map((name) => bareDemand(`${registry.host}/team/${name}:v1`, []));
    const signal = new AbortController().signal;
    const bounds = { manners, atOnce, perRegistry: 8, meteredRegistries: [], signal };
    const reports: PullReport[] = [];
    for await (const report of rehearser.rehearse(await readNode(at), demands, bounds)) reports.push(report);
    return reports;
  };
  return { pass, [Symbol.asyncDispose]: root[Symbol.asyncDispose] };
}

const kinds = (registry: FakeRegistry): readonly string[] =>
  registry.requests.map(({ method, url }) => `${method} ${url.split('/').at(-2) ?? ''} of ${url.split('/')[3] ?? ''}`);

const verdicts = (reports: readonly PullReport[]): readonly string[] => reports.map(({ verdict }) => verdict.is);

describe('configuration and layers', () => {
  test('while nobody knows whether blobs are served, the configuration goes ahead alone', async () => {
    const { config } = first.manifests[0];
    const missing: Script = ({ reference, refuse }) =>
      reference === config.digest ? refuse(404, 'BLOB_UNKNOWN', 'gone') : undefined;
    await using registry = await FakeRegistry.open({ images, onRequest: missing });
    await using agent = await agentFor(registry);
    expect(verdicts(await agent.pass('first'))).toEqual(['fails']);
    expect(kinds(registry)).toEqual(['HEAD manifests of first', 'GET manifests of first', 'GET blobs of first']);
  });

  test('afterwards they are asked for together', async () => {
    const all = Promise.withResolvers<undefined>();
    const held = new Set<string>();
    const untilAll: Script = async ({ kind, repository, reference }) => {
      if (kind !== 'blob' || repository !== 'team/second') return undefined;
      held.add(reference);
      if (held.size === 4) all.resolve(undefined);
      await all.promise;
      return undefined;
    };
    await using registry = await FakeRegistry.open({ images, onRequest: untilAll });
    await using agent = await agentFor(registry);
    expect(verdicts(await agent.pass('first', 'second'))).toEqual(['pulls', 'pulls']);
    expect(held.size).toBe(4);
  });

  test('of two layers that fail, the first in the manifest is the one that is shown, whichever answers first', async () => {
    const [, middle, last] = second.manifests[0].layers.map(({ digest }) => digest);
    const lastRefused = Promise.withResolvers<undefined>();
    const missing: Script = async ({ reference, refuse, response }) => {
      if (reference === last) {
        response.once('finish', () => lastRefused.resolve(undefined));
        return refuse(404, 'BLOB_UNKNOWN', 'gone');
      }
      if (reference !== middle) return undefined;
      await lastRefused.promise;
      return refuse(404, 'BLOB_UNKNOWN', 'gone');
    };
    await using registry = await FakeRegistry.open({ images, onRequest: missing });
    await using agent = await agentFor(registry);
    const [, report] = await agent.pass('first', 'second');
    expect(report?.verdict).toMatchObject({ is: 'fails', fault: { code: 'blob.missing', digest: middle } });
  });

  test.each([1, 2])('a blob host that refuses the password is shown it once by %d images at a time', async (atOnce) => {
    await using storage = await FakeRegistry.open({ auth: { scheme: 'basic', users: { other: 'other' } } });
    await using registry = await FakeRegistry.open({ images, blobsAt: storage.url });
    await using agent = await agentFor(registry, { [registry.host]: { username: 'me', password: 'wrong' } }, atOnce);
    expect(verdicts(await agent.pass('first', 'second'))).toEqual(['fails', 'fails']);
    expect(storage.requests.filter(({ authorization }) => authorization !== undefined)).toHaveLength(1);
  });
});

describe('a later pass', () => {
  test('asks for each tag, and for one configuration, which shows that blobs are still served', async () => {
    await using registry = await FakeRegistry.open({ images });
    await using agent = await agentFor(registry);
    await agent.pass('first', 'second');
    registry.forget();
    expect(verdicts(await agent.pass('first', 'second'))).toEqual(['pulls', 'pulls']);
    expect(kinds(registry)).toEqual(['HEAD manifests of first', 'GET blobs of first', 'HEAD manifests of second']);
  });

  test('notices that the registry serves its blobs no more, for every image', async () => {
    await using registry = await FakeRegistry.open({ images });
    await using agent = await agentFor(registry);
    await agent.pass('first', 'second');
    registry.play(({ kind, refuse }) => (kind === 'blob' ? refuse(403, 'DENIED', 'storage is gone') : undefined));
    expect(verdicts(await agent.pass('first', 'second'))).toEqual(['fails', 'fails']);
  });
});
