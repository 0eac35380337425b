/** The alerts, tried on what agents really exported: which of them fire for a fleet, and which keep still. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../kit/installed.ts';
import { complaint, type Firing, type Input } from '../kit/promtool.ts';
import { scrapeNodes, type Fate, type Scrapes, type Series } from '../kit/scrapes.ts';

const rules = fileURLToPath(new URL('../../manifests/components/monitoring/drypull.rules.yaml', import.meta.url));

describe.runIf(needs(['promtool']))('the alerts', () => {
  let scrapes: Scrapes;
  let [badTag, ending]: [Firing | undefined, Firing | undefined] = [undefined, undefined];

  beforeAll(async () => {
    scrapes = await scrapeNodes();
    const other = scrapes.of.well.find(({ name }) => name === 'drypull_image_not_pulling')?.labels ?? '';
    const [, registry = ''] = /registry="([^"]+)"/.exec(other) ?? [];
    const of = { registry, image: `${registry}/team/app:gone`, fault: 'manifest.unknown_tag', severity: 'warning' };
    badTag = { alert: 'DrypullImageWillNotPull', labels: of };
    ending = {
      alert: 'DrypullCertificateEnds',
      labels: { host: scrapes.down.split(':')[0] ?? '', severity: 'critical' },
    };
  }, 60_000);

  /** Every certificate's end as seen from the beginning of promtool's time. */
  function inItsTime(one: Series): string {
    const isEnd = one.name === 'drypull_certificate_expiry_timestamp_seconds';
    return `${isEnd ? Number(one.value) - scrapes.scrapedAtS : one.value}x90`;
  }

  function fleet(...counts: readonly (readonly [fate: Fate, nodes: number])[]): readonly Input[] {
    const all = counts.flatMap(([fate, nodes]) => Array.from({ length: nodes }, () => fate));
    return all.map((fate, n) => ({ instance: `node-${n}:9467`, series: scrapes.of[fate], values: inItsTime }));
  }

  const known = (...firing: readonly (Firing | undefined)[]): readonly Firing[] => firing.flatMap((one) => one ?? []);
  const logged = (inputs: readonly Input[], expected: readonly Firing[], minute = 60): string =>
    complaint(rules, inputs, { minute, expected });
  const nodeAlert = (n: number): Firing => ({
    alert: 'DrypullNodeCannotPull',
    labels: { instance: `node-${n}:9467`, registry: scrapes.down, fault: 'tcp.refused', severity: 'warning' },
  });

  test('are rules that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', rules], { encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
  });

  test('of ten nodes that reach everything name the tag that nobody pushed and the certificate that ends tomorrow', () => {
    expect(logged(fleet(['well', 10]), known(badTag, ending))).toBe('');
  });

  test('for one node of ten that does not reach a registry name that node', () => {
    expect(logged(fleet(['one_down', 1], ['well', 9]), known(badTag, ending, nodeAlert(0)))).toBe('');
  });

  test('for seven nodes of ten that do not reach a registry name the registry, and no node', () => {
    const down = { alert: 'DrypullRegistryDown', labels: { registry: scrapes.down, severity: 'critical' } };
    expect(logged(fleet(['one_down', 7], ['well', 3]), known(badTag, ending, down))).toBe('');
  });

  test('for eight nodes of ten that reach nothing name egress, and neither registries nor nodes', () => {
    const down = { alert: 'DrypullEgressDown', labels: { severity: 'critical' } };
    expect(logged(fleet(['cut_off', 8], ['well', 2]), known(badTag, ending, down))).toBe('');
  });

  test('for the one node of a small cluster name the node', () => {
    expect(logged(fleet(['one_down', 1]), known(badTag, nodeAlert(0)))).toBe('');
  });

  test('keep still while trouble is younger than ten minutes', () => {
    expect(logged(fleet(['one_down', 1], ['well', 9]), known(), 4)).toBe('');
  });

  test('keep still when there is nothing wrong', () => {
    const well = scrapes.of.well.filter(({ labels, name }) => !labels.includes('gone') && !name.includes('expiry'));
    const inputs = [{ instance: 'node-0:9467', series: well.map(withoutFailures) }];
    expect(logged(inputs, [])).toBe('');
  });

  test('say that nobody is scraped any more', () => {
    const gone = { alert: 'DrypullGone', labels: { severity: 'warning' } };
    const inputs = fleet(['well', 1]).map((one) => ({ ...one, values: () => '1x5' }));
    expect(logged(inputs, [gone], 40)).toBe('');
  });

  test.each<[string, string, Firing, (value: string) => string]>([
    [
      'an agent that stands still',
      'drypull_stale',
      fires('DrypullStandsStill', 'warning', { instance: 'node-0:9467' }),
      () => '1x90',
    ],
    ['a quota that is used up', 'drypull_rate_limit_remaining', fires('DrypullQuotaUsedUp', 'critical'), () => '0x90'],
    [
      'a miss',
      'drypull_predictions_total',
      fires('DrypullMissedFailure', 'info', { instance: 'node-0:9467' }),
      () => '0+1x90',
    ],
    ['a pull that was spent', 'drypull_pulls_spent_total', fires('DrypullSpendsQuota', 'warning'), () => '0+1x90'],
    [
      '429s of our own',
      'drypull_self_inflicted_rate_limits_total',
      fires('DrypullIsThrottled', 'warning'),
      () => '0+1x90',
    ],
    [
      'a quota that runs out',
      'drypull_rate_limit_exhaustion_seconds',
      fires('DrypullQuotaRunsOut', 'warning'),
      () => '1200x90',
    ],
  ])('tell of %s', (_, name, { alert }, values) => {
    const labels = name.includes('predictions') ? 'outcome="miss"' : 'registry="docker.io"';
    const series = [
      { name: 'drypull_build_info', labels: 'version="1"', value: '1' },
      { name, labels: name === 'drypull_stale' ? '' : labels, value: '0' },
    ];
    const inputs = [
      { instance: 'node-0:9467', series, values: (one: Series) => (one.name === name ? values(one.value) : '1x90') },
    ];
    const complaints = complaint(rules, inputs, { minute: 60, expected: [] });
    expect(complaints).toContain(`alertname="${alert}"`);
  });
});

function fires(alert: string, severity: string, labels: Readonly<Record<string, string>> = {}): Firing {
  return { alert, labels: { severity, ...labels } };
}

function withoutFailures(one: Series): Series {
  return one.name === 'drypull_images_failing' || /verdict="fails"/.test(one.labels) ? { ...one, value: '0' } : one;
}
