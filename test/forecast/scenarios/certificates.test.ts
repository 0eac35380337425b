/** Certificates that end: foretold by a real handshake, and then the day comes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyNodeHistory, learnReport, type NodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import type { TlsRule } from '#node/view.ts';
import { readTls } from '#node/tls-files.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { authority, client, intermediate, leaf, type Made } from '../../kit/certificates.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { plainTls, trusting } from '../../kit/footing.ts';
import { freePort, listens, scratch, start, type Program } from '../../kit/program.ts';
import { nodeRoot } from '../../kit/node-root.ts';
import { deadPort } from '../../kit/silent-listener.ts';
import { gist, nodeOf, plain, pullOf, toml, type NodeSketch } from '../../kit/stage.ts';

const dayMs = 86_400_000;
const day = 86_400;
const inDays = (days: number) => (): Date => new Date(Date.now() + days * dayMs);
const root = await authority({ from: -400, to: 3650 });

interface AttemptContext {
  readonly server: Made;
  readonly send?: string;
  readonly tls?: TlsRule;
  readonly node?: NodeSketch;
  /** Signed the clients that the server asks for. */
  readonly asks?: string;
}

/** A registry with this certificate, and what a rehearsal says on a day. */
async function open({ server, send, tls, node, asks }: AttemptContext) {
  let today = 0;
  const registry = await FakeRegistry.open({
    // Its clock goes with the node's.
    onRequest: ({ response }) => {
      response.setHeader('date', inDays(today)().toUTCString());
      return undefined;
    },
    tls: { cert: send ?? server.chain, key: server.key, ...(asks === undefined ? {} : { ca: asks }) },
    images: { 'team/app:v1': image() },
  });
  const authority_ = `reg.test:${registry.port}`;
  const view = nodeOf({
    hosts: { 'reg.test': ['127.0.0.1'] },
    dirs: { [authority_]: toml(plain(authority_, { url: `https://${authority_}`, tls: tls ?? trusting(root.cert) })) },
    ...node,
  });
  return {
    readView: (days: number, history?: NodeHistory): Promise<PullReport> => {
      today = days;
      return pullOf(view, `${authority_}/team/app:v1`, {
        now: inDays(days),
        ...(history === undefined ? {} : { history: () => history }),
      });
    },
    [Symbol.asyncDispose]: () => registry.close(),
  };
}

function about(report: PullReport, rule: string) {
  const forecast = report.forecasts.find((one) => one.rule === rule);
  return forecast === undefined ? undefined : { ...forecast, days: Math.round((forecast.withinS ?? NaN) / day) };
}

describe('a certificate of a registry', () => {
  test('is foretold to end ten days ahead, and ends', async () => {
    await using world = await open({ server: await leaf({ names: ['reg.test'], by: root, from: -80, to: 10 }) });
    const before = await world.readView(0);
    expect(about(before, 'certificate-expires')).toMatchObject({
      fault: 'tls.expired',
      likelihood: 'likely',
      days: 10,
    });
    expect(before.verdict.is).toBe('at_risk');
    expect(gist(await world.readView(9.9))).toBe('at_risk certificate-expires');
    const came = await world.readView(10 + 1 / 1440);
    broughtAbout('certificate-expires', 'tls.expired', { shown: before, came, offByS: 120 });
  });

  test('is certain to end hours ahead', async () => {
    await using world = await open({ server: await leaf({ names: ['reg.test'], by: root, from: -80, to: 0.2 }) });
    expect(about(await world.readView(0), 'certificate-expires')).toMatchObject({ likelihood: 'certain' });
    expect(gist(await world.readView(0.21))).toBe('fails tls.expired');
  });

  test('that lives six days is no news while it is renewed with two left, and is when it is not', async () => {
    const server = await leaf({ names: ['reg.test'], by: root, from: -3, to: 3 });
    await using world = await open({ server });
    expect(gist(await world.readView(0))).toBe('pulls');
    expect(gist(await world.readView(0.9))).toBe('pulls');
    expect(about(await world.readView(1.3), 'certificate-expires')).toMatchObject({ days: 2, fault: 'tls.expired' });
    expect(gist(await world.readView(3.1))).toBe('fails tls.expired');
  });

  test('is late by the habit of its owner: twice renewed with thirty days left, and not this time', async () => {
    let history = emptyNodeHistory;
    // Each is shown once, on the day after it began.
    for (const [from, to] of [
      [-129, -39],
      [-69, 21],
      [-9, 81],
    ] as const) {
      await using world = await open({ server: await leaf({ names: ['reg.test'], by: root, from, to }) });
      history = learnReport(history, await world.readView(from + 1));
    }
    await using world = await open({ server: await leaf({ names: ['reg.test'], by: root, from: -9, to: 81 }) });
    expect(gist(await world.readView(52, history))).toBe('pulls');
    expect(about(await world.readView(60, history), 'certificate-expires')).toMatchObject({ days: 21 });
    expect(about(await world.readView(60), 'certificate-expires')).toBeUndefined();
    expect(gist(await world.readView(82, history))).toBe('fails tls.expired');
  });
});

