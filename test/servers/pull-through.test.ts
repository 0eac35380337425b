/** A day of probing, on virtual time and over real sockets, costs nobody's quota: not through a real cache, and not directly. */
import { describe, expect, test } from 'vitest';
import { isTagDue } from '#budget/cadence.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Pacer } from '#budget/pacer.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import { dockerRegistry, type DockerRegistry } from '../kit/docker-registry.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { needs } from '../kit/installed.ts';
import { asked, demandFor, gist, nodeOf, plain, toml } from '../kit/stage.ts';

const app = image({ seed: 'a day of probing' });
const quota = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' };
const cadenceMs = 5 * 60_000;
const passesADay = 288;

interface Day {
  readonly verdicts: ReadonlySet<string>;
  readonly last: PullReport | undefined;
  readonly rehearser: Rehearser;
}

/** How the only agent behind a mirror rests between two questions for one tag of Docker Hub. */
const restMs = new Pacer('node-7', { agents: 1, budgets: {} }).tagRestMs('docker.io', 1);

interface Passes {
  readonly passes?: number;
  /** Before the pass of this number. */
  readonly meanwhile?: (pass: number) => Promise<void>;
}

/** An agent's passes over one image, every five minutes, on a clock that only they move. */
async function aDayOf(
  view: NodeView,
  wanted: string,
  { passes = passesADay, meanwhile = () => Promise.resolve() }: Passes = {},
): Promise<Day> {
  let ms = 0;
  // The wall clock stays the servers' own: they date their answers.
  const rehearser = new Rehearser({ hostRoot: '/nonexistent', env: {}, now: () => new Date(), clockMs: () => ms });
  const pass = {
    manners: {
      ...manners,
      evidence: false,
      tagIsDue: (tag: TagAsked) => isTagDue({ restMs, name: `node-7 ${tag.reference}` }, tag),
    },
    atOnce: 1,
    perRegistry: 6,
    meteredRegistries: [],
    signal: new AbortController().signal,
  };
  const demand = demandFor(wanted);
  const verdicts = new Set<string>();
  let last: PullReport | undefined;
  for (let i = 0; i < passes; i += 1) {
    await meanwhile(i);
    const known = { demand, ...(last === undefined ? {} : { report: last }) };
    await rehearser.probe(view, [known], pass);
    for await (const report of rehearser.rehearse(view, [demand], pass)) {
      verdicts.add(gist(report));
      last = report;
    }
    ms += cadenceMs;
  }
  return { verdicts, last, rehearser };
}

function manifestGets(registry: FakeRegistry): readonly string[] {
  return asked(registry).filter((line) => line.startsWith('GET') && line.includes('/manifests/'));
}

function heads(registry: FakeRegistry): readonly string[] {
  return asked(registry).filter((line) => line.startsWith('HEAD'));
}

/** What a node that knows nothing is told by its only pass. */
async function shown(view: NodeView, wanted: string): Promise<readonly (string | undefined)[]> {
  return textOf((await aDayOf(view, wanted, { passes: 1 })).last);
}

function textOf(report: PullReport | undefined): readonly (string | undefined)[] {
  return report === undefined ? [] : [gist(report), report.kubelet?.waitingMessage];
}

/** Docker Hub by its name at a fake, behind a mirror on this port. */
function hubBehind(port: number, hub: FakeRegistry): NodeView {
  const [origin, mirror] = ['registry-1.docker.io', 'mirror.test'];
  return nodeOf({
    hosts: { [origin]: ['127.0.0.1'], [mirror]: ['127.0.0.1'] },
    dirs: { 'docker.io': toml(plain(`${origin}:${hub.port}`), plain(`${mirror}:${port}`)) },
  });
}

describe.runIf(needs(['docker-registry']))('through a pull-through cache', { timeout: 60_000 }, () => {
  test('that has the image, its upstream is asked for no manifest', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await dockerRegistry({ upstream: hub.url });
    await fetch(`${cache.url}/v2/library/nginx/manifests/1`).then((response) => response.arrayBuffer());
    expect(manifestGets(hub).length, 'the pull that filled the cache').toBeGreaterThan(0);
    hub.forget();
    const day = await aDayOf(hubBehind(cache.port, hub), 'nginx:1');
    expect(day.verdicts).toEqual(new Set(['pulls']));
    expect(day.last?.attempts[0]?.exchanges[0]?.url).toContain('mirror.test');
    expect(manifestGets(hub)).toEqual([]);
    expect(hub.requests.length, 'it was asked at all').toBeGreaterThan(0);
    // Every hour, and not in every pass: its first, and each of the day's hours.
    expect(heads(hub).length).toBeGreaterThanOrEqual(24);
    expect(heads(hub).length).toBeLessThanOrEqual(26);
    expect(day.rehearser.spent().map(({ pulls }) => pulls)).toEqual([0]);
  });

  test('that has never seen the tag, its upstream gives one manifest, as to the pull to come, and then none', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await dockerRegistry({ upstream: hub.url });
    await aDayOf(hubBehind(cache.port, hub), 'nginx:1', { passes: 1 });
    const first = manifestGets(hub).length;
    expect(first).toBeLessThanOrEqual(1);
    await aDayOf(hubBehind(cache.port, hub), 'nginx:1', { passes: 50 });
    expect(manifestGets(hub)).toHaveLength(first);
  });
});

