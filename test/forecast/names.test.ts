/** Name servers, search lists, hosts files and address families that will let a node down. */
import { describe, expect, test } from 'vitest';
import { noTries, type Tries } from '#forecast/history/tries.ts';
import type { HostHistory } from '#forecast/history/hosts.ts';
import type { DnsFacts, Evidence, EvidenceFacts } from '#report/rehearsal.ts';
import type { Fault } from '#report/fault.ts';
import { exchange, good, opened } from '../kit/exchanges.ts';
import { dayMs, factsOf, predicted, noon } from '../kit/foreseen.ts';
import { forecastImage } from '#forecast/rules.ts';

const refused: Fault = { code: 'tcp.refused', address: '10.0.0.9', port: 443 };
const unreachable: Fault = {
  code: 'tcp.unreachable',
  address: '2001:db8::1',
  port: 443,
  why: 'network is unreachable',
};
const absent: Fault = { code: 'dns.not_found', host: 'reg.test', server: 'x', asked: [] };

function judged(
  of: Evidence['of'],
  target: string,
  logged: Fault | Partial<EvidenceFacts>,
  over: Partial<Evidence> = {},
) {
  const outcome = 'code' in logged ? ({ ok: false, fault: logged } as const) : good({ note: '', ...logged });
  return { of, host: 'reg.test', target, ms: 1, outcome, ...over } satisfies Evidence;
}
const server = (last: number, logged: Fault | Partial<EvidenceFacts>, over: Partial<Evidence> = {}) =>
  judged('name_server', `10.0.0.${last}:53`, logged, over);
const address = (target: string, logged: Fault | Partial<EvidenceFacts> = {}) => judged('address', target, logged);
const of = (rule: string, ...evidence: readonly Evidence[]) => predicted(rule, { evidence });

const host = (over: Partial<HostHistory> = {}): HostHistory => ({
  firstMs: 0,
  seenMs: 0,
  addresses: {},
  dialsMs: [],
  requests: noTries,
  v4: noTries,
  v6: noTries,
  ...over,
});
const well: Tries = { good: 3, lastGoodMs: 1, bad: [], falls: [] };

describe('a name server', () => {
  test('that fails while another answers', () => {
    expect(of('name-server-down', server(1, {}), server(2, refused))).toMatchObject([
      { about: '10.0.0.2:53', fault: 'tcp.refused', effect: 'fails', likelihood: 'possible' },
    ]);
  });

  test('that answers a second late while another does not', () => {
    expect(of('name-server-down', server(1, {}, { ms: 1500 }), server(2, {}))).toMatchObject([
      { about: '10.0.0.1:53', effect: 'delays', likelihood: 'certain' },
    ]);
  });

  test.each([
    ['all fail', server(1, refused), server(2, refused)],
    ['all answer', server(1, {}), server(2, {})],
    ['all are slow', server(1, {}, { ms: 1500 }), server(2, {}, { ms: 1500 })],
    ['the other one answered for another name', server(1, {}, { host: 'other.test' }), server(2, refused)],
    ['it says that there is no such name', server(1, {}), server(2, absent)],
  ])('is no foresight where %s', (_, one, other) => {
    expect(of('name-server-down', one, other)).toEqual([]);
  });

  test.each([
    [false, '10.0.0.2', '; every look-up waits up to 5 s for it'],
    [false, '10.0.0.1', ''],
    [true, '10.0.0.1', '; one look-up in 2 waits up to 5 s for it'],
  ])('is waited for by its place in resolv.conf (rotate: %s, first: %s)', (rotate, first, text) => {
    const facts = factsOf({ evidence: [server(1, {}), server(2, refused)] });
    const order = [first, first === '10.0.0.2' ? '10.0.0.1' : '10.0.0.2'].map((one) => ({ address: one, port: 53 }));
    const resolver = { ...facts.plan.resolver, servers: order, rotate, timeoutMs: 5000 };
    const found = forecastImage({ ...facts, plan: { ...facts.plan, resolver } });
    expect(found.map(({ because }) => because)).toEqual([
      `name server 10.0.0.2:53 fails for reg.test (tcp.refused) while another answers${text}`,
    ]);
  });
});

describe('name servers that disagree', () => {
  test('over whether a name exists', () => {
    expect(of('name-servers-disagree', server(1, { addresses: ['10.4.0.7'] }), server(2, absent))).toMatchObject([
      { about: '10.0.0.2:53', fault: 'dns.not_found', likelihood: 'possible', effect: 'fails' },
    ]);
  });

  test('over where it is, when what one of them says does not work', () => {
    const evidence = [
      server(1, { addresses: ['10.4.0.7'] }),
      server(2, { addresses: ['10.9.9.9'] }),
      address('10.4.0.7:443'),
      address('10.9.9.9:443', refused),
    ];
    expect(of('name-servers-disagree', ...evidence)).toMatchObject([{ about: '10.0.0.2:53', fault: 'tcp.refused' }]);
  });

  test.each([
    ['both work', [address('10.4.0.7:443'), address('10.9.9.9:443')]],
    ['neither works', [address('10.4.0.7:443', refused), address('10.9.9.9:443', refused)]],
    ['nobody tried', []],
  ])('as those of a CDN do are no news where %s', (_, addresses) => {
    const logged = [server(1, { addresses: ['10.4.0.7'] }), server(2, { addresses: ['10.9.9.9'] })];
    expect(of('name-servers-disagree', ...logged, ...addresses)).toEqual([]);
  });

  test('over nothing: nobody knows it', () => {
    expect(of('name-servers-disagree', server(1, absent), server(2, absent))).toEqual([]);
  });
});

