import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** What a client with the node's beliefs gets from a HEAD for the image's manifest, as a status or an error's code. */
async function probe(image: string): Promise<number | string> {
  const [place = '', repository = '', tag = ''] = /^([^/]+)\/(.+):([^:]+)$/.exec(image)?.slice(1) ?? [];
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${world.resolverPort}`]);
  const name = place.replace(/:\d+$/, '');
  try {
    const [address] = await resolver.resolve4(name);
    const ca = await readFile(join(world.hostRoot, 'etc/ssl/certs/ca-certificates.crt'), 'utf8');
    const dispatcher = new Agent({ connect: { ca, servername: name }, keepAliveTimeout: 1 });
    onTestFinished(() => dispatcher.destroy());
    const url = `https://${place.replace(name, address ?? '')}/v2/${repository}/manifests/${tag}`;
    return (await request(url, { method: 'HEAD', dispatcher })).statusCode;
  } catch (problem) {
    return problem instanceof Error && 'code' in problem ? String(problem.code) : String(problem);
  }
}

test('every image of the world meets its fate, as far as one knock at its registry tells', async () => {
  const shown: Record<string, number | string> = {};
  for (const { image, fate } of world.images) shown[fate] = await probe(image);
  expect(shown).toEqual({
    'nothing is in the way': 200,
    'the node knows the password': 401,
    'the registry is down, its mirror is not': 'ECONNREFUSED',
    'the certificate ends in three days': 200,
    'the name does not exist': 'ENOTFOUND',
    'nobody listens': 'ECONNREFUSED',
    'an authority that the node does not know': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'the certificate has expired': 'CERT_HAS_EXPIRED',
    'the password on the node is an old one': 401,
    'the registry wants a password and the node has none': 401,
    'the tag is not there': 404,
    'no build for this platform': 200,
    'too many pulls': 429,
    'the layers live where nobody listens': 200,
    'a log-in page answers for the registry': 200,
  });
});

test('the node is told of the mirror, and of the logins', async () => {
  const hub = world.images.find(({ image }) => image.startsWith('hub.'))?.image.split('/')[0] ?? '';
  const toml = await readFile(join(world.hostRoot, 'etc/containerd/certs.d', hub, 'hosts.toml'), 'utf8');
  const mirror = /host\."https:\/\/([^"]+)"/.exec(toml)?.[1] ?? '';
  expect(await probe(`${mirror}/data/spark:3.5`)).toBe(200);
  const logins = await readFile(join(world.hostRoot, 'var/lib/kubelet/config.json'), 'utf8');
  expect(Object.keys((JSON.parse(logins) as { auths: object }).auths)).toHaveLength(2);
});
