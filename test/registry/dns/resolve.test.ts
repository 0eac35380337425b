import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Resolver } from '#node/view.ts';
import { isDomainName, lookUp, nameList } from '#registry/dns/resolve.ts';
import { fakeDns, type FakeDns, type Zone } from '../../kit/fake-dns.ts';
import { resolver } from '../../kit/footing.ts';
import { deadPort, listener } from '../../kit/silent-listener.ts';

const patience = { timeoutMs: 5_000, elapsedMs: () => performance.now(), signal: new AbortController().signal };

function asking(servers: readonly { address: string; port: number }[], with_: Partial<Resolver> = {}): Resolver {
  return { ...resolver, servers: servers.map(({ address, port }) => ({ address, port })), ...with_ };
}

async function oneServer(zone: Zone, host: string, with_: Partial<Resolver> = {}) {
  await using dns = await fakeDns(zone);
  const outcome = await lookUp(asking([dns], with_), host, patience);
  return { outcome, received: [...dns.received], server: `127.0.0.1:${dns.port}` };
}

/** Two servers on one machine share its address and differ in their port. */
async function twoServers(first: Zone, second: Zone, with_: Partial<Resolver> = {}) {
  await using one: FakeDns = await fakeDns(first);
  await using two: FakeDns = await fakeDns(second);
  const outcome = await lookUp(asking([one, two], with_), 'reg.example', patience);
  return { outcome, one: [...one.received], two: [...two.received], last: `127.0.0.1:${two.port}`, first: one.port };
}

const v4 = { is: 'addresses', addresses: ['127.0.0.9'] } as const;

describe('a name in the hosts file', () => {
  const hosts = { 'reg.example': ['127.0.0.7', '127.0.0.8'] };

  it('is answered without asking a name server', async () => {
    const { outcome, received } = await oneServer({}, 'Reg.Example', { hosts });
    expect(outcome).toEqual({ ok: true, value: { addresses: ['127.0.0.7', '127.0.0.8'], answeredBy: '/etc/hosts' } });
    expect(received).toEqual([]);
  });

  it('is found with a last dot too', async () => {
    const { outcome } = await oneServer({}, 'reg.example.', { hosts });
    expect(outcome).toMatchObject({ ok: true, value: { answeredBy: '/etc/hosts' } });
  });

  it('counts only after the name servers where nsswitch says dns first', async () => {
    const order = ['dns', 'files'] as const;
    const known = await oneServer({ 'reg.example': v4 }, 'reg.example', { hosts, order });
    expect(known.outcome).toMatchObject({ ok: true, value: { addresses: ['127.0.0.9'] } });
    const unknown = await oneServer({}, 'reg.example', { hosts, order });
    expect(unknown.outcome).toMatchObject({ ok: true, value: { answeredBy: '/etc/hosts' } });
  });

  it('is all there is where nsswitch says files only', async () => {
    const { outcome, received } = await oneServer({ 'reg.example': v4 }, 'reg.example', { order: ['files'] });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found', server: '' } });
    expect(received).toEqual([]);
  });

  it('is not looked for under names that objects have anyway', async () => {
    const { outcome } = await oneServer({}, 'constructor', { order: ['files'] });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found' } });
  });
});

describe('a literal address', () => {
  it.each(['127.0.0.1', '::1', 'fe80::1%lo'])('%s is not looked up', async (host) => {
    const { outcome, received } = await oneServer({}, host);
    expect(outcome).toEqual({ ok: true, value: { addresses: [host], answeredBy: 'a literal address' } });
    expect(received).toEqual([]);
  });
});

describe('a name that a server knows', () => {
  it('is asked for in both families', async () => {
    const { outcome, received, server } = await oneServer({ 'reg.example': v4 }, 'reg.example');
    expect(outcome).toEqual({ ok: true, value: { addresses: ['127.0.0.9'], answeredBy: server } });
    expect(received.map(({ type }) => type).toSorted()).toEqual(['A', 'AAAA']);
  });

  it('is found by one family when the other one fails', async () => {
    const zone = { 'reg.example A': v4, 'reg.example AAAA': { is: 'servfail' } } as const;
    expect((await oneServer(zone, 'reg.example')).outcome).toMatchObject({ ok: true });
  });

  it('is found by its IPv6 address alone', async () => {
    const zone = { 'reg.example': { is: 'addresses', addresses: ['::1'] } } as const;
    const { outcome } = await oneServer(zone, 'reg.example');
    expect(outcome).toMatchObject({ ok: true, value: { addresses: ['::1'] } });
  });

  it('may be an alias of an alias', async () => {
    const names = ['a.example', 'b.example'];
    const zone = { 'reg.example': { is: 'alias', names, addresses: ['127.0.0.5'] } } as const;
    const { outcome } = await oneServer(zone, 'reg.example');
    expect(outcome).toMatchObject({ ok: true, value: { addresses: ['127.0.0.5'] } });
  });

  it('that is an alias of nothing does not exist', async () => {
    const zone = { 'reg.example': { is: 'alias', names: ['a.example'], addresses: [] } } as const;
    const { outcome } = await oneServer(zone, 'reg.example');
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found' } });
  });

  it('comes over TCP where the answer does not fit into UDP', async () => {
    const addresses = Array.from({ length: 50 }, (_, i) => `127.0.1.${i + 1}`);
    const { outcome, received } = await oneServer({ 'reg.example': { is: 'truncated', addresses } }, 'reg.example');
    expect(outcome).toMatchObject({ ok: true, value: { addresses } });
    expect(received.filter(({ over }) => over === 'tcp')).toHaveLength(2);
  });

  it('comes over TCP alone with use-vc', async () => {
    const { outcome, received } = await oneServer({ 'reg.example': v4 }, 'reg.example', { useTcp: true });
    expect(outcome.ok).toBe(true);
    expect(received.every(({ over }) => over === 'tcp')).toBe(true);
  });

  it('is asked for one family after the other with single-request', async () => {
    const { outcome, received } = await oneServer({ 'reg.example': v4 }, 'reg.example', { singleRequest: true });
    expect(outcome.ok).toBe(true);
    expect(received.map(({ type }) => type)).toEqual(['A', 'AAAA']);
  });

  it('is not taken from an answer with another number or to another question', async () => {
    const zone = { 'reg.example': { is: 'forged_first', addresses: ['127.0.0.9'] } } as const;
    const { outcome } = await oneServer(zone, 'reg.example');
    expect(outcome).toMatchObject({ ok: true, value: { addresses: ['127.0.0.9'] } });
  });
});