describe('above a certificate', () => {
  test('an intermediate ends first', async () => {
    const dying = await intermediate({ by: root, name: 'Dying', to: 20 });
    await using world = await open({ server: await leaf({ names: ['reg.test'], by: dying, to: 80 }) });
    const forecast = about(await world.readView(0), 'certificate-expires');
    expect(forecast).toMatchObject({ days: 20, fault: 'tls.expired' });
    expect(forecast?.because).toContain('intermediate certificate (CN=Dying)');
    expect(gist(await world.readView(20.1))).toBe('fails tls.expired');
  });

  test('a root in the bundle of the node ends first', async () => {
    const old = await authority({ name: 'Old', to: 25 });
    const server = await leaf({ names: ['reg.test'], by: old, to: 80 });
    await using world = await open({ server, tls: plainTls, node: { roots: [root.cert, old.cert] } });
    const forecast = about(await world.readView(0), 'certificate-expires');
    expect(forecast).toMatchObject({ days: 25 });
    expect(forecast?.because).toContain('root certificate (CN=Old in /etc/ssl/certs/1.pem)');
    expect(gist(await world.readView(25.1))).toBe('fails tls.expired');
  });

  test('the one root that a ca file of hosts.toml holds ends first', async () => {
    const old = await authority({ name: 'Own', to: 25 });
    const server = await leaf({ names: ['reg.test'], by: old, to: 80 });
    await using node = await nodeRoot({ 'etc/own.crt': old.cert });
    const tls = await readTls(node.path, { cas: ['/etc/own.crt'], clients: [], skipVerify: false });
    await using world = await open({ server, tls: tls.ok ? tls.value : plainTls });
    expect(about(await world.readView(0), 'certificate-expires')?.because).toContain('in /etc/own.crt');
    expect(gist(await world.readView(25.1))).toBe('fails tls.expired');
  });
});

test('a client certificate on the node is foretold to end, and a server refuses it when it has', async () => {
  const server = await leaf({ names: ['reg.test'], by: root, to: 80 });
  /** The same node three days later: what has three days left has none. */
  const node = async (daysLeft: number) => {
    const own = await client({ name: 'node-7', by: root, from: -300, to: daysLeft });
    await using files = await nodeRoot({ 'etc/ca.crt': root.cert, 'etc/node.cert': own.cert, 'etc/node.key': own.key });
    const clients = [{ cert: '/etc/node.cert', key: '/etc/node.key' }];
    const tls = await readTls(files.path, { cas: ['/etc/ca.crt'], clients, skipVerify: false });
    return tls.ok ? tls.value : plainTls;
  };
  await using world = await open({ server, asks: root.cert, tls: await node(3) });
  const shown = await world.readView(0);
  expect(about(shown, 'certificate-file-expires')).toMatchObject({
    about: '/etc/node.cert',
    fault: 'tls.client_rejected',
    likelihood: 'likely',
    days: 3,
  });
  await using strict = await opensslServer(server, root.cert);
  const authority_ = `reg.test:${strict.port}`;
  const entry = plain(authority_, { url: `https://${authority_}`, tls: await node(0) });
  const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { [authority_]: toml(entry) } });
  const came = await pullOf(view, `${authority_}/team/app:v1`, { now: inDays(3) });
  broughtAbout('certificate-file-expires', 'tls.client_rejected', { shown, came, offByS: 120 });
});

