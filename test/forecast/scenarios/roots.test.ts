/** A root that the node's trusted certificates lose by an update, foretold by a real handshake before it. */
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { LeavingRoot } from '#forecast/certificate/distrusted-roots.ts';
import type { PullReport } from '#report/report.ts';
import type { TlsRule } from '#node/view.ts';
import { rootLeavesBy } from '#forecast/certificate/root-leaves.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { authority, crossSigned, leaf, type Made } from '../../kit/certificates.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { plainTls, trusting } from '../../kit/footing.ts';
import { factsOf } from '../../kit/foreseen.ts';
import { gist, nodeOf, plain, pullOf, toml } from '../../kit/stage.ts';

const day = 86_400_000;
const [leaving, staying] = [await authority({ name: 'Leaving' }), await authority({ name: 'Staying' })];

/** As a root programme would announce it for a day from now. */
const announced = (of: Made, days: number): LeavingRoot => ({
  sha256: new X509Certificate(of.cert).fingerprint256.replaceAll(':', '').toLowerCase(),
  name: 'Leaving',
  since: new Date(Date.now() + days * day).toISOString().slice(0, 10),
  source: 'a test',
});

interface Sketch {
  readonly tls?: TlsRule;
  /** From now. */
  readonly days?: number;
}

async function world(server: Made, send = server.chain) {
  const registry = await FakeRegistry.open({
    tls: { cert: send, key: server.key },
    images: { 'team/app:v1': image() },
  });
  const place = `reg.test:${registry.port}`;
  const pull = (roots: readonly string[], { tls = plainTls, days = 0 }: Sketch = {}): Promise<PullReport> => {
    const dirs = { [place]: toml(plain(place, { url: `https://${place}`, tls })) };
    const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, roots, dirs });
    return pullOf(view, `${place}/team/app:v1`, { now: () => new Date(Date.now() + days * day) });
  };
  return { pull, [Symbol.asyncDispose]: () => registry.close() };
}

function shown({ attempts, evidence, ms }: PullReport, row: LeavingRoot) {
  return rootLeavesBy([row]).evaluate(factsOf({ rehearsal: { attempts, evidence, ms }, now: new Date() }));
}

test('a month before the update, and after it the pull fails', async () => {
  await using registry = await world(await leaf({ names: ['reg.test'], by: leaving }));
  const before = await registry.pull([leaving.cert, staying.cert]);
  expect(gist(before)).toBe('pulls');
  const forecasts = shown(before, announced(leaving, 30)).map((one) => ({ ...one, rule: 'root-leaves' }));
  const forecast = broughtAbout('root-leaves', 'tls.untrusted', {
    shown: { forecasts, atMs: Date.parse(before.at) },
    came: await registry.pull([staying.cert], { days: 30 }),
    // The day is told, and not the hour.
    offByS: 86_400,
  });
  expect(forecast).toMatchObject({ about: 'reg.test', likelihood: 'possible' });
  // Time alone does nothing to it.
  expect((await registry.pull([leaving.cert, staying.cert], { days: 31 })).verdict.is).not.toBe('fails');
});

test('any day, where it was taken away long ago and the node was not updated since', async () => {
  await using registry = await world(await leaf({ names: ['reg.test'], by: leaving }));
  const [forecast] = shown(await registry.pull([leaving.cert]), announced(leaving, -400));
  expect(forecast?.withinS).toBeUndefined();
  expect(forecast?.because).toContain('was taken away on');
});

test('not where the chain leads to a root that stays as well, and then the update does no harm', async () => {
  const bridge = await crossSigned(leaving, { by: staying });
  const server = await leaf({ names: ['reg.test'], by: leaving });
  await using registry = await world(server, `${server.chain}\n${bridge.cert}`);
  const before = await registry.pull([leaving.cert, staying.cert]);
  expect(shown(before, announced(leaving, 30))).toEqual([]);
  expect(gist(await registry.pull([staying.cert]))).toBe('pulls');
});

test('not where a file of hosts.toml holds it, and then the update does no harm', async () => {
  await using registry = await world(await leaf({ names: ['reg.test'], by: leaving }));
  const before = await registry.pull([leaving.cert], { tls: trusting(leaving.cert) });
  expect(shown(before, announced(leaving, 30))).toEqual([]);
  expect(gist(await registry.pull([], { tls: trusting(leaving.cert) }))).toBe('pulls');
});