describe('a name that does not exist', () => {
  it('is said to be missing by the server that said so, with every name that was asked for', async () => {
    const { outcome, server } = await oneServer({}, 'reg.example', { search: ['corp.example', 'lan.'] });
    const asked = ['reg.example.', 'reg.example.corp.example.', 'reg.example.lan.'];
    expect(outcome).toEqual({ ok: false, fault: { code: 'dns.not_found', host: 'reg.example', server, asked } });
  });

  it('is not asked of the next server', async () => {
    const { outcome, two } = await twoServers({}, { 'reg.example': v4 });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found' } });
    expect(two).toEqual([]);
  });

  it('is the same as one without an address', async () => {
    const empty = { is: 'addresses', addresses: [] } as const;
    const { outcome, two } = await twoServers({ 'reg.example': empty }, { 'reg.example': v4 });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found' } });
    expect(two).toEqual([]);
  });

  it.each([
    'a..b',
    '-a.example',
    'a-.example',
    `${'a'.repeat(64)}.example`,
    '1234',
    `${'a.'.repeat(130)}a`,
    'a b.example',
  ])('is not even asked for where it cannot be one: %s', async (host) => {
    const { outcome, received } = await oneServer({}, host);
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.not_found', server: '' } });
    expect(received).toEqual([]);
  });
});

describe('search domains', () => {
  it.each([
    ['reg.example', 1, 'dns.server_failed'],
    ['reg.example', 2, 'dns.server_failed'],
    ['gone.example', 1, 'dns.not_found'],
    ['gone.example', 2, 'dns.not_found'],
  ])('the trouble with the name as written is the one that is told: %s, ndots %d', async (host, ndots, code) => {
    const zone: Zone = { 'reg.example': { is: 'servfail' }, 'gone.example.lan.example': { is: 'servfail' } };
    const { outcome } = await oneServer(zone, host, { search: ['lan.example'], ndots });
    expect(outcome).toMatchObject({ ok: false, fault: { code } });
  });

  it('are tried first for a name with fewer dots than ndots', async () => {
    const zone = { 'reg.corp.example': v4 };
    const { outcome, received } = await oneServer(zone, 'reg', { search: ['lan.example', 'corp.example'] });
    expect(outcome).toMatchObject({ ok: true, value: { addresses: ['127.0.0.9'] } });
    expect([...new Set(received.map(({ name }) => name))]).toEqual(['reg.lan.example', 'reg.corp.example']);
  });

  it('are left alone by a name with a last dot', async () => {
    const { received } = await oneServer({}, 'reg.', { search: ['lan.example'] });
    expect([...new Set(received.map(({ name }) => name))]).toEqual(['reg']);
  });

  it('go on after a server failure', async () => {
    const zone = { 'reg.lan.example': { is: 'servfail' }, 'reg.corp.example': v4 } as const;
    const { outcome } = await oneServer(zone, 'reg', { search: ['lan.example', 'corp.example'] });
    expect(outcome.ok).toBe(true);
  });

  it.each([
    ['reg', 1, ['corp'], ['reg.corp.', 'reg.']],
    ['a.reg', 1, ['corp'], ['a.reg.', 'a.reg.corp.']],
    ['a.reg', 5, ['corp'], ['a.reg.corp.', 'a.reg.']],
    ['reg', 0, ['corp'], ['reg.', 'reg.corp.']],
    ['reg.', 5, ['corp'], ['reg.']],
    ['hidden.onion', 1, ['corp'], ['hidden.onion.corp.']],
    [`${'a.'.repeat(120)}a`, 1, ['long.example.corp'], [`${'a.'.repeat(120)}a.`]],
  ] as const)('make of %s with ndots %d and %j the names %j', (host, ndots, search, names) => {
    expect(nameList({ ndots, search: [...search] }, host)).toEqual(names);
  });
});