test('an authority that a ca file of hosts.toml holds for a host that was not reached ends, and the host is trusted no more', async () => {
  const own = await authority({ name: 'Own', to: 20 });
  const server = await leaf({ names: ['reg.test'], by: own, to: 80 });
  await using node = await nodeRoot({ 'etc/own.crt': own.cert });
  const tls = await readTls(node.path, { cas: ['/etc/own.crt'], clients: [], skipVerify: false });
  const rule = tls.ok ? tls.value : plainTls;
  await using mirror = await FakeRegistry.open({ images: { 'team/app:v1': image() } });
  const dead = await deadPort();
  const place = `reg.test:${dead}`;
  const view = nodeOf({
    hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
    dirs: { [place]: toml(plain(place, { url: `https://${place}`, tls: rule }), plain(`mirror.test:${mirror.port}`)) },
  });
  mirror.play(({ response }) => void response.setHeader('date', new Date().toUTCString()));
  const shown = await pullOf(view, `${place}/team/app:v1`);
  expect(about(shown, 'certificate-file-expires')).toMatchObject({ about: '/etc/own.crt', days: 20 });
  await using world = await open({ server, tls: rule });
  const came = await world.readView(20 + 1 / 1440);
  broughtAbout('certificate-file-expires', 'tls.expired', { shown, came, offByS: 120 });
});

/** Says why it refuses, as servers in Go do; Node's only hangs up. */
async function opensslServer({ chain, key }: Made, ca: string): Promise<Program & { readonly port: number }> {
  const directory = await scratch('s-server');
  const port = await freePort();
  for (const [name, pem] of Object.entries({ cert: chain, key, ca })) await writeFile(join(directory, name), pem);
  const files = ['-cert', 'cert', '-key', 'key', '-CAfile', 'ca'];
  const args = ['s_server', '-accept', String(port), ...files, '-Verify', '2', '-verify_return_error', '-www'];
  const program = await start({ command: 'openssl', args, directory, ready: () => listens(port) });
  return { ...program, port };
}

test('a server that sends no intermediate works until its next one, and then nobody trusts it', async () => {
  const [middle, next] = [await intermediate({ by: root, name: 'E5' }), await intermediate({ by: root, name: 'E6' })];
  const server = await leaf({ names: ['reg.test'], by: middle, to: 60 });
  await using world = await open({ server, send: server.cert, tls: trusting(middle.cert) });
  const shown = await world.readView(0);
  const forecast = about(shown, 'certificate-by-luck');
  expect(forecast).toMatchObject({ fault: 'tls.untrusted', likelihood: 'possible', days: 60 });
  const renewed = await leaf({ names: ['reg.test'], by: next, to: 150 });
  await using after = await open({ server: renewed, send: renewed.cert, tls: trusting(middle.cert) });
  broughtAbout('certificate-by-luck', 'tls.untrusted', { shown, came: await after.readView(60), offByS: 120 });
});

test('what only skip_verify lets pass is said, changes no verdict, and fails on the day somebody verifies', async () => {
  const stranger = await authority({ name: 'Stranger' });
  const server = await leaf({ names: ['reg.test'], by: stranger, to: 80 });
  await using world = await open({ server, tls: { ...plainTls, verify: false } });
  const before = await world.readView(0);
  expect(about(before, 'certificate-by-luck')).toMatchObject({ fault: 'tls.untrusted', likelihood: 'unknown' });
  expect(before.verdict.is).toBe('pulls');
  await using after = await open({ server, tls: plainTls });
  expect(gist(await after.readView(0))).toBe('fails tls.untrusted');
});
