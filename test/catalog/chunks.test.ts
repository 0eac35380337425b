import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type Chunk, chunksOf, unpacked } from '#catalog/chunks.ts';
import { CatalogReader, type Entry, demandEntries, nodeEntries, platformEntries } from '#catalog/text.ts';
import { readWorkload } from '#catalog/workload.ts';
import { ownKinds } from '#catalog/workload-kinds.ts';
import { templated, type WorkloadRequest } from '../kit/workloads.ts';

const entryOf = (i: number, line: string): Entry => ({
  hash: Math.imul(i, 0x9e3779b1) >>> 0,
  size: line.length,
  line: () => line,
});
const entry = (i: number, length = 300): Entry => entryOf(i, `${i}:`.padEnd(length, 'x'));
const entries = (count: number, length?: number): readonly Entry[] =>
  Array.from({ length: count }, (_, i) => entry(i, length));
const [deployments] = ownKinds;
const workload = (i: number, request: Partial<WorkloadRequest> = {}) => {
  const object = templated({ name: `app-${i}`, ...request, metadata: { uid: `u${i}` } });
  const found = deployments === undefined ? undefined : readWorkload(object, deployments);
  if (found === undefined) throw new Error('it was not read');
  return found;
};
const textOf = ({ name, data = new Uint8Array() }: Chunk): string => unpacked(name, data) ?? 'it cannot be read';
const linesOf = (chunks: ReturnType<typeof chunksOf>): readonly string[] =>
  chunks.flatMap((chunk) => textOf(chunk).split('\n')).toSorted();

const standing = (count: number) => ({ count, isKnown: () => false });

describe('chunks', () => {
  test('hold every entry once, and come out the same whatever the order', () => {
    const all = entries(5000);
    const chunks = chunksOf(all);
    expect(chunks.length).toBeGreaterThan(3);
    expect(linesOf(chunks)).toEqual(all.map((one) => one.line()).toSorted());
    expect(chunksOf(all.toReversed())).toEqual(chunks);
  });

  test('are at most 900 kB, whatever the text is', () => {
    // Three bytes a letter, and nothing that gzip could make smaller.
    const letter = (i: number): string => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000));
    const wild = Array.from({ length: 3000 }, (_, i): Entry => {
      const line = Array.from({ length: 400 }, (__, k) => letter(i * 401 + k * k)).join('');
      return entryOf(i, line);
    });
    const sizes = chunksOf(wild).map(({ data }) => data?.length ?? 0);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(900_000);
    expect(sizes.length).toBeGreaterThan(1);
  });

  test('one entry that changes is one chunk that changes', () => {
    const before = chunksOf(entries(5000));
    const changed = entries(5000).map((one, i) => (i === 77 ? { ...one, line: () => 'another' } : one));
    const names = new Set(before.map(({ name }) => name));
    const after = chunksOf(changed, { count: before.length, isKnown: (name) => names.has(name) });
    expect(after).toHaveLength(before.length);
    expect(after.filter(({ name }) => !names.has(name))).toHaveLength(1);
    expect(after.filter(({ data }) => data !== undefined)).toHaveLength(1);
  });

  test('their number stays while it does, and shrinks once most is gone', () => {
    const many = chunksOf(entries(20_000)).length;
    expect(chunksOf(entries(15_000), standing(many))).toHaveLength(many);
    expect(chunksOf(entries(100), standing(many)).length).toBe(1);
    expect(chunksOf([], standing(many))).toEqual([]);
  });

  test.each<readonly [string, (name: string, data: Buffer) => readonly [string, Uint8Array]]>([
    ['cut off', (name, data) => [name, data.subarray(0, 20)]],
    ['empty', (name) => [name, new Uint8Array()]],
    ['of another name', (_, data) => ['drypull-catalog-0123', data]],
    ['with another content', (name) => [name, gzipSync('other')]],
    ['that bursts', (name) => [name, gzipSync(Buffer.alloc(64 << 20))]],
  ])('%s are not read', (_, spoil) => {
    const [chunk] = chunksOf(entries(3));
    const good = Buffer.from(chunk?.data ?? []);
    const [name, data] = spoil(chunk?.name ?? '', good);
    expect(unpacked(chunk?.name ?? '', good)?.split('\n')).toHaveLength(3);
    expect(unpacked(name, data)).toBeUndefined();
  });
});