describe('a search list', () => {
  const found = (ms: number, over: Partial<DnsFacts> = {}) => {
    const searched = { names: ['reg.test.corp.example.'], ms };
    const steps = opened('reg.test', 0).map((step) =>
      step.step === 'dns' ? { ...step, outcome: good({ addresses: [], answeredBy: 'x', searched, ...over }) } : step,
    );
    return predicted('names-searched', { exchanges: [exchange('resolve', 'https://reg.test/', { steps })] });
  };

  test('whose suffix answers late costs every connection', () => {
    const [forecast] = found(4000);
    expect(forecast).toMatchObject({ effect: 'delays', likelihood: 'certain', about: 'reg.test' });
    expect(forecast?.because).toContain('2 questions about names that do not exist (reg.test.corp.example.)');
    expect(forecast?.because).toContain('4 s of the 30 s');
  });

  test('that takes half of what a connection may take is about to fail', () => {
    expect(found(16_000)).toMatchObject([{ effect: 'fails', likelihood: 'possible' }]);
  });

  test('that is quick, or is not used, is no news', () => {
    expect(found(20)).toEqual([]);
    expect(predicted('names-searched')).toEqual([]);
  });
});

describe('/etc/hosts', () => {
  const steps = opened('reg.test', 0).map((step) =>
    step.step === 'dns' ? { ...step, outcome: good({ addresses: ['10.4.0.7'], answeredBy: '/etc/hosts' }) } : step,
  );
  const exchanges = [exchange('resolve', 'https://reg.test/', { steps })];
  const says = (...addresses: readonly string[]) => [judged('pinned_name', '10.0.0.1:53', { addresses })];
  const at = noon.getTime() - 2 * dayMs;
  const gave = (given: string) => ({ hosts: { 'reg.test': host({ named: { [given]: { firstMs: 0, seenMs: at } } }) } });

  test('that keeps an address which the name server gave before and gives no more', () => {
    const found = predicted('hosts-file-outdated', {
      exchanges,
      evidence: says('10.4.0.8'),
      history: gave('10.4.0.7'),
    });
    expect(found).toMatchObject([{ about: 'reg.test', likelihood: 'likely', effect: 'fails' }]);
    expect(found[0]?.because).toContain('gave until 2026-03-02 12:00 UTC; it says 10.4.0.8 now');
  });

  test.each([
    ['names an address that no name server ever gave: somebody meant it', says('10.4.0.8'), gave('10.1.1.1')],
    ['names one of those that it gives', says('10.4.0.8', '10.4.0.7'), gave('10.4.0.7')],
    ['was asked for the first time', says('10.4.0.8'), {}],
    ['knows a name that nobody else does', [], gave('10.4.0.7')],
  ])('is no news where it %s', (_, evidence, history) => {
    expect(predicted('hosts-file-outdated', { exchanges, evidence, history })).toEqual([]);
  });
});

describe('an address', () => {
  test('of several of one family that fails', () => {
    expect(of('address-down', address('10.0.0.1:443'), address('10.0.0.2:443', refused))).toMatchObject([
      { about: 'reg.test', fault: 'tcp.refused', effect: 'fails', likelihood: 'possible' },
    ]);
  });

  test.each([
    ['all fail', address('10.0.0.1:443', refused), address('10.0.0.2:443', refused)],
    ['all work', address('10.0.0.1:443'), address('10.0.0.2:443')],
    ['the other host works', { ...address('10.0.0.1:443'), host: 'other.test' }, address('10.0.0.2:443', refused)],
  ])('is no foresight where %s', (_, one, other) => {
    expect(of('address-down', one, other)).toEqual([]);
  });
});

describe('an address family', () => {
  const both = (fault: Fault) => [address('10.0.0.1:443'), address('[2001:db8::1]:443', fault)];

  test('that the node does not have is no news, though every registry offers it', () => {
    expect(of('address-down', ...both(unreachable))).toEqual([]);
  });

  test('that the node uses and one host cannot be reached by is hidden by the other, and costs', () => {
    const history = { hosts: { 'other.test': host({ v6: well }) } };
    const found = predicted('address-down', { evidence: both(unreachable), history });
    expect(found).toMatchObject([{ fault: 'tcp.unreachable', effect: 'delays', likelihood: 'possible' }]);
    expect(found[0]?.because).toContain('by IPv6, which this node reaches others by');
  });

  test('into which packets vanish costs, whoever uses it', () => {
    const lost: Fault = { code: 'tcp.timed_out', address: '2001:db8::1', port: 443, afterMs: 3000 };
    expect(of('address-down', ...both(lost))).toMatchObject([{ fault: 'tcp.timed_out', effect: 'delays' }]);
  });
});
