/** Hosts of a plan that are down, slow, come and go, or will be reached another way. */
import { describe, expect, test } from 'vitest';
import type { NodeHistory } from '#forecast/history/history.ts';
import { noTries, tried, type Tries } from '#forecast/history/tries.ts';
import type { Content, Exchange, Attempt } from '#report/rehearsal.ts';
import { Secret } from '#report/secret.ts';
import type { Doubt } from '#node/view.ts';
import { exchange, good, healthy, opened } from '../kit/exchanges.ts';
import { predicted, minuteMs, noon, type FactsSketch } from '../kit/foreseen.ts';
import { plain } from '../kit/stage.ts';

const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.0.0.9', port: 443 } } as const;
const late = { ok: false, fault: { code: 'tcp.timed_out', address: '10.0.0.9', port: 443, afterMs: 30_000 } } as const;
const mirrors = ['one.test', 'two.test'].map((name) => plain(name, { url: `https://${name}` }));
const at = (route: number, over: Partial<Exchange> = {}): Exchange => exchange('manifest', 'u', { route, ...over });
const well = healthy('reg.test', 'team/app');
const knowing = (host: string, requests: Tries): Partial<NodeHistory> => ({
  hosts: { [host]: { firstMs: 0, seenMs: 0, addresses: {}, dialsMs: [], requests, v4: noTries, v6: noTries } },
});
const minutesAgo = (n: number): number => noon.getTime() - n * minuteMs;

describe('route-down', () => {
  const found = (...exchanges: readonly Exchange[]) => predicted('route-down', { mirrors, exchanges });

  test('a mirror that refused and another host that served', () => {
    const forecasts = found(at(0, { outcome: refused }), at(1));
    expect(forecasts).toMatchObject([{ fault: 'tcp.refused', likelihood: 'possible' }]);
    expect(forecasts[0]?.because).toBe('mirror one.test fails (tcp.refused); 2 hosts are left');
  });

  test('two down leave one', () => {
    const unavailable = good({ status: 503, bytes: 0 });
    const [first, second] = found(at(0, { outcome: refused }), at(1, { outcome: unavailable }), at(2));
    expect(first?.because).toContain('only one host is left');
    expect(second).toMatchObject({ fault: 'api.unavailable' });
  });

  test('says since when', () => {
    const down = tried(
      tried(tried(noTries, minutesAgo(90)), minutesAgo(60), 'tcp.refused'),
      minutesAgo(30),
      'tcp.refused',
    );
    const sketch = { mirrors, exchanges: [at(0, { outcome: refused }), at(1)], history: knowing('one.test', down) };
    expect(predicted('route-down', sketch)[0]?.because).toContain('fails since 2026-03-04 11:00 UTC (tcp.refused)');
  });

  test.each([
    ['404 is no failure', at(0, { outcome: good({ status: 404, bytes: 0 }) })],
    ['a token service is no host', at(0, { act: 'token', outcome: refused })],
  ])('%s', (_, one) => {
    expect(found(one, at(1))).toEqual([]);
  });

  test('one that failed once and served otherwise is up', () => {
    expect(found(at(0, { outcome: refused }), at(0), at(1))).toEqual([]);
  });

  test('a pull that failed needs no forecast', () => {
    const ending: Attempt['ending'] = { is: 'failed', fault: refused.fault, stage: 'tcp', shown: '' };
    const attempts = [{ ...well, exchanges: [at(0, { outcome: refused }), at(1)], ending }];
    expect(predicted('route-down', { mirrors, rehearsal: { attempts } })).toEqual([]);
  });
});

