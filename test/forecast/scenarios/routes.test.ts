/** Ways to a registry: what one mirror, one proxy carries today, and what is seen of it when it goes. */
import { describe, expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { emptyNodeHistory, learnReport, type NodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import { Secret } from '#report/secret.ts';
import type { NodeView } from '#node/view.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { fakeProxy } from '../../kit/fake-proxy.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { dropIn, proxiedWorld } from '../../kit/proxied-node.ts';
import { deadPort } from '../../kit/silent-listener.ts';
import { gist, nodeOf, plain, pullOf, toml } from '../../kit/stage.ts';

const images = { 'team/app:v1': image({ layers: [10, 20, 30, 40, 50, 60] }) };
const of = (report: PullReport, rule: string): Forecast | undefined =>
  report.forecasts.find((forecast) => forecast.rule === rule);

/** An upstream and a mirror before it. */
function mirrored(upstream: number, mirror: number): { readonly view: NodeView; readonly wanted: string } {
  const place = `reg.test:${upstream}`;
  const hosts = { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] };
  const view = nodeOf({ hosts, dirs: { [place]: toml(plain(place), plain(`mirror.test:${mirror}`)) } });
  return { view, wanted: `${place}/team/app:v1` };
}

test('a dead mirror is foretold while the upstream carries, and the pull fails when that goes', async () => {
  const upstream = await FakeRegistry.open({ images });
  const { view, wanted } = mirrored(upstream.port, await deadPort());
  const before = await pullOf(view, wanted);
  expect(gist(before)).toBe('at_risk route-down');
  expect(of(before, 'route-down')).toMatchObject({ fault: 'tcp.refused' });
  expect(of(before, 'route-down')?.because).toContain('only one host is left');
  await upstream.close();
  broughtAbout('route-down', 'tcp.refused', { shown: before, came: await pullOf(view, wanted) });
});

test('a mirror that answers late and badly costs every object, and it is asked for just as many as foretold', async () => {
  await using upstream = await FakeRegistry.open({ images });
  await using mirror = await FakeRegistry.open({
    onRequest: ({ response }) => {
      setTimeout(() => response.writeHead(404).end(), 60);
      return 'done';
    },
  });
  const { view, wanted } = mirrored(upstream.port, mirror.port);
  // A clock that runs 200 times as fast: what takes 60 ms here takes 12 s by it.
  const before = await pullOf(view, wanted, { clockMs: () => performance.now() * 200, manners: { verify: true } });
  const forecast = of(before, 'route-slow');
  expect(forecast).toMatchObject({ effect: 'delays', likelihood: 'certain' });
  expect(before.verdict.is).toBe('pulls');
  const asked = new Set(mirror.requests.map(({ method, url }) => `${method} ${url}`));
  const status = Number(/is asked first for (\d+) objects/.exec(forecast?.because ?? '')?.[1]);
  const came = { atMs: Date.parse(before.at), status, so: asked.size };
  broughtAbout('route-slow', 'api.timed_out', { shown: before, came });
});

test('a registry that comes and goes is foretold by its rhythm, and is away when the time has come', async () => {
  await using registry = await FakeRegistry.open({ images });
  const place = `reg.test:${registry.port}`;
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const zeroMs = Date.now();
  const readView = (minutes: number, history: NodeHistory): Promise<PullReport> => {
    // Away for a minute in forty.
    const away = minutes % 40 === 39;
    registry.play(({ response }) => {
      if (!away) return undefined;
      response.writeHead(503).end();
      return 'done';
    });
    return pullOf(view, `${place}/team/app:v1`, {
      history: () => history,
      now: () => new Date(zeroMs + minutes * 60_000),
    });
  };
  let history = emptyNodeHistory;
  for (const minutes of [0, 39, 40, 79, 80, 119]) history = learnReport(history, await readView(minutes, history));
  const before = await readView(129, history);
  expect(of(before, 'host-comes-and-goes')).toMatchObject({ fault: 'api.unavailable', likelihood: 'possible' });
  const minutes = Math.round((of(before, 'host-comes-and-goes')?.withinS ?? 0) / 60);
  expect(minutes).toBe(30);
  const came = await readView(129 + minutes, history);
  broughtAbout('host-comes-and-goes', 'api.unavailable', { shown: before, came, offByS: 30 });
});

describe('a proxy that containerd would lose by a restart', () => {
  const rehearse = (view: NodeView, wanted: string): Promise<PullReport> =>
    pullOf(view, wanted, { manners: { evidence: true } });

  test('is foretold when its drop-in is taken away, and the restart fails the pull', async () => {
    await using world = await proxiedWorld(images);
    const { place, root, readView } = world;
    const wanted = `${place}/team/app:v1`;
    expect(gist(await rehearse(await readView(), wanted))).toBe('pulls');

    await root.remove(dropIn);
    const before = await rehearse(await readView(), wanted);
    expect(of(before, 'restart-pending')).toMatchObject({
      about: 'reg.test',
      fault: 'dns.not_found',
      likelihood: 'likely',
      assuming: 'containerd is restarted, as by an upgrade or a reboot',
    });
    expect(before.verdict.is).toBe('at_risk');

    // The restart: the process has what the files say.
    await root.add({ 'proc/7/environ': '' });
    const came = await rehearse(await readView(), wanted);
    broughtAbout('restart-pending', 'dns.not_found', { shown: before, came });
  });

  test('is no news where the registry is reached without it as well', async () => {
    await using registry = await FakeRegistry.open({ images });
    await using proxy = await fakeProxy({ to: registry.port });
    const view = nodeOf({
      registries: { 'reg.test': registry },
      proxy: { source: 'environ', http: new Secret(`http://127.0.0.1:${proxy.port}`) },
    });
    const proxyNext = { rules: { source: 'unit' }, because: 'unit is newer' };
    const changed = { ...view, runtime: { ...view.runtime, proxyNext } };
    const report = await rehearse(changed, `reg.test:${registry.port}/team/app:v1`);
    expect(report.evidence).toMatchObject([{ of: 'after_restart', target: 'directly', outcome: { ok: true } }]);
    expect(gist(report)).toBe('pulls');
  });
});
