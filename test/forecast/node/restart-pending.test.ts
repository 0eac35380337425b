/** What waits for the next start, on facts. The proxy's share is in routes.test.ts. */
import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import type { Pending } from '#runtime/next-start.ts';
import { bad, good } from '#report/outcome.ts';
import type { Evidence, Attempt } from '#report/rehearsal.ts';
import type { Doubt } from '#node/view.ts';
import { forecastImage } from '#forecast/rules.ts';
import { exchange, healthy } from '../../kit/exchanges.ts';
import { factsOf, type FactsSketch } from '../../kit/foreseen.ts';
import { plain } from '../../kit/stage.ts';

const untrusted: Fault = { code: 'tls.untrusted', host: 'reg.test', subject: 'CN=x', issuer: 'CN=y', trustedFrom: [] };
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.9', port: 443 };
const config: Pending = {
  of: 'containerd',
  about: 'runtime',
  because: 'config.toml is newer than the running containerd',
};
const bundle: Pending = { of: 'containerd', about: 'roots', because: 'ca.crt is newer than the running containerd' };
const providers: Pending = {
  of: 'the kubelet',
  about: 'credentials',
  because: 'cp.yaml is newer than the running kubelet',
};

const of = (kind: 'after_restart' | 'next_start', fault?: Fault, host = 'reg.test'): Evidence => ({
  of: kind,
  host,
  target: 'directly',
  ms: 1,
  outcome: fault === undefined ? good({ note: '' }) : bad(fault),
});

function shown(pending: readonly Pending[], evidence: readonly Evidence[], sketch: FactsSketch = {}) {
  const facts = factsOf({ ...sketch, evidence });
  const view = { ...facts.view, ...(pending.length === 0 ? {} : { next: { pending } }) };
  return forecastImage({ ...facts, view }).filter(({ rule }) => rule === 'restart-pending');
}

const well = healthy('reg.test', 'team/app');
const failing = (fault: Fault): Attempt => ({
  ...well,
  exchanges: [exchange('resolve', 'https://reg.test/v2/team/app/manifests/v1', { outcome: bad(fault) })],
  ending: { is: 'failed', fault, stage: 'tls', shown: '' },
});
const fails = (fault: Fault): FactsSketch => ({ rehearsal: { attempts: [failing(fault)] } });

describe('trusted certificates that the next containerd would read', () => {
  test('without the one that a host needs', () => {
    expect(shown([bundle], [of('after_restart', untrusted)])).toMatchObject([
      {
        about: 'reg.test',
        fault: 'tls.untrusted',
        likelihood: 'likely',
        effect: 'fails',
        because: `${bundle.because}: after a restart it would reach reg.test with these, and that fails now (tls.untrusted)`,
      },
    ]);
  });

  test('are less of a threat where another host stands in', () => {
    const mirrors = [plain('one.test', { url: 'https://one.test' })];
    const [forecast] = shown([bundle], [of('after_restart', untrusted)], { mirrors });
    expect(forecast).toMatchObject({
      likelihood: 'possible',
      because: expect.stringContaining('one.test would stand in') as unknown,
    });
  });

  test.each<[string, readonly Evidence[], FactsSketch]>([
    ['that serve as well', [of('after_restart')], {}],
    ['while a host is only down for the moment', [of('after_restart', refused)], {}],
    ['that are as bad as those of today', [of('after_restart', untrusted)], fails(untrusted)],
  ])('%s are no news', (_, evidence, sketch) => {
    expect(shown([bundle], evidence, sketch)).toEqual([]);
  });

  test('that mend what fails today are worth a restart', () => {
    expect(shown([bundle], [of('after_restart')], fails(untrusted))).toMatchObject([
      {
        about: 'reg.test',
        fault: 'tls.untrusted',
        likelihood: 'certain',
        effect: 'none',
        remedy: 'Restart containerd.',
      },
    ]);
  });
});

describe('a pull as it would go after the next start', () => {
  test('that fails while it goes on today', () => {
    expect(shown([config], [of('next_start', refused, 'mirror.test')])).toMatchObject([
      { about: 'mirror.test', fault: 'tcp.refused', likelihood: 'likely', effect: 'fails' },
    ]);
  });

  test('names everybody who would have to start', () => {
    const [forecast] = shown([config, providers], [of('next_start', refused)]);
    expect(forecast?.assuming).toBe('containerd and the kubelet are restarted, as by an upgrade or a reboot');
    expect(forecast?.because).toContain(`${config.because}, and ${providers.because}`);
  });

  test('says why a file is refused', () => {
    const fault: Fault = { code: 'runtime.misconfigured', file: '/etc/containerd/config.toml', why: 'no TOML' };
    const [forecast] = shown([config], [of('next_start', fault, fault.file)]);
    expect(forecast?.because).toContain('(runtime.misconfigured: no TOML)');
  });

  test('that fails as it does today, or goes as it does today, is no news', () => {
    expect(shown([config], [of('next_start', refused)], fails(refused))).toEqual([]);
    expect(shown([config], [of('next_start')])).toEqual([]);
  });

  test('that goes where it fails today waits for its programs', () => {
    const [forecast] = shown([providers], [of('next_start')], fails(refused));
    expect(forecast).toMatchObject({ effect: 'none', fault: 'tcp.refused', remedy: 'Restart the kubelet.' });
  });

  test('that could not be told is said to be so', () => {
    const fault: Fault = { code: 'agent.cannot_see', what: 'a file', why: 'permission denied' };
    expect(shown([config], [of('next_start', fault)])).toMatchObject([
      { likelihood: 'unknown', fault: 'agent.cannot_see' },
    ]);
  });
});

test('credential providers that nobody saw in time matter where a registry asks who is there', () => {
  const doubts: readonly Doubt[] = [{ is: 'if_restarted', about: 'credentials', because: providers.because }];
  const challenged = {
    ...well,
    exchanges: [exchange('resolve', 'https://reg.test/v2/', { outcome: good({ status: 401, bytes: 0 }) })],
  };
  const open = { ...well, exchanges: [exchange('resolve', 'https://reg.test/v2/')] };
  expect(shown([], [], { node: { doubts }, rehearsal: { attempts: [open] } })).toEqual([]);
  expect(shown([], [], { node: { doubts }, rehearsal: { attempts: [challenged] } })).toMatchObject([
    { about: "the kubelet's credential providers", likelihood: 'unknown' },
  ]);
});