describe('route-slow', () => {
  const found = (exchanges: readonly Exchange[], content: Partial<Content> = {}) => {
    const ending =
      well.ending.is === 'pulled' ? { ...well.ending, content: { ...well.ending.content, ...content } } : well.ending;
    return predicted('route-slow', { mirrors, rehearsal: { attempts: [{ ...well, exchanges, ending }] } });
  };

  test('a mirror that is dialled in vain for 30 s by every object', () => {
    const [forecast] = found([at(0, { outcome: late, ms: 30_000 }), at(0, { outcome: late, ms: 1 }), at(1)], {
      layers: 8,
    });
    expect(forecast).toMatchObject({
      about: 'one.test',
      fault: 'tcp.timed_out',
      effect: 'delays',
      likelihood: 'certain',
    });
    // A name and two manifests one after another, nine blobs three at a time: six times 30 s.
    expect(forecast?.because).toContain(
      'takes 30 s for each request (tcp.timed_out) and is asked first for 12 objects',
    );
    expect(forecast?.because).toContain('about 3 min for the whole pull');
  });

  test('one that answers each request late', () => {
    const [forecast, ...others] = found([at(0, { ms: 12_000 }), at(0, { ms: 14_000 })]);
    expect(forecast).toMatchObject({ fault: 'api.timed_out' });
    expect(forecast?.remedy).toMatch(/, or take it out of \S+hosts.toml/);
    expect(others).toEqual([]);
  });

  test('a registry itself that does: there is nothing that it could be taken out of', () => {
    const exchanges = [at(0, { ms: 12_000 }), at(0, { ms: 14_000 })];
    const [forecast] = predicted('route-slow', { rehearsal: { attempts: [{ ...well, exchanges }] } });
    expect(forecast?.because).toMatch(/^origin reg.test takes/);
    expect(forecast?.remedy).toBe(
      'Find out what keeps reg.test, or the way to it, or pull through a mirror that is near.',
    );
  });

  test.each([
    ['it refuses at once', [at(0, { outcome: refused, ms: 1 }), at(1)]],
    ['it answers quickly', [at(0, { ms: 100 })]],
    [
      'only connecting took long, once',
      [at(0, { ms: 5000, steps: opened('one.test', 0).map((step) => ({ ...step, ms: 1700 })) })],
    ],
    ['a layer took long: it was large', [at(0, { act: 'layer', ms: 90_000 })]],
  ])('is nothing where %s', (_, exchanges) => {
    expect(found(exchanges)).toEqual([]);
  });

  test('counts what it knows of where the manifest was not read', () => {
    const [forecast] = found([at(0, { outcome: late, ms: 30_000 }), at(1)], { layers: 0, depth: 'resolved' });
    expect(forecast?.because).toContain('4 objects at least');
  });
});

describe('host-comes-and-goes', () => {
  const falling = (...minutes: readonly number[]): Tries =>
    minutes.reduce((tries, n) => tried(tried(tries, minutesAgo(n + 1)), minutesAgo(n), 'tcp.reset'), noTries);
  const found = (tries: Tries, sketch: FactsSketch = {}) =>
    predicted('host-comes-and-goes', { history: knowing('reg.test', tries), ...sketch });

  test('three times a day is a habit, with a time', () => {
    expect(found(falling(210, 130, 50))).toMatchObject([
      { about: 'reg.test', fault: 'tcp.reset', effect: 'fails', likelihood: 'possible', withinS: 30 * 60 },
    ]);
  });

  test('a mirror that does is a delay', () => {
    expect(found(falling(210, 130, 50), { mirrors })).toMatchObject([{ effect: 'delays' }]);
  });

  test.each([
    ['two falls', falling(130, 50)],
    [
      'one long failure',
      [60, 50, 40, 30].reduce((tries, n) => tried(tries, minutesAgo(n), 'tcp.reset'), tried(noTries, 0)),
    ],
    ['falls of another day', falling(3000, 2900, 2800, 2700)],
    ['falls that have stopped', falling(600, 590, 580)],
    ['no memory', noTries],
  ])('%s are nothing', (_, tries) => {
    expect(found(tries)).toEqual([]);
  });
});

describe('restart-pending', () => {
  const because =
    '/etc/systemd/system/containerd.service.d is newer than the running containerd and gives it other proxy variables';
  const runtime: FactsSketch['runtime'] = {
    proxy: { source: 'environ', https: new Secret('http://proxy.test:3128') },
    proxyNext: { rules: { source: '/usr/lib/systemd/system/containerd.service' }, because },
  };
  const tried_ = (fault?: typeof refused) =>
    [
      { of: 'after_restart', host: 'reg.test', target: 'directly', ms: 1, outcome: fault ?? good({ note: '' }) },
    ] as const;

  test('a proxy that will be lost, where the way without it is closed', () => {
    const [forecast] = predicted('restart-pending', { runtime, evidence: tried_(refused) });
    expect(forecast).toMatchObject({ about: 'reg.test', fault: 'tcp.refused', likelihood: 'likely', effect: 'fails' });
    expect(forecast?.because).toBe(
      `${because}: after a restart it would reach reg.test without a proxy, and that fails now (tcp.refused)`,
    );
    expect(forecast?.withinS).toBeUndefined();
  });

  test('is nothing where that way is open, or nothing changes', () => {
    expect(predicted('restart-pending', { runtime, evidence: tried_() })).toEqual([]);
    expect(predicted('restart-pending', { evidence: tried_(refused) })).toEqual([]);
  });

  test.each([
    ['runtime', 'runtime.misconfigured'],
    ['roots', 'tls.untrusted'],
  ] as const)('%s files that are newer than the process cannot be told', (about, fault) => {
    const doubts: readonly Doubt[] = [
      { is: 'if_restarted', about, because: '/etc/x is newer than the running containerd' },
    ];
    expect(predicted('restart-pending', { node: { doubts } })).toMatchObject([{ fault, likelihood: 'unknown' }]);
  });

  test('what is only approximate waits for no restart', () => {
    const doubts: readonly Doubt[] = [{ is: 'approximate', about: 'roots', because: 'x could not be read' }];
    expect(predicted('restart-pending', { node: { doubts } })).toEqual([]);
  });
});
