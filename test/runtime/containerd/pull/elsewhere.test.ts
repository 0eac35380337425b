/** Layers whose descriptors say where else they lie: there first, without credentials, and then in the registry. */
import { describe, expect, test } from 'vitest';
import { bareDemand } from '#config/image-demand.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { FakeRegistry, image } from '../../../kit/fake-registry.ts';
import { nodeRoot } from '../../../kit/node-root.ts';
import { withLayersAt } from '../../../kit/odd-images.ts';
import { freePort } from '../../../kit/program.ts';

const app = image({ seed: 'elsewhere' });
const layer = app.manifests[0].layers[0]?.digest ?? '';
const layerPath = `/v2/team/app/blobs/${layer}`;
const login = { username: 'puller', password: 's3cret' };

/** An image of a registry that wants a login, and whose one layer lies at these places as well. */
async function rehearsed(urls: readonly string[]) {
  const built = withLayersAt(app, () => urls);
  await using registry = await FakeRegistry.open({
    images: { 'team/app:v1': built },
    auth: { scheme: 'basic', users: { puller: 's3cret' } },
  });
  await using root = await nodeRoot({
    'etc/containerd/config.toml': 'version = 3\n',
    'var/lib/kubelet/config.json': JSON.stringify({ auths: { [registry.host]: login } }),
  });
  const clock = { now: () => new Date(), clockMs: () => performance.now() };
  const rehearser = new Rehearser({ hostRoot: root.path, env: {}, ...clock });
  const at = { hostRoot: root.path, runtime: 'containerd://2.1.9', nodeName: 'n', kubelet: {}, now: new Date() };
  const { signal } = new AbortController();
  const bounds = { manners, atOnce: 1, perRegistry: 8, meteredRegistries: [], signal };
  const demands = [bareDemand(`${registry.host}/team/app:v1`, [])];
  for await (const report of rehearser.rehearse(await readNode(at), demands, bounds)) {
    const inRegistry = registry.requests.some(({ url }) => url.endsWith(layer));
    return { verdict: report.verdict, shown: report.kubelet?.waitingMessage ?? '', inRegistry };
  }
  throw new Error('no report');
}

describe('a layer that lies elsewhere as well', () => {
  test('is read there, by nobody, and not in the registry', async () => {
    await using there = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const { verdict, inRegistry } = await rehearsed([`http://${there.host}${layerPath}?sig=1`]);
    expect([verdict.is, inRegistry]).toEqual(['pulls', false]);
    expect(there.requests.map(({ method, url, authorization }) => [method, url, authorization])).toEqual([
      ['GET', `${layerPath}?sig=1`, undefined],
    ]);
  });

  test('and cannot be had there fails the pull, though the registry has it', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const { verdict, shown, inRegistry } = await rehearsed([`http://${dead}${layerPath}`]);
    expect(verdict).toMatchObject({ is: 'fails', fault: { code: 'blob.unreachable', host: dead } });
    expect(shown).toMatch(/failed to do request: Get "http:.*connect: connection refused$/);
    expect(inRegistry).toBe(false);
  });

  test('and is refused there fails it too: nobody logs in', async () => {
    await using there = await FakeRegistry.open({
      images: { 'team/app:v1': app },
      auth: { scheme: 'basic', users: { puller: 's3cret' } },
    });
    const { verdict, shown } = await rehearsed([`http://${there.host}${layerPath}`]);
    expect(verdict).toMatchObject({ is: 'fails', stage: 'blob' });
    expect(shown).toMatch(/unexpected status from GET request to http:.*: 401 Unauthorized/);
    expect(there.requests).toHaveLength(1);
  });

  test.each([
    ['is not found there', (host: string) => [`http://${host}/v2/team/app/blobs/sha256:${'0'.repeat(64)}`]],
    ['lies where no request can go', () => ['ftp://127.0.0.1/layer', 'file:///layer', ':nowhere', '']],
  ])('and %s is read in the registry', async (_, urls) => {
    await using there = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const { verdict, inRegistry } = await rehearsed(urls(there.host));
    expect([verdict.is, inRegistry]).toEqual(['pulls', true]);
  });
});