describe('a server that fails', () => {
  /** For silence: nobody has to wait long for nothing. */
  const soon = { timeoutMs: 250 };

  it.each([
    ['servfail', { code: 'dns.server_failed', rcode: 'SERVFAIL' }],
    ['refused', { code: 'dns.server_failed', rcode: 'REFUSED' }],
    ['lame', { code: 'dns.server_failed', rcode: 'lame referral' }],
    ['silence', { code: 'dns.timed_out' }],
    ['broken_answers', { code: 'dns.malformed', why: 'cannot unmarshal DNS message' }],
  ] as const)('by %s is passed over for the next one, and named where it is the last', async (is, fault) => {
    const script = { is };
    const with_ = is === 'silence' ? soon : {};
    const helped = await twoServers({ 'reg.example': script }, { 'reg.example': v4 }, with_);
    expect(helped.outcome).toMatchObject({ ok: true, value: { addresses: ['127.0.0.9'], answeredBy: helped.last } });
    const lost = await twoServers({ 'reg.example': script }, { 'reg.example': script }, with_);
    expect(lost.outcome).toMatchObject({ ok: false, fault: { ...fault, host: 'reg.example', server: lost.last } });
  });

  it('by sending rubbish has said nothing', async () => {
    const rubbish = { is: 'bytes', bytes: Buffer.from('rubbish, and more of it') } as const;
    const { outcome } = await oneServer({ 'reg.example': rubbish }, 'reg.example', soon);
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.timed_out' } });
  });

  it.each([
    ['rubbish', { is: 'bytes', bytes: Buffer.from('rubbish') }, { code: 'dns.malformed', why: 'invalid DNS response' }],
    ['an end', { is: 'hang_up' }, { code: 'dns.server_failed', rcode: 'EOF' }],
    ['silence', { is: 'silence' }, { code: 'dns.timed_out' }],
  ] as const)('by %s over TCP is named', async (_, script, fault) => {
    const { outcome } = await oneServer({ 'reg.example': script }, 'reg.example', { useTcp: true, ...soon });
    expect(outcome).toMatchObject({ ok: false, fault });
  });

  it('by not being there has refused', async () => {
    const port = await deadPort();
    const outcome = await lookUp(asking([{ address: '127.0.0.1', port }]), 'reg.example', patience);
    const fault = { code: 'dns.refused', host: 'reg.example', server: `127.0.0.1:${port}` };
    expect(outcome).toEqual({ ok: false, fault });
  });

  it('is asked as often as attempts says', async () => {
    const zone = { 'reg.example': { is: 'servfail' } } as const;
    const { received } = await oneServer(zone, 'reg.example', { attempts: 3, singleRequest: true });
    expect(received).toHaveLength(6);
  });

  it('is not always the first one with rotate', async () => {
    await using one = await fakeDns({ 'reg.example': v4 });
    await using two = await fakeDns({ 'reg.example': v4 });
    const rotating = asking([one, two], { rotate: true, singleRequest: true });
    await lookUp(rotating, 'reg.example', patience);
    expect([one.received.length, two.received.length]).toEqual([1, 1]);
  });

  it('does not keep the look-up beyond the time for the whole connection', async () => {
    await using dns = await fakeDns({ 'reg.example': { is: 'silence' } });
    const slow = asking([dns], { timeoutMs: 60_000, attempts: 5 });
    const outcome = await lookUp(slow, 'reg.example', { ...patience, timeoutMs: 50 });
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'dns.timed_out', server: '' } });
  });

  it('does not keep a look-up that nobody waits for any more', async () => {
    await using dns = await fakeDns({ 'reg.example': { is: 'silence' } });
    const asker = new AbortController();
    const pending = lookUp(asking([dns], { timeoutMs: 60_000 }), 'reg.example', { ...patience, signal: asker.signal });
    asker.abort();
    expect(await pending).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time', step: 'dns' } });
  });

  it('may listen on TCP and speak something else', async () => {
    await using other = await listener({ is: 'says', bytes: 'HTTP/1.1 400 Bad Request\r\n\r\n', then: 'closes' });
    const outcome = await lookUp(asking([other], { useTcp: true }), 'reg.example', patience);
    expect(outcome.ok).toBe(false);
  });
});

describe('isDomainName', () => {
  it.each([
    ['a', true],
    ['a.', true],
    ['.', true],
    ['a_b.example', true],
    ['xn--bcher-kva.example', true],
    ['1.2.3.x', true],
    ['1.2.3', false],
    ['', false],
    ['..', false],
    ['a..b', false],
    ['a-', false],
    ['a-.b', false],
    ['ä.example', false],
    ['a*b', false],
    ['a'.repeat(63), true],
    ['a'.repeat(64), false],
  ])('takes %s: %s', (name, expected) => {
    expect(isDomainName(name)).toBe(expected);
  });

  it('ends for any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 400 }), (text) => typeof isDomainName(text) === 'boolean'));
  });
});