describe('the text of what nodes need builds for', () => {
  const read = (text: string) => new CatalogReader().read(text);
  const text = platformEntries(['linux/amd64', 'linux/arm64']).map((one) => one.line());

  test('is read back, beside everything else, and is no demand and no node', () => {
    const node = nodeEntries([{ name: 'node1', stratum: '' }]).map((one) => one.line());
    const found = read([...text, ...node].join('\n'));
    expect(found).toMatchObject({ demands: [], nodes: [{ name: 'node1' }], platforms: ['linux/amd64', 'linux/arm64'] });
  });

  test('is absent from an older catalog, which is read as ever', () => {
    const older = demandEntries([workload(1)]).map((one) => one.line());
    const found = read(older.join('\n'));
    expect(found.platforms).toEqual([]);
    expect(found.demands).toHaveLength(1);
  });

  test.each(['{"platform":7}', '{"platform":""}', '{"platform":"<b>"}', `{"platform":"${'x'.repeat(61)}"}`, '{'])(
    'what is none is passed over: %s',
    (line) => {
      expect(read(line).platforms).toEqual([]);
    },
  );

  test('is bounded', () => {
    const many = platformEntries(Array.from({ length: 500 }, (_, i) => `linux/a${i}`));
    expect(read(many.map((one) => one.line()).join('\n')).platforms).toHaveLength(16);
  });
});

describe('the text of a demand', () => {
  const read = (text: string) => new CatalogReader().read(text);

  test('is read back as it was', () => {
    const pod = { nodeSelector: { pool: 'gpu' }, imagePullSecrets: [{ name: 'hub' }], serviceAccountName: 'builder' };
    const [found] = demandEntries([workload(1, { pod })]);
    expect(read(found?.line() ?? '').demands).toMatchObject([
      {
        written: 'reg.test/app:1',
        policy: 'IfNotPresent',
        namespace: 'shop',
        secretNames: ['hub'],
        account: 'builder',
        placement: { nodeSelector: { pool: 'gpu' }, problems: [] },
        requestedBy: [{ kind: 'Deployment', namespace: 'shop', name: 'app-1', part: 'container web', coming: true }],
      },
    ]);
  });

  test('is one for workloads that differ in nothing that matters, whoever came first', () => {
    const forth = demandEntries([workload(1), workload(2)]);
    expect(forth).toHaveLength(1);
    expect(demandEntries([workload(2), workload(1)]).map((one) => [one.hash, one.line()])).toEqual(
      forth.map((one) => [one.hash, one.line()]),
    );
    expect(read(forth[0]?.line() ?? '').demands[0]?.requestedBy).toHaveLength(2);
  });

  test.each<readonly [string, Partial<WorkloadRequest>]>([
    ['image', { image: 'reg.test/app:2' }],
    ['namespace', { namespace: 'bank' }],
    ['pull secret', { pod: { imagePullSecrets: [{ name: 'hub' }] } }],
    ['account', { pod: { serviceAccountName: 'builder' } }],
    ['place', { pod: { nodeSelector: { pool: 'gpu' } } }],
  ])('another %s is another demand', (_, request) => {
    expect(demandEntries([workload(1), workload(2, request)])).toHaveLength(2);
  });

  test('names fifty of those who want it, and counts them all', () => {
    const many = Array.from({ length: 200 }, (_, i) => workload(i));
    const [found] = demandEntries(many);
    expect(read(found?.line() ?? '').demands[0]?.requestedBy).toHaveLength(50);
    expect(found?.line()).toContain('"wanters":200');
  });

  test('a node is named with its stratum, and with its place where that is known', () => {
    const place = {
      labels: { pool: 'gpu' },
      taints: [{ key: 'a', value: '', effect: 'NoExecute' }],
      unschedulable: true,
    };
    const entries = nodeEntries([
      { name: 'node1', stratum: 'a' },
      { name: 'node2', stratum: '', place },
    ]);
    const { nodes } = read(entries.map((one) => one.line()).join('\n'));
    expect(nodes).toMatchObject([{ name: 'node1', stratum: 'a' }, { place: { name: 'node2', ...place } }]);
    expect(nodes[0]).not.toHaveProperty('place');
  });

  test.each([
    '',
    'no JSON',
    '[]',
    'null',
    '{"demand":7}',
    '{"demand":{"image":"a","namespace":"b","policy":"Sometimes"}}',
    '{"demand":{"image":"","namespace":"b","policy":"Always"}}',
    '{"node":{"name":7}}',
  ])('what is none is passed over: %s', (line) => {
    expect(read(`${line}\n{"node":{"name":"n"}}`)).toMatchObject({ demands: [], nodes: [{ name: 'n' }] });
  });

  test('nonsense in a demand harms nobody', () => {
    const line =
      '{"demand":{"image":"a","namespace":"b","policy":"Always","pullSecrets":[1,null],"pod":{"spec":[]},"wantedBy":7}}';
    expect(read(line).demands).toMatchObject([{ written: 'a', secretNames: [], account: 'default', requestedBy: [] }]);
  });
});
