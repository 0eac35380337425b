/** Behind a mirror that fails stands a registry with a budget of its own: the gate in front of it. */
import { describe, expect, test } from 'vitest';
import { FakeRegistry, image, type Script } from '../../../kit/fake-registry.ts';
import * as wrong from '../../../kit/misbehaviour.ts';
import { engines, gist, nodeOf, plain, pullOf, pullSecret, demandFor, toml } from '../../../kit/stage.ts';

const app = image({ seed: 'behind a mirror' });
const images = { 'team/app:v1': app };
const written = 'reg.test/team/app:v1';

/** A node that asks a mirror before the origin. */
function behind(mirror: { readonly port: number }, origin: { readonly port: number }, version = '2.1.9') {
  return nodeOf({
    version,
    hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
    dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)) },
  });
}

/** Lets nothing into the origin's lane, and notes who asked for what. */
function gate(): { readonly mayEnter: (id: string, budgetKey: string) => boolean; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    mayEnter: (id, budgetKey) => {
      asked.push(`${id} ${budgetKey.replace(/:\d+$/, '')}`);
      return budgetKey !== 'reg.test';
    },
  };
}

describe.each(engines)('containerd %s', (version) => {
  const failures: readonly (readonly [what: string, script: Script])[] = [
    ['404', wrong.refuses(404, 'MANIFEST_UNKNOWN')],
    ['500', wrong.refuses(500)],
  ];

  test.each(failures)('a mirror that answers %s: the origin gets no request out of turn', async (_, script) => {
    await using mirror = await FakeRegistry.open({ onRequest: wrong.onManifests(script) });
    await using origin = await FakeRegistry.open({ images });
    const { mayEnter, asked } = gate();
    const report = await pullOf(behind(mirror, origin, version), written, { mayEnter });
    expect(gist(report)).toBe('unknown agent.over_budget');
    expect(report.verdict).toMatchObject({ fault: { registry: 'reg.test' } });
    expect(origin.requests).toEqual([]);
    expect(asked).toEqual([`${written} mirror.test`, `${written} reg.test`]);
  });

  test('a mirror that serves the tag and not its content: the verdict is open, no pull is promised', async () => {
    await using mirror = await FakeRegistry.open({ images, onRequest: wrong.onMethod('GET', wrong.refuses(500)) });
    await using origin = await FakeRegistry.open({ images });
    const report = await pullOf(behind(mirror, origin, version), written, gate());
    expect(gist(report)).toBe('unknown agent.over_budget');
    expect(origin.requests).toEqual([]);
  });
});

test('where the turn has come, the origin is asked as ever', async () => {
  await using mirror = await FakeRegistry.open({ onRequest: wrong.onManifests(wrong.refuses(500)) });
  await using origin = await FakeRegistry.open({ images });
  const report = await pullOf(behind(mirror, origin), written, { mayEnter: () => true });
  expect(gist(report)).not.toContain('unknown');
  expect(origin.requests.length).toBeGreaterThan(0);
});

test('a check has no gate', async () => {
  await using mirror = await FakeRegistry.open({ onRequest: wrong.onManifests(wrong.refuses(500)) });
  await using origin = await FakeRegistry.open({ images });
  await pullOf(behind(mirror, origin), written);
  expect(origin.requests.length).toBeGreaterThan(0);
});

test('the mirror is asked with every credential, and the gate once', async () => {
  await using mirror = await FakeRegistry.open({ onRequest: wrong.onManifests(wrong.refuses(500)) });
  await using origin = await FakeRegistry.open({ images });
  const secrets = ['one', 'two'].map((name) => pullSecret(name, { 'reg.test': [name, 's3cret'] }));
  const { mayEnter, asked } = gate();
  const report = await pullOf(behind(mirror, origin), demandFor(written, { secrets }), { mayEnter });
  expect(report.attempts).toHaveLength(2);
  expect(asked).toEqual([`${written} mirror.test`, `${written} reg.test`]);
  expect(origin.requests).toEqual([]);
});

test('an origin whose door is shut costs nobody anything: that it cannot be reached is said, not that its turn has not come', async () => {
  await using mirror = await FakeRegistry.open({ onRequest: wrong.onManifests(wrong.refuses(500)) });
  const gone = await FakeRegistry.open();
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  const open = await pullOf(behind(mirror, { port }), written);
  const gated = await pullOf(behind(mirror, { port }), written, gate());
  expect(gated.verdict).toEqual(open.verdict);
  expect(gist(gated)).toMatch(/^fails /);
});
