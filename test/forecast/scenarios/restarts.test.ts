/** Files that changed under running programs: pulls go by what was read at their start, until the day of the next. */
import { describe, expect, test } from 'vitest';
import { costsOf } from '#budget/key.ts';
import { AtStart } from '#node/at-start.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { authority, leaf } from '../../kit/certificates.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { deadPort } from '../../kit/silent-listener.ts';
import { gist } from '../../kit/stage.ts';
import { configToml, pending, startedNode } from '../../kit/started-node.ts';
import { wholeAgent } from '../../kit/whole-agent.ts';

const images = { 'team/app:v1': image() };
const hosts = 'reg.test mirror.test';
const names = { 'etc/hosts': `127.0.0.1 localhost ${hosts}\n` };
const config = 'etc/containerd/config.toml';
const newer = '/etc/containerd/config.toml is newer than the running containerd';

/** A registry in plain HTTP by certs.d, and a second directory whose only host is a mirror that is dead. */
async function twoDirs(
  registry: FakeRegistry,
): Promise<{ readonly place: string; readonly files: Record<string, string> }> {
  const place = `reg.test:${registry.port}`;
  const dead = `http://mirror.test:${await deadPort()}`;
  return {
    place,
    files: {
      ...names,
      [`etc/containerd/certs.d/${place}/hosts.toml`]: `server = "http://${place}"\n`,
      [`etc/containerd/other.d/${place}/hosts.toml`]: `server = "${dead}"\n`,
    },
  };
}

describe("containerd's configuration that changes while it runs", () => {
  test('is foretold where the next start leads to a dead host alone, and that start fails the pull', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode(files);
    const wanted = `${place}/team/app:v1`;
    expect(gist(await node.rehearse(wanted))).toBe('pulls');

    await node.files.add({ [config]: configToml('/etc/containerd/other.d') });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('at_risk restart-pending');
    expect(before.verdict.confidence).toEqual({ is: 'exact', because: [] });
    const [forecast] = pending(before);
    expect(forecast).toMatchObject({
      about: 'mirror.test',
      fault: 'tcp.refused',
      likelihood: 'likely',
      effect: 'fails',
      assuming: 'containerd is restarted, as by an upgrade or a reboot',
      because: `${newer}: pulls go on until the next start, and then fail (tcp.refused)`,
    });
    // Nobody knows when that is.
    expect(forecast?.withinS).toBeUndefined();
    // A dead host was asked nothing.
    expect([...costsOf(before).keys()]).toEqual([place]);

    await node.restart();
    const after = await node.rehearse(wanted);
    broughtAbout('restart-pending', 'tcp.refused', { shown: before, came: after });
    expect(after.verdict.confidence.is).toBe('exact');
  });

  test('is foretold where containerd could not start with it', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode(files);
    const wanted = `${place}/team/app:v1`;
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
    await node.files.add({ [config]: 'version = \n' });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('at_risk restart-pending');
    expect(pending(before)).toMatchObject([{ about: '/etc/containerd/config.toml', fault: 'runtime.misconfigured' }]);
    // It tries to start, and does not.
    await node.files.remove('proc/7');
    broughtAbout('restart-pending', 'runtime.misconfigured', { shown: before, came: await node.rehearse(wanted) });
  });

  test('cannot be told by one who came after the change', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode(files);
    await node.files.add({ [config]: configToml('/etc/containerd/other.d') });
    const report = await node.rehearse(`${place}/team/app:v1`, new AtStart());
    expect(gist(report)).toBe('fails tcp.refused');
    expect(report.verdict.confidence).toEqual({ is: 'exact-if-restarted', because: [newer] });
    expect(pending(report)).toMatchObject([{ fault: 'runtime.misconfigured', likelihood: 'unknown' }]);
  });

  test('is no news where it says the same, or leads to the same hosts, and nothing is asked twice', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode(files);
    const wanted = `${place}/team/app:v1`;
    await node.rehearse(wanted);
    const before = registry.requests.length;
    await node.rehearse(wanted);
    const usual = registry.requests.length - before;
    for (const text of [configToml('/etc/containerd/certs.d'), `${configToml('/etc/containerd/certs.d')}\n[debug]\n`]) {
      await node.files.add({ [config]: text });
      const asked = registry.requests.length;
      const report = await node.rehearse(wanted);
      expect(gist(report)).toBe('pulls');
      expect(pending(report)).toEqual([]);
      expect(report.verdict.confidence).toEqual({ is: 'exact', because: [] });
      expect(registry.requests.length - asked).toBe(usual);
    }
  });

  test('that would mend a pull waits for a restart, which is said', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode({ ...files, [config]: configToml('/etc/containerd/other.d') });
    const wanted = `${place}/team/app:v1`;
    expect(gist(await node.rehearse(wanted))).toBe('fails tcp.refused');
    await node.files.add({ [config]: configToml('/etc/containerd/certs.d') });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('fails tcp.refused');
    expect(pending(before)).toMatchObject([
      { fault: 'tcp.refused', likelihood: 'certain', effect: 'none', remedy: 'Restart containerd.' },
    ]);
    // What was asked for it counts in the registry's budget.
    expect(costsOf(before).get(place)).toBe(registry.requests.length);
    await node.restart();
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
  });

  test('while certs.d is read at every pull, and a change there counts at once', async () => {
    await using registry = await FakeRegistry.open({ images });
    const { place, files } = await twoDirs(registry);
    await using node = await startedNode(files);
    await node.rehearse(`${place}/team/app:v1`);
    await node.files.add({
      [`etc/containerd/certs.d/${place}/hosts.toml`]: files[`etc/containerd/other.d/${place}/hosts.toml`] ?? '',
    });
    expect(gist(await node.rehearse(`${place}/team/app:v1`))).toBe('fails tcp.refused');
  });
});

