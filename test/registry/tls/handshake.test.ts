import type { ServerOptions } from 'node:https';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { handshake, type TlsOptions } from '#registry/tls/handshake.ts';
import { Secret } from '#report/secret.ts';
import { authority, client, intermediate, leaf, type Made } from '../../kit/certificates.ts';
import { plainTls, trusting } from '../../kit/footing.ts';
import { listener, type Manner } from '../../kit/silent-listener.ts';
import { tlsServer } from '../../kit/tls-server.ts';

const address = '127.0.0.1';

async function greet(port: number, with_: Partial<TlsOptions> = {}) {
  const socket = connect(port, address).on('error', () => undefined);
  const session = await handshake(socket, {
    host: 'reg.example',
    address,
    port,
    rule: plainTls,
    roots: { pems: [] },
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    signal: new AbortController().signal,
    ...with_,
  });
  if (session.outcome.ok) session.outcome.value.destroy();
  socket.destroy();
  return session.step.outcome;
}

async function serve(made: Made, with_: Partial<TlsOptions> = {}, options: ServerOptions = {}) {
  await using server = await tlsServer({ cert: made.chain, key: made.key, ...options });
  const outcome = await greet(server.port, with_);
  return { outcome, named: [...server.named] };
}

const root = await authority();
const good = await leaf({ names: ['reg.example'], by: root });

