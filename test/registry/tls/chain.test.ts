/** Until when a server is trusted, and by which certificate that ends: real handshakes with chains made on the spot. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { handshake } from '#registry/tls/handshake.ts';
import { authority, crossSigned, intermediate, leaf, type Made } from '../../kit/certificates.ts';
import { tlsServer } from '../../kit/tls-server.ts';

const dayMs = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * dayMs);
const day = (written: string): number => Math.round((Date.parse(written) - Date.now()) / dayMs);
const host = 'reg.example';

interface TlsSession {
  readonly send: string;
  readonly trusted: readonly string[];
  readonly extra?: readonly string[];
  readonly now?: Date;
  readonly verify?: boolean;
  readonly named?: string;
}

async function greet(
  server: Made,
  { send, trusted, extra = [], now = new Date(), verify = true, named = host }: TlsSession,
) {
  await using listening = await tlsServer({ cert: send, key: server.key });
  const socket = connect(listening.port, '127.0.0.1').on('error', () => undefined);
  const files = (name: string, pems: readonly string[]) =>
    pems.map((pem, i) => ({ path: `/etc/${name}-${i}.pem`, pem }));
  const { step, outcome } = await handshake(socket, {
    host: named,
    address: '127.0.0.1',
    port: listening.port,
    rule: { verify, extraRoots: files('ca', extra), clients: [] },
    roots: { pems: files('bundle', trusted) },
    now: () => now,
    elapsedMs: () => 0,
    signal: new AbortController().signal,
  });
  if (outcome.ok) outcome.value.destroy();
  socket.destroy();
  return step.outcome;
}

async function facts(server: Made, session: TlsSession) {
  const outcome = await greet(server, session);
  return outcome.ok ? { ...outcome.value, day: day(outcome.value.notAfter) } : outcome.fault;
}

const root = await authority({ to: 3650 });
const middle = await intermediate({ by: root, to: 800 });
const low = await leaf({ names: [host], by: middle, to: 60 });

describe('what ends first', () => {
  test('is the certificate itself, as a rule', async () => {
    const found = await facts(low, { send: low.chain, trusted: [root.cert] });
    expect(found).toMatchObject({ day: 60 });
    expect(JSON.stringify(found)).toMatch(/"fingerprint":"[0-9a-f]{16}"/);
    expect(found).not.toHaveProperty('endsWith');
    expect(found).not.toHaveProperty('luck');
  });

  test('may be the intermediate', async () => {
    const dying = await intermediate({ by: root, name: 'Dying', to: 5 });
    const server = await leaf({ names: [host], by: dying, to: 60 });
    const found = await facts(server, { send: server.chain, trusted: [root.cert] });
    expect(found).toMatchObject({ day: 5, endsWith: { is: 'intermediate', subject: 'CN=Dying' } });
  });

  test('may be the root, which no server sends', async () => {
    const old = await authority({ name: 'Old', to: 9 });
    const server = await leaf({ names: [host], by: old, to: 60 });
    expect(await facts(server, { send: server.chain, trusted: [root.cert, old.cert] })).toMatchObject({
      day: 9,
      endsWith: { is: 'root', subject: 'CN=Old', file: '/etc/bundle-1.pem' },
    });
  });

  test('of a file of hosts.toml is told by that file', async () => {
    const old = await authority({ name: 'Own', to: 9 });
    const server = await leaf({ names: [host], by: old, to: 60 });
    expect(await facts(server, { send: server.chain, trusted: [root.cert], extra: [old.cert] })).toMatchObject({
      endsWith: { is: 'root', file: '/etc/ca-0.pem' },
    });
  });

  test('does not matter while another chain holds: a cross-signed root that ends beside a good one', async () => {
    const old = await authority({ name: 'Ending', to: 3 });
    const young = await authority({ name: 'Staying' });
    const cross = await crossSigned(young, { by: old, to: 3 });
    const server = await leaf({ names: [host], by: young, to: 60 });
    const sent = `${server.cert}\n${cross.cert}`;
    expect(await facts(server, { send: sent, trusted: [old.cert, young.cert] })).toMatchObject({ day: 60 });
    expect(await facts(server, { send: sent, trusted: [old.cert] })).toMatchObject({ day: 3 });
  });
});

describe('when the day comes, by the clock that is asked and not by the machine', () => {
  test('an intermediate that has ended refuses', async () => {
    const dying = await intermediate({ by: root, name: 'Dying', to: 5 });
    const server = await leaf({ names: [host], by: dying, to: 60 });
    const given = { send: server.chain, trusted: [root.cert] };
    expect(await facts(server, { ...given, now: inDays(4) })).toMatchObject({ day: 5 });
    expect(await facts(server, { ...given, now: inDays(6) })).toMatchObject({
      code: 'tls.expired',
      subject: 'CN=Dying',
    });
  });

  test('a root that has ended refuses, and one beside it saves', async () => {
    const old = await authority({ name: 'Ending', to: 3 });
    const young = await authority({ name: 'Staying' });
    const cross = await crossSigned(young, { by: old, to: 3 });
    const server = await leaf({ names: [host], by: young, to: 60 });
    const sent = `${server.cert}\n${cross.cert}`;
    const now = inDays(4);
    expect(await facts(server, { send: sent, trusted: [old.cert, young.cert], now })).toMatchObject({ day: 60 });
    expect(await facts(server, { send: sent, trusted: [old.cert], now })).toMatchObject({ code: 'tls.expired' });
  });
});

describe('luck', () => {
  test('is an intermediate that nobody sends and a file of the node holds', async () => {
    expect(await facts(low, { send: low.cert, trusted: [], extra: [middle.cert] })).toMatchObject({
      luck: { is: 'intermediate_not_sent', subject: 'CN=Test Intermediate', file: '/etc/ca-0.pem' },
    });
  });

  test('is none where the server sends it', async () => {
    expect(await facts(low, { send: low.chain, trusted: [], extra: [middle.cert] })).not.toHaveProperty('luck');
  });

  test('is none where the root itself signed the certificate', async () => {
    const direct = await leaf({ names: [host], by: root, to: 60 });
    expect(await facts(direct, { send: direct.cert, trusted: [root.cert] })).not.toHaveProperty('luck');
  });

  test('is none where the certificate itself is trusted', async () => {
    const own = await leaf({ names: [host], to: 60 });
    expect(await facts(own, { send: own.cert, trusted: [own.cert] })).not.toHaveProperty('luck');
  });

  test.each([
    ['a stranger', { trusted: [] }, 'tls.untrusted'],
    ['another name', { trusted: [root.cert], named: 'other.example' }, 'tls.wrong_name'],
    ['an end that is past', { trusted: [root.cert], now: inDays(61) }, 'tls.expired'],
  ] as const)('is %s where nobody verifies', async (_, given, fault) => {
    expect(await facts(low, { send: low.chain, verify: false, ...given })).toMatchObject({
      verified: false,
      luck: { is: 'unverified', fault },
    });
  });

  test('is none where nobody verifies and all is well', async () => {
    expect(await facts(low, { send: low.chain, verify: false, trusted: [root.cert] })).not.toHaveProperty('luck');
  });
});

describe('whom a chain ends in', () => {
  test('is told once for each root, and whether a file of its own holds it', async () => {
    const [one, other] = [await authority({ name: 'One' }), await authority({ name: 'Other' })];
    const bridge = await crossSigned(one, { by: other });
    const server = await leaf({ names: [host], by: one });
    const send = `${server.chain}\n${bridge.cert}`;
    const found = await facts(server, { send, trusted: [one.cert, other.cert], extra: [other.cert] });
    expect(found).toMatchObject({
      anchors: [
        { subject: 'CN=One', file: '/etc/bundle-0.pem', from: 'system' },
        { subject: 'CN=Other', file: '/etc/ca-0.pem', from: 'rule' },
      ],
    });
  });

  test('is not told where nobody verifies', async () => {
    const found = await facts(low, { send: low.chain, trusted: [root.cert], verify: false });
    expect(found).not.toHaveProperty('anchors');
  });
});
