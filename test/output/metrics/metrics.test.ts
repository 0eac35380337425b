import { describe, expect, test } from 'vitest';
import { diskReadings } from '#kubelet/disk-reading.ts';
import type { Ledger } from '#report/ledger.ts';
import { noScores } from '#report/ledger.ts';
import { hubQuota, runningOut } from '../../kit/hub-quota.ts';
import { entry, ledgerOf, node7, now, pulling, reports, startingLedger } from '../../kit/ledger.ts';
import { GiB, nodeWith } from '../../kit/disks.ts';
import { nodeOf } from '../../kit/stage.ts';
import { metricsOver } from '../../kit/metrics.ts';
import { scored, scores } from '../../kit/scores.ts';

async function lines(ledger: Ledger, over: Parameters<typeof metricsOver>[1] = {}): Promise<readonly string[]> {
  const metrics = metricsOver(() => ledger, over);
  for (const { report } of ledger.entries) metrics.observe(report);
  const { body } = await metrics.scrape();
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
const named = (all: readonly string[], name: string): readonly string[] =>
  all.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

describe('a scrape', () => {
  test('counts images by registry and verdict, with zeros', async () => {
    const all = await lines(ledgerOf([entry(reports.pulls), entry(reports.badTag)]));
    expect(named(all, 'drypull_images')).toEqual([
      'drypull_images{registry="registry.example.com",verdict="pulls"} 1',
      'drypull_images{registry="registry.example.com",verdict="at_risk"} 0',
      'drypull_images{registry="registry.example.com",verdict="fails"} 1',
      'drypull_images{registry="registry.example.com",verdict="unknown"} 0',
    ]);
  });

  test('names only the images that do not pull', async () => {
    expect(named(await lines(node7), 'drypull_image_not_pulling')).toHaveLength(5);
    expect(
      named(await lines(ledgerOf([entry(reports.refused), entry(reports.pulls)])), 'drypull_image_not_pulling'),
    ).toEqual([
      'drypull_image_not_pulling{image="harbor.corp.example/payments/api:2.14.0",registry="harbor.corp.example",verdict="fails",fault="tcp.refused",owner="network",stage="tcp"} 1',
    ]);
  });

  test('caps the images it names and says how many it left out, the failing ones first', async () => {
    const all = await lines(node7, { perImageSeries: () => 2 });
    expect(named(all, 'drypull_image_not_pulling')).toHaveLength(2);
    expect(named(all, 'drypull_image_not_pulling').join()).not.toContain('verdict="unknown"');
    expect(named(all, 'drypull_images_not_pulling_unlisted')).toEqual(['drypull_images_not_pulling_unlisted 3']);
  });

  test('tells of each file system by its uses, with the threshold in force', async () => {
    const ledger = {
      ...ledgerOf([]),
      disks: diskReadings(nodeWith({ kubelet: [{ evictionHard: { 'nodefs.available': '1Gi' } }] })),
    };
    const all = await lines(ledger);
    const uses = ['nodefs', 'imagefs', 'containerfs', 'content', 'snapshots'];
    const every = (name: string, value: number): readonly string[] =>
      uses.map((use) => `${name}{filesystem="${use}"} ${value}`);
    expect(named(all, 'drypull_disk_free_bytes')).toEqual(every('drypull_disk_free_bytes', 50 * GiB));
    expect(named(all, 'drypull_disk_threshold_bytes')).toEqual(every('drypull_disk_threshold_bytes', GiB));
    expect(named(all, 'drypull_disk_inodes')).toEqual(every('drypull_disk_inodes', 6_000_000));
    expect(named(all, 'drypull_disk_threshold_inodes')).toEqual([]);
  });

  test('tells of no disk that was not seen', async () => {
    const ledger = { ...ledgerOf([]), disks: diskReadings(nodeOf()) };
    expect((await lines(ledger)).filter((line) => line.startsWith('drypull_disk_'))).toEqual([]);
  });

  test('an image that is gone leaves no series', async () => {
    let ledger = ledgerOf([entry(reports.refused)]);
    const metrics = metricsOver(() => ledger);
    expect((await metrics.scrape()).body).toContain('payments/api');
    ledger = ledgerOf([entry(reports.pulls)]);
    expect((await metrics.scrape()).body).not.toContain('payments/api');
  });

  test('the number of registries is bounded', async () => {
    const many = Array.from({ length: 300 }, (_, n) =>
      entry(pulling({ image: `r${n}.example/a:1`, registry: `r${n}.example` })),
    );
    const all = await lines(ledgerOf(many));
    const registries = new Set(all.map((line) => /[{,]registry="([^"]*)"/.exec(line)?.[1]));
    expect(registries.size).toBeLessThanOrEqual(102);
    expect(named(all, 'drypull_images')).toContain('drypull_images{registry="other",verdict="pulls"} 250');
    expect(named(all, 'drypull_certificate_expiry_timestamp_seconds').length).toBeLessThanOrEqual(51);
  });

  test('a hostile image name is one escaped label of bounded length', async () => {
    const image = `a"} 1\nevil{x="${'y'.repeat(2000)}`;
    const all = await lines(ledgerOf([entry({ ...reports.refused, image })]));
    expect(all.filter((line) => line.startsWith('evil'))).toEqual([]);
    expect(named(all, 'drypull_image_not_pulling').join().length).toBeLessThan(700);
  });

  test('each step is observed once per rehearsal, not per scrape', async () => {
    const metrics = metricsOver(() => node7);
    metrics.observe(reports.refused);
    await metrics.scrape();
    const { body } = await metrics.scrape();
    expect(body).toContain('drypull_step_duration_seconds_count{stage="dns",registry="harbor.corp.example"} 1');
    expect(body).toContain('drypull_step_duration_seconds_count{stage="tcp",registry="harbor.corp.example"} 1');
  });

  test('rehearsals are counted by verdict and fault', async () => {
    const all = await lines(node7);
    expect(named(all, 'drypull_rehearsals_total')).toContain(
      'drypull_rehearsals_total{verdict="fails",fault="tcp.refused"} 1',
    );
    expect(named(all, 'drypull_rehearsals_total')).toContain(
      'drypull_rehearsals_total{verdict="pulls",fault="none"} 6',
    );
  });

  test('tells when certificates end', async () => {
    expect(
      named(await lines(ledgerOf([entry(reports.pulls)])), 'drypull_certificate_expiry_timestamp_seconds'),
    ).toContain(
      `drypull_certificate_expiry_timestamp_seconds{registry="registry.example.com",host="registry.example.com"} ${Date.parse('2026-09-01') / 1000}`,
    );
  });

  test('tells what is left of a quota, by whom it is counted, and when it will be used up', async () => {
    const minute = 60_000;
    const running = hubQuota(now, runningOut);
    const quotas = [
      running,
      { ...running, account: 'ci', family: 'any', source: 'ci', points: [[now, 180]], limit: 200 },
      { ...running, account: 'old', seenMs: now - 180 * minute },
      { ...running, account: 'paid', actual: 'nothing', points: [] },
    ] as const;
    const all = await lines(ledgerOf([], { quotas }));
    expect(named(all, 'drypull_rate_limit_remaining')).toEqual([
      'drypull_rate_limit_remaining{registry="docker.io",source="192.0.2.1",account="anonymous",family="ipv4"} 40',
      'drypull_rate_limit_remaining{registry="docker.io",source="ci",account="ci",family="any"} 180',
    ]);
    expect(named(all, 'drypull_rate_limit_limit')).toHaveLength(2);
    const [ends, ...others] = named(all, 'drypull_rate_limit_exhaustion_seconds');
    expect(ends).toMatch(
      /^drypull_rate_limit_exhaustion_seconds\{registry="docker.io",source="192.0.2.1"\} 2[34]\d\d$/,
    );
    expect(others).toEqual([]);
  });

  test('where nobody remembers, nothing is claimed about quotas', async () => {
    expect((await lines(node7)).filter((line) => line.startsWith('drypull_rate_limit'))).toEqual([]);
  });

  test('predictions are counted by what became of them, all four from the start', async () => {
    const counted = named(await lines(ledgerOf(node7.entries, { scores })), 'drypull_predictions_total');
    expect(counted).toEqual([
      'drypull_predictions_total{outcome="hit"} 3',
      'drypull_predictions_total{outcome="miss"} 1',
      'drypull_predictions_total{outcome="false_alarm"} 1',
      'drypull_predictions_total{outcome="correct_rejection"} 2',
    ]);
    const fresh = await lines(ledgerOf(node7.entries, { scores: noScores }));
    expect(named(fresh, 'drypull_predictions_total')).toContain('drypull_predictions_total{outcome="miss"} 0');
    expect(named(fresh, 'drypull_predictions_unscored_total')).toEqual(['drypull_predictions_unscored_total 0']);
  });

  test('where nobody watches the kubelet nothing is claimed about predictions', async () => {
    const all = await lines(node7);
    expect(all.filter((line) => line.startsWith('drypull_predictions'))).toEqual([]);
  });

  test('the lead of a hit is observed once, and that of nothing else', async () => {
    const metrics = metricsOver(() => ledgerOf(node7.entries, { scores }));
    for (const found of scored) metrics.scored(found);
    await metrics.scrape();
    const { body } = await metrics.scrape();
    expect(body).toContain('drypull_prediction_lead_seconds_count 3');
    expect(body).toContain(`drypull_prediction_lead_seconds_sum ${3 * 14 * 60}`);
    expect(body).toContain('drypull_prediction_lead_seconds_bucket{le="900"} 3');
    expect(body).toContain('drypull_prediction_lead_seconds_bucket{le="300"} 0');
  });

  test('a starting agent claims nothing about the node', async () => {
    const all = await lines(startingLedger());
    expect(named(all, 'drypull_node_ready')).toEqual([]);
    expect(named(all, 'drypull_last_pass_timestamp_seconds')).toEqual([]);
    expect(named(all, 'drypull_images_asked')).toEqual(['drypull_images_asked 1']);
    expect(named(await lines(node7), 'drypull_node_ready')).toEqual(['drypull_node_ready 0']);
  });
});
