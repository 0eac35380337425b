/** The process that serves the fields: twenty-odd registries over HTTPS, until its parent is gone. */
import { authority } from '../test/kit/authority.ts';
import { FakeRegistry, image, type RegistryWish } from '../test/kit/fake-registry.ts';
import {
  imagesPerField,
  openingMs,
  roundTripMs,
  type Field,
  type FieldName,
  type Layout,
  type Target,
  type Word,
} from './fields.ts';

/** One layer that is too large to be read whole, one that is not; of two platforms one is ours. */
const shape = { platforms: ['linux/amd64', 'linux/arm64'], layers: [70_000, 2_000] } as const;
const distance = { perRequestMs: roundTripMs, perConnectionMs: openingMs };

const registries: FakeRegistry[] = [];
let seen = 0;
const issuer = await authority('Benchmark CA');
const images = Array.from({ length: imagesPerField }, (_, i) => image({ ...shape, seed: String(i) }));

const fields: Readonly<Record<FieldName, Field>> = {
  one: await lay('one', 1, { delay: distance }),
  twenty: await lay('twenty', 20, { delay: distance }),
  near: await lay('near', 1, {}),
  // One repository with many tags, and a token for it.
  guarded: await lay('guarded', 1, { delay: distance, auth: { scheme: 'bearer', anonymous: true } }),
};
describe({ is: 'layout', layout: { authority: issuer.cert, fields } satisfies Layout });
process.on('message', () => {
  tally();
  describe({ is: 'requests', count: seen });
  seen = 0;
});
// Ten thousand rehearsals would leave as many requests in memory.
setInterval(tally, 1000).unref();
process.once('disconnect', () => process.exit());

/** Neighbours in the list live on different registries. */
async function lay(name: FieldName, count: number, request: RegistryWish): Promise<Field> {
  const hosts = await Promise.all(Array.from({ length: count }, (_, i) => open(name, i, request)));
  const targets = images.flatMap((built, n): Target[] => {
    const host = hosts[n % count];
    if (host === undefined) return [];
    const { repository, tag } = placeOf(name, n);
    host.registry.put(`${repository}:${tag}`, built);
    return [{ named: `${host.name}:${host.registry.port}`, loopback: host.registry.host, repository, tag }];
  });
  return { name, registries: count, targets };
}

async function open(
  field: FieldName,
  i: number,
  request: RegistryWish,
): Promise<{ name: string; registry: FakeRegistry }> {
  const name = `${field}-${String(i).padStart(2, '0')}.bench.test`;
  const registry = await FakeRegistry.open({ ...request, tls: await issuer.issue({ names: [name, '127.0.0.1'] }) });
  registries.push(registry);
  return { name, registry };
}

function tally(): void {
  for (const registry of registries) {
    seen += registry.requests.length;
    registry.forget();
  }
}

function placeOf(name: FieldName, n: number): { readonly repository: string; readonly tag: string } {
  return name === 'guarded' ? { repository: 'team/app', tag: `v${n}` } : { repository: `team/app-${n}`, tag: 'v1' };
}

function describe(word: Word): void {
  process.send?.(word);
}
