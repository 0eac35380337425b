import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { node7 } from '../kit/ledger.ts';
import { needs } from '../kit/installed.ts';
import { metricsOver } from '../kit/metrics.ts';
import { scored, scores } from '../kit/scores.ts';

test.runIf(needs(['promtool']))('Prometheus finds nothing to complain about in a scrape', async () => {
  const metrics = metricsOver(() => ({ ...node7, scores }));
  for (const { report } of node7.entries) metrics.observe(report);
  for (const found of scored) metrics.scored(found);
  metrics.reloaded('ok');
  metrics.certificateRenewed('refused');
  const { body } = await metrics.scrape();
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  expect(`${checked.stdout}${checked.stderr}`).toBe('');
  expect(checked.status).toBe(0);
});
