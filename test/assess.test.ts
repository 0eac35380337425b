/** The whole product in one function, and the nets below it. */
import { describe, expect, test } from 'vitest';
import { assessAll } from '#assess.ts';
import { openWire } from '#rehearsal/open-wire.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image } from './kit/fake-registry.ts';
import * as wrong from './kit/misbehaviour.ts';
import { demandFor, gist, nodeOf, pass, plain, pullOf, pullSecret, toml } from './kit/stage.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };

describe('the net below everything', () => {
  async function broken(
    over: Partial<Parameters<typeof assessAll>[2]>,
    written: readonly string[],
  ): Promise<readonly string[]> {
    await using registry = await FakeRegistry.open({ images });
    const view = nodeOf({ registries: { 'reg.test': registry } });
    const wire = openWire(view, {
      memory: new Memory(),
      manners: { verify: false, spend: false, deadlineMs: 5_000, patienceMs: 5_000, evidence: false },
      now: () => new Date(),
      clockMs: () => performance.now(),
      localContent: () => Promise.resolve(undefined),
      perRegistry: 4,
    });
    const dependencies = {
      wire,
      askProviders: () => Promise.resolve([]),
      atOnce: 2,
      signal: new AbortController().signal,
      ...over,
    };
    const found: string[] = [];
    const demands = written.map((name) => demandFor(`reg.test:${registry.port}/team/${name}:v1`));
    for await (const report of assessAll(view, demands, dependencies))
      found.push(`${report.image.split('/').at(-1) ?? ''} ${gist(report)}`);
    await wire.close();
    return found.toSorted();
  }

  test('a crash over one image is unknown for it, and the others go on', async () => {
    let asked = 0;
    const askProviders = (): Promise<[]> => {
      asked += 1;
      return asked === 1 ? Promise.reject(new TypeError('our own')) : Promise.resolve([]);
    };
    expect(await broken({ askProviders }, ['app', 'none'])).toEqual([
      'app:v1 unknown agent.bug',
      'none:v1 fails manifest.unknown_repository',
    ]);
  });

  test('nothing is asked once it is aborted', async () => {
    expect(await broken({ signal: AbortSignal.abort() }, ['app'])).toEqual([]);
  });
});

describe('assessAll', () => {
  test('one image that is silent does not keep the others', async () => {
    await using registry = await FakeRegistry.open({ images });
    await using silent = await FakeRegistry.open({ onRequest: wrong.staysSilent() });
    const view = nodeOf({ registries: { 'reg.test': registry, 'silent.test': silent } });
    const written = [
      `silent.test:${silent.port}/a:1`,
      ...Array.from({ length: 10 }, (_, i) => `reg.test:${registry.port}/team/app:v${i}`),
    ];
    const reports = await pass(view, written, { atOnce: 2, manners: { deadlineMs: 1_000 } });
    expect(reports.map(gist)).toEqual([
      'unknown agent.out_of_time',
      'fails manifest.unknown_tag',
      'pulls',
      ...Array.from({ length: 8 }, () => 'fails manifest.unknown_tag'),
    ]);
  });

  test('the same image asked for twice is answered twice', async () => {
    await using registry = await FakeRegistry.open({ images });
    const written = `reg.test:${registry.port}/team/app:v1`;
    const demands = [demandFor(written), { ...demandFor(written), id: 'other' }];
    const reports = await pass(nodeOf({ registries: { 'reg.test': registry } }), demands, { atOnce: 2 });
    expect(reports.map(gist)).toEqual(['pulls', 'pulls']);
    expect(reports.map(({ id }) => id)).toEqual([undefined, 'other']);
  });
});

describe('a report', () => {
  test('says who was asked, in which order, and why', async () => {
    await using mirror = await FakeRegistry.open();
    await using origin = await FakeRegistry.open({ images, auth: { scheme: 'basic', users: { puller: 's3cret' } } });
    const host = `reg.test:${origin.port}`;
    const view = nodeOf({
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { [host]: toml(plain(host), plain(`mirror.test:${mirror.port}`)) },
    });
    const secrets = [
      pullSecret('old', { [host]: ['puller', 'wrong'] }),
      pullSecret('new', { [host]: ['puller', 's3cret'] }),
    ];
    const report = await pullOf(view, demandFor(`${host}/team/app:v1`, { secrets }));
    expect(gist(report)).toBe('pulls');
    expect(report.plan?.identities).toEqual(report.attempts.map(({ as }) => as));
    expect(report.plan?.routes.map(({ role, resolves, tls }) => [role, resolves, tls])).toEqual([
      ['mirror', true, 'none'],
      ['origin', true, 'none'],
    ]);
    expect(report.attempts[0]?.exchanges.map(({ route, because }) => [route, because])).toEqual([
      [0, 'the first host that may resolve'],
      [1, 'manifest.unknown_tag at the host before'],
      [1, `${host} demands credentials`],
    ]);
    expect(report).toMatchObject({ version: 1, node: 'node-7', image: `${host}/team/app:v1`, registry: host });
    expect(report.kubelet).toBeUndefined();
    expect(report.advice).toBeUndefined();
  });

  test('of a failure has the kubelet’s words and a remedy', async () => {
    await using registry = await FakeRegistry.open();
    const report = await pullOf(nodeOf({ registries: { 'reg.test': registry } }), `reg.test:${registry.port}/team/app`);
    expect(report.reference).toBe(`reg.test:${registry.port}/team/app:latest`);
    expect(report.kubelet?.waitingReason).toBe('ErrImagePull');
    expect(report.kubelet?.events[1]?.message).toContain(
      `Failed to pull image "reg.test:${registry.port}/team/app": rpc error: code = NotFound`,
    );
    expect(report.advice?.remedy).not.toBe('');
  });
});