describe('a certificate', () => {
  it('signed by an extra root is trusted, and described', async () => {
    const { outcome } = await serve(good, { rule: trusting(root.cert) });
    const value = { version: 'TLSv1.3', subject: 'CN=reg.example,O=Test', issuer: 'CN=Test Root', verified: true };
    expect(outcome).toMatchObject({ ok: true, value });
  });

  it('signed by a root of the system is trusted', async () => {
    const pems = [{ path: '/etc/ssl/bundle.pem', pem: `# a comment\n${root.cert}\n` }];
    expect((await serve(good, { roots: { pems } })).outcome.ok).toBe(true);
  });

  it('signed by nobody known is not, and the places where trust was looked for are named', async () => {
    const other = await authority({ name: 'Other Root' });
    const pems = ['a', 'b', 'c', 'd'].map((name) => ({ path: `/etc/ssl/${name}.pem`, pem: other.cert }));
    const { outcome } = await serve(good, { roots: { pems }, rule: trusting(other.cert) });
    const trustedFrom = ['/test/ca-0.crt', '/etc/ssl/a.pem', '/etc/ssl/b.pem', '/etc/ssl/c.pem'];
    const fault = {
      code: 'tls.untrusted',
      host: 'reg.example',
      subject: 'CN=reg.example,O=Test',
      issuer: 'CN=Test Root',
      trustedFrom,
    };
    expect(outcome).toEqual({ ok: false, fault });
  });

  it('is trusted by nobody where the node has no roots, whatever this process has', async () => {
    expect((await serve(good)).outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
  });

  it('that signed itself is trusted only where it is in the pool', async () => {
    const own = await leaf({ names: ['reg.example'] });
    expect((await serve(own)).outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
    expect((await serve(own, { rule: trusting(own.cert) })).outcome.ok).toBe(true);
  });

  it('is trusted by an intermediate in the pool alone, as in Go', async () => {
    const middle = await intermediate({ by: root });
    const low = await leaf({ names: ['reg.example'], by: middle });
    const cert = low.cert;
    expect((await serve({ ...low, chain: cert }, { rule: trusting(middle.cert) })).outcome.ok).toBe(true);
    expect((await serve(low, { rule: trusting(root.cert) })).outcome.ok).toBe(true);
    const cut = await serve({ ...low, chain: cert }, { rule: trusting(root.cert) });
    expect(cut.outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted', issuer: 'CN=Test Intermediate' } });
  });

  it('is trusted as a leaf in the pool alone, as in Go', async () => {
    expect((await serve(good, { rule: trusting(good.cert) })).outcome.ok).toBe(true);
  });

  it('in a bundle with rubbish is found all the same', async () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const pem = `${broken}rubbish\n${good.key}\n${root.cert}\n${broken}`;
    expect((await serve(good, { rule: trusting(pem) })).outcome.ok).toBe(true);
  });

  it.each([{ forSigning: true }, { usage: 'any' }] as const)(
    'with a usage that Go does not mind is trusted: %j',
    async (request) => {
      const made = await leaf({ names: ['reg.example'], by: root, ...request });
      expect((await serve(made, { rule: trusting(root.cert) })).outcome.ok).toBe(true);
      const other = await authority({ name: 'Other Root' });
      const { outcome } = await serve(made, { rule: trusting(other.cert) });
      expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
    },
  );

  it("that names its issuer by a serial number of the issuer's former self is trusted, as in Go", async () => {
    const made = await leaf({ names: ['reg.example'], by: root, ofAnotherSerial: true });
    expect((await serve(made, { rule: trusting(root.cert) })).outcome.ok).toBe(true);
  });

  it('with an extension that must be understood is refused', async () => {
    const made = await leaf({ names: ['reg.example'], by: root, demanding: true });
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted' } });
  });

  it('for clients only is refused', async () => {
    const made = await leaf({ names: ['reg.example'], by: root, usage: 'client' });
    const why = 'x509: certificate specifies an incompatible key usage';
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });

  it('counts for nothing where it is not verified', async () => {
    const other = await leaf({ names: ['other.example'], to: -1 });
    const { outcome } = await serve(other, { rule: { ...plainTls, verify: false } });
    expect(outcome).toMatchObject({ ok: true, value: { verified: false, subject: 'CN=other.example,O=Test' } });
  });
});

describe('an issuer that is none', () => {
  it('is named with the reason, where an authority was made anew under its old name', async () => {
    const anew = await authority({ from: -20 });
    const { outcome } = await serve(good, { rule: trusting(anew.cert) });
    const nearMiss = { authority: 'Test Root', why: 'x509: ECDSA verification failure' };
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.untrusted', nearMiss } });
  });

  it('is the former self of a certificate that signed itself', async () => {
    const [former, today] = [await leaf({ names: ['reg.example'], from: -90 }), await leaf({ names: ['reg.example'] })];
    const { outcome } = await serve(today, { rule: trusting(former.cert) });
    const why = 'x509: invalid signature: parent certificate cannot sign this kind of certificate';
    expect(outcome).toMatchObject({ ok: false, fault: { nearMiss: { authority: 'reg.example', why } } });
  });

  it('is one that may not sign, though a trusted one signed it', async () => {
    const powerless = await intermediate({ by: root, powerless: true });
    const made = await leaf({ names: ['reg.example'], by: powerless });
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    const why = 'x509: invalid signature: parent certificate cannot sign this kind of certificate';
    expect(outcome).toMatchObject({ ok: false, fault: { nearMiss: { authority: 'Test Intermediate', why } } });
  });

  it('is one below another that may sign no intermediate', async () => {
    const lowest = await intermediate({ by: root, lowest: true });
    const below = await intermediate({ by: lowest, name: 'Below' });
    const made = await leaf({ names: ['reg.example'], by: below });
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    const why = 'x509: too many intermediates for path length constraint';
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });

  it('is any of a signature with SHA-1', async () => {
    const made = await leaf({ names: ['reg.example'], by: root, hash: 'SHA-1' });
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    const why = 'x509: cannot verify signature: insecure algorithm ECDSA-SHA1';
    expect(outcome).toMatchObject({ ok: false, fault: { nearMiss: { authority: 'Test Root', why } } });
  });

  it('is not named where no certificate bears the name', async () => {
    const other = await authority({ name: 'Other Root' });
    const { outcome } = await serve(good, { rule: trusting(other.cert) });
    expect(outcome.ok ? {} : outcome.fault).not.toHaveProperty('nearMiss');
  });
});

describe('dates', () => {
  it.each([
    ['tls.expired', { from: -9, to: -2 }],
    ['tls.not_yet_valid', { from: 2, to: 9 }],
  ])('outside of them are %s', async (code, dates) => {
    const made = await leaf({ names: ['reg.example'], by: root, ...dates });
    const { outcome } = await serve(made, { rule: trusting(root.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code, subject: 'CN=reg.example,O=Test' } });
  });

  it('come before a wrong name and an unknown issuer', async () => {
    const made = await leaf({ names: ['other.example'], to: -2, by: root });
    expect((await serve(made)).outcome).toMatchObject({ ok: false, fault: { code: 'tls.expired' } });
  });

  it('are judged by the clock that was given', async () => {
    const nextYear = new Date(Date.now() + 365 * 86_400_000);
    const now = (): Date => nextYear;
    const { outcome } = await serve(good, { rule: trusting(root.cert), now });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.expired', now: nextYear.toISOString() } });
  });

  it('of an intermediate count too, and it is named', async () => {
    const middle = await intermediate({ by: root, from: -9, to: -2 });
    const low = await leaf({ names: ['reg.example'], by: middle });
    const { outcome } = await serve(low, { rule: trusting(root.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.expired', subject: 'CN=Test Intermediate' } });
  });

  it('of the root count too', async () => {
    const old = await authority({ name: 'Old Root', from: -9, to: -2 });
    const low = await leaf({ names: ['reg.example'], by: old });
    const { outcome } = await serve(low, { rule: trusting(old.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.expired', subject: 'CN=Old Root' } });
  });

  it('that end first in the chain are on record', async () => {
    const middle = await intermediate({ by: root, to: 5, name: 'Short' });
    const low = await leaf({ names: ['reg.example'], by: middle, to: 50 });
    const { outcome } = await serve(low, { rule: trusting(root.cert) });
    expect(outcome.ok ? Math.round((Date.parse(outcome.value.notAfter) - Date.now()) / 86_400_000) : 0).toBe(5);
  });
});

describe('names', () => {
  // In TLS 1.2 the server's side is open before the client's, so that it has seen the name.
  const serverKnowsFirst = { maxVersion: 'TLSv1.2' } as const;

  it.each(['reg.example', 'reg.example.'])('are sent without a last dot: %s', async (host) => {
    const { outcome, named } = await serve(good, { host, rule: trusting(root.cert) }, serverKnowsFirst);
    expect(outcome).toMatchObject({ ok: true, value: { version: 'TLSv1.2' } });
    expect(named).toEqual(['reg.example']);
  });

  it('that do not match are listed, before the issuer is looked at', async () => {
    const other = await leaf({ names: ['a.example', '*.b.example'], by: root });
    const fault = {
      code: 'tls.wrong_name',
      host: 'reg.example',
      names: ['a.example', '*.b.example'],
      commonNameOnly: false,
    };
    expect((await serve(other)).outcome).toEqual({ ok: false, fault });
  });

  it('in the subject alone are not looked at, but noticed', async () => {
    const old = await leaf({ names: ['reg.example'], commonNameOnly: true, by: root });
    const { outcome } = await serve(old, { rule: trusting(root.cert) });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.wrong_name', names: [], commonNameOnly: true } });
  });

  it('are addresses for an address, and no name is sent', async () => {
    const rule = trusting(root.cert);
    const byAddress = await leaf({ ips: ['127.0.0.1'], by: root });
    const { outcome, named } = await serve(byAddress, { host: '127.0.0.1', rule }, serverKnowsFirst);
    expect(outcome.ok).toBe(true);
    expect(named).toEqual(['']);
    const byName = await leaf({ names: ['127.0.0.1'], by: root });
    const wrong = await serve(byName, { host: '127.0.0.1', rule });
    expect(wrong.outcome).toMatchObject({ ok: false, fault: { code: 'tls.wrong_name', names: [] } });
  });
});

describe('a server that speaks another language', () => {
  const notTls = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

  it.each<[string, Manner, object]>([
    ['HTTP', { is: 'says', bytes: notTls, then: 'closes' }, { code: 'tls.not_tls', host: 'reg.example' }],
    ['an end', { is: 'closes' }, { code: 'tcp.closed', failurePoint: 'handshake' }],
    ['a reset', { is: 'resets' }, { code: 'tcp.reset', failurePoint: 'handshake' }],
    [
      'a handshake failure',
      { is: 'says', bytes: Uint8Array.from([21, 3, 3, 0, 2, 2, 40]), then: 'closes' },
      { code: 'tls.handshake_failed', why: 'remote error: tls: handshake failure' },
    ],
    [
      'an unknown name',
      { is: 'says', bytes: Uint8Array.from([21, 3, 3, 0, 2, 2, 112]), then: 'closes' },
      { code: 'tls.handshake_failed', why: 'remote error: tls: unrecognized name' },
    ],
    [
      'a bad certificate',
      { is: 'says', bytes: Uint8Array.from([21, 3, 3, 0, 2, 2, 42]), then: 'closes' },
      { code: 'tls.client_rejected', alert: 'bad certificate' },
    ],
  ])('by %s', async (_, manner, fault) => {
    await using server = await listener(manner);
    expect(await greet(server.port)).toMatchObject({ ok: false, fault });
  });

  it('by an old version', async () => {
    const options = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const { outcome } = await serve(good, { rule: trusting(root.cert) }, options);
    const why = 'remote error: tls: protocol version not supported';
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });

  it('by a cipher that Go gave up', async () => {
    const options = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' } as const;
    const { outcome } = await serve(good, { rule: trusting(root.cert) }, options);
    const why = 'remote error: tls: handshake failure';
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });

  it('by a curve that Go does not know', async () => {
    const { outcome } = await serve(good, { rule: trusting(root.cert) }, { ecdhCurve: 'X448' });
    const why = 'remote error: tls: handshake failure';
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });

  it.each([
    [true, { ok: true }],
    [false, { ok: false, fault: { code: 'tls.handshake_failed', why: 'remote error: tls: handshake failure' } }],
  ])('by RSA key exchange, where the runtime offers that: %s', async (rsaKeyExchange, expected) => {
    const made = await leaf({ names: ['reg.example'], by: root, kind: 'rsa' });
    const options = { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' } as const;
    const { outcome } = await serve(made, { rule: trusting(root.cert), rsaKeyExchange }, options);
    expect(outcome).toMatchObject(expected);
  });

  it('by silence ends when nobody waits any more', async () => {
    await using server = await listener();
    const asker = new AbortController();
    const pending = greet(server.port, { signal: asker.signal });
    asker.abort();
    expect(await pending).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time', step: 'tls' } });
  });

  it('by silence ends with its time', async () => {
    await using server = await listener();
    const outcome = await greet(server.port, { limitMs: 20 });
    expect(outcome).toEqual({ ok: false, fault: { code: 'tls.timed_out', host: 'reg.example', afterMs: 20 } });
  });
});

describe('a client certificate', () => {
  const demanding = { requestCert: true, ca: root.cert, maxVersion: 'TLSv1.2' } as const;

  it('is shown where it is asked for', async () => {
    const me = await client({ name: 'node', by: root });
    const clients = [{ certPath: '/test/client.cert', cert: me.cert, key: new Secret(me.key) }];
    const rule = { ...trusting(root.cert), clients };
    expect((await serve(good, { rule }, demanding)).outcome.ok).toBe(true);
  });

  it('that fits no key stops everything before a packet is sent', async () => {
    const clients = [{ certPath: '/test/client.cert', cert: good.cert, key: new Secret(root.key) }];
    const { outcome } = await serve(good, { rule: { ...trusting(root.cert), clients } });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'hosts.client_unreadable', file: '/test/client.cert' } });
  });

  it("that is missing is the server's reason to end the handshake", async () => {
    const { outcome } = await serve(good, { rule: trusting(root.cert) }, demanding);
    const why = 'remote error: tls: handshake failure';
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tls.handshake_failed', why } });
  });
});