describe('the trusted certificates that change while containerd runs', () => {
  const bundle = 'etc/ssl/certs/ca-certificates.crt';

  async function trusted() {
    const [ours, other] = [await authority({ name: 'Ours' }), await authority({ name: 'Other' })];
    const server = await leaf({ names: ['reg.test'], by: ours });
    const registry = await FakeRegistry.open({ images, tls: { cert: server.chain, key: server.key } });
    const place = `reg.test:${registry.port}`;
    return {
      ours: ours.cert,
      both: `${ours.cert}\n${other.cert}`,
      other: other.cert,
      wanted: `${place}/team/app:v1`,
      [Symbol.asyncDispose]: () => registry.close(),
    };
  }

  test('and lose an authority are foretold, and the restart fails the pull', async () => {
    await using world = await trusted();
    const { both, other, wanted } = world;
    await using node = await startedNode({ ...names, [bundle]: both });
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
    await node.files.add({ [bundle]: other });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('at_risk restart-pending');
    expect(pending(before)).toMatchObject([
      {
        about: 'reg.test',
        fault: 'tls.untrusted',
        likelihood: 'likely',
        assuming: 'containerd is restarted, as by an upgrade or a reboot',
      },
    ]);
    await node.restart();
    broughtAbout('restart-pending', 'tls.untrusted', { shown: before, came: await node.rehearse(wanted) });
  });

  test('and gain one mend nothing before the restart', async () => {
    await using world = await trusted();
    const { both, other, wanted } = world;
    await using node = await startedNode({ ...names, [bundle]: other });
    expect(gist(await node.rehearse(wanted))).toBe('fails tls.untrusted');
    await node.files.add({ [bundle]: both });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('fails tls.untrusted');
    expect(pending(before)).toMatchObject([{ about: 'reg.test', effect: 'none', remedy: 'Restart containerd.' }]);
    await node.restart();
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
  });

  test('and keep it are no news', async () => {
    await using world = await trusted();
    const { both, ours, wanted } = world;
    await using node = await startedNode({ ...names, [bundle]: both });
    await node.rehearse(wanted);
    await node.files.add({ [bundle]: ours });
    const report = await node.rehearse(wanted);
    expect(gist(report)).toBe('pulls');
    expect(report.forecasts).toEqual([]);
  });
});