describe.runIf(needs(['docker-registry']))('a pull-through cache', { timeout: 60_000 }, () => {
  /** A cache that has the image, of an upstream that has forgotten being asked for it. */
  async function filled(hub: FakeRegistry): Promise<DockerRegistry> {
    const cache = await dockerRegistry({ upstream: hub.url });
    await fetch(`${cache.url}/v2/library/nginx/manifests/1`).then((response) => response.arrayBuffer());
    hub.forget();
    return cache;
  }

  test('that has lost the manifest gets it anew, once, as for the pull to come', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await filled(hub);
    const meanwhile = async (pass: number): Promise<void> => {
      if (pass === 10) await cache.lose(app.top.digest);
    };
    const day = await aDayOf(hubBehind(cache.port, hub), 'nginx:1', { passes: 20, meanwhile });
    expect(day.verdicts).toEqual(new Set(['pulls']));
    expect(manifestGets(hub)).toHaveLength(1);
  });

  test('that has lost the manifest while its upstream is gone is seen in the same pass, though it still knows the tag', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await filled(hub);
    const view = hubBehind(cache.port, hub);
    const meanwhile = async (pass: number): Promise<void> => {
      if (pass !== 10) return;
      await hub.close();
      await cache.lose(app.top.digest);
    };
    const before = await aDayOf(view, 'nginx:1', { passes: 10 });
    expect(textOf(before.last)[0]).toBe('pulls');
    const after = await aDayOf(view, 'nginx:1', { passes: 11, meanwhile });
    expect(textOf(after.last)[0]).toMatch(/^fails/);
    expect(textOf(after.last)).toEqual(await shown(view, 'nginx:1'));
  });

  test('that dies is seen in the same pass', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await filled(hub);
    const view = hubBehind(cache.port, hub);
    const meanwhile = async (pass: number): Promise<void> => {
      if (pass === 10) await cache.program.close();
    };
    const { last } = await aDayOf(view, 'nginx:1', { passes: 11, meanwhile });
    const [first, second] = last?.attempts[0]?.exchanges ?? [];
    expect(first?.outcome).toMatchObject({ ok: false, fault: { code: 'tcp.refused' } });
    expect(second?.url).toContain('registry-1.docker.io');
    expect(textOf(last)).toEqual(await shown(view, 'nginx:1'));
  });

  test('whose upstream is gone goes on with what it has, and so does the verdict', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app }, headers: quota });
    await using cache = await filled(hub);
    const meanwhile = async (pass: number): Promise<void> => {
      if (pass === 10) await hub.close();
    };
    const day = await aDayOf(hubBehind(cache.port, hub), 'nginx:1', { passes: 40, meanwhile });
    expect(day.verdicts).toEqual(new Set(['pulls']));
  });
});

describe('directly', { timeout: 60_000 }, () => {
  test('Docker Hub is asked for no manifest, and what the agent says it asked is what was asked', async () => {
    await using hub = await FakeRegistry.open({
      images: { 'library/nginx:1': app },
      headers: quota,
      auth: { scheme: 'bearer', users: {}, anonymous: true },
    });
    const name = 'registry-1.docker.io';
    const view = nodeOf({
      hosts: { [name]: ['127.0.0.1'] },
      dirs: { 'docker.io': toml(plain(`${name}:${hub.port}`)) },
    });
    const day = await aDayOf(view, 'nginx:1');
    expect(day.verdicts).toEqual(new Set(['pulls']));
    expect(manifestGets(hub)).toEqual([]);
    const [spent] = day.rehearser.spent();
    expect(spent).toMatchObject({ budgetKey: 'docker.io', pulls: 0, rateLimits: 0 });
    const sent = Object.values(spent?.requests ?? {}).reduce((sum, count) => sum + count, 0);
    expect(sent).toBe(hub.requests.length);
    expect(spent?.requests.head).toBe(hub.requests.filter(({ method }) => method === 'HEAD').length);
  });

  test('a registry that counts pulls and says so is asked for no manifest from its first answer on', async () => {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app }, headers: quota });
    const view = nodeOf({ registries: { 'counting.test': registry } });
    const day = await aDayOf(view, `counting.test:${registry.port}/team/app:v1`);
    expect(day.verdicts).toEqual(new Set(['pulls']));
    expect(manifestGets(registry)).toEqual([]);
    expect(day.rehearser.spent()[0]?.pulls).toBe(0);
  });
});