describe("the kubelet's credential providers that change while it runs", () => {
  const plugin = (place: string): string => `#!/bin/sh
cat >/dev/null
echo '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry","cacheDuration":"0s","auth":{"${place}":{"username":"puller","password":"s3cret"}}}'
`;
  const providers = (match: string): string =>
    JSON.stringify({
      kind: 'CredentialProviderConfig',
      apiVersion: 'kubelet.config.k8s.io/v1',
      providers: [
        {
          name: 'p',
          apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
          matchImages: [match],
          defaultCacheDuration: '0s',
        },
      ],
    });

  async function closed() {
    const registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users: { puller: 's3cret' } } });
    const place = `reg.test:${registry.port}`;
    const files = {
      ...names,
      [`etc/containerd/certs.d/${place}/hosts.toml`]: `server = "http://${place}"\n`,
      'etc/cp.yaml': providers(place),
      'opt/cp/p': plugin(place),
    };
    return { wanted: `${place}/team/app:v1`, files, [Symbol.asyncDispose]: () => registry.close() };
  }

  test('are foretold where the next ones serve another registry, and its start fails the pull', async () => {
    await using world = await closed();
    const { wanted, files } = world;
    await using node = await startedNode(files);
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
    await node.files.add({ 'etc/cp.yaml': providers('other.test') });
    const before = await node.rehearse(wanted);
    expect(gist(before)).toBe('at_risk restart-pending');
    expect(pending(before)).toMatchObject([
      { about: 'reg.test', fault: 'auth.required', assuming: 'the kubelet is restarted, as by an upgrade or a reboot' },
    ]);
    await node.restart();
    broughtAbout('restart-pending', 'auth.required', { shown: before, came: await node.rehearse(wanted) });
  });

  test('are foretold where the kubelet would not start with them', async () => {
    await using world = await closed();
    const { wanted, files } = world;
    await using node = await startedNode(files);
    expect(gist(await node.rehearse(wanted))).toBe('pulls');
    await node.files.add({ 'etc/cp.yaml': 'kind: Other\n' });
    const before = await node.rehearse(wanted);
    expect(pending(before)).toMatchObject([{ about: '/etc/cp.yaml', fault: 'credential.provider_misconfigured' }]);
    expect(before.verdict.is).toBe('at_risk');
    await node.restart();
    const came = await node.rehearse(wanted);
    broughtAbout('restart-pending', 'credential.provider_misconfigured', { shown: before, came });
  });

  test('cannot be told by one who came after the change', async () => {
    await using world = await closed();
    const { wanted, files } = world;
    await using node = await startedNode(files);
    await node.files.add({ 'etc/cp.yaml': providers('other.test') });
    const report = await node.rehearse(wanted, new AtStart());
    expect(report.verdict.confidence.is).toBe('exact-if-restarted');
    expect(pending(report)).toMatchObject([{ about: "the kubelet's credential providers", likelihood: 'unknown' }]);
  });
});

test('a running agent remembers from one pass to the next', { timeout: 60_000 }, async () => {
  await using registry = await FakeRegistry.open({ images });
  const { place, files } = await twoDirs(registry);
  await using node = await startedNode(files);
  const settings = {
    images: [`${place}/team/app:v1`],
    jitter: 0,
    nodeName: 'node-7',
    hostRoot: node.files.path,
    runtime: 'containerd://2.1.9',
    listen: '127.0.0.1:0',
    checkListen: 'off',
    schedule: '1h',
  };
  // A configuration that is another one brings a pass at once.
  const write = (historyPerImage: number): Promise<void> =>
    node.files.add({ 'drypull.yaml': JSON.stringify({ ...settings, historyPerImage }) });
  await write(60);
  await using agent = await wholeAgent(`${node.files.path}/drypull.yaml`);
  const until = (wanted: string): Promise<void> =>
    agent.until(async () => (await agent.reports()).some((report) => gist(report) === wanted));
  await until('pulls');
  await node.files.add({ [config]: configToml('/etc/containerd/other.d') });
  await write(61);
  await until('at_risk restart-pending');
  await node.restart();
  await write(62);
  await until('fails tcp.refused');
});
