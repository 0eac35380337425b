/** A real Prometheus scrapes a real agent: every query of the dashboard and of every alert is understood, and finds what there is. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { busyNode, type BusyNode } from '../kit/busy-node.ts';
import { needs } from '../kit/installed.ts';
import { metricsIn, queries, rules, rulesPath } from '../kit/monitoring.ts';
import { prometheus, type Prometheus } from '../kit/prometheus.ts';
import { seriesIn } from '../kit/scrapes.ts';
import { wholeAgent, type WholeAgent } from '../kit/whole-agent.ts';

/** The ten Pods' images and the sandbox's. */
const everyImage = 11;
const patience = { timeout: 30_000, interval: 200 };

describe.runIf(needs(['prometheus']))('Prometheus', { timeout: 60_000 }, () => {
  let node: BusyNode;
  let agent: WholeAgent;
  let server: Prometheus;
  let exported: ReadonlySet<string>;

  beforeAll(async () => {
    node = await busyNode();
    agent = await wholeAgent(node.config);
    const text = (): Promise<string> => agent.get('/metrics');
    await agent.until(
      async () =>
        (await agent.reports()).length === everyImage && /^drypull_last_pass_timestamp_seconds \d/m.test(await text()),
    );
    node.rollOut();
    await agent.until(async () => /drypull_predictions_total\{outcome="hit"\} [1-9]/.test(await text()));
    exported = new Set(seriesIn(await text()).map(({ name }) => name));
    const { host } = new URL(/page of node \S+ is at (\S+)/.exec(agent.logged.join(''))?.[1] ?? '');
    server = await prometheus({ target: host, rules: rulesPath, job: 'drypull' });
    // Two scrapes make a rate, and recorded series are there only after an evaluation.
    await vi.waitUntil(async () => (await server.query('drypull:images:verdicts offset 1s')).results > 0, patience);
    await vi.waitUntil(async () => (await server.query('rate(drypull_rehearsals_total[5m])')).results > 0, patience);
  }, 60_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await agent[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
  });

  test.each([...new Set(queries)])('answers the panel %s', async (query) => {
    const { error, results } = await server.query(query);
    expect(error).toBe('');
    const isThere = metricsIn(query).every((name) => exported.has(name));
    // A comparison leaves out what is well.
    if (isThere && !/[<>=]= ?\d| [<>] \d/.test(query)) expect(results).toBeGreaterThan(0);
  });

  test.each(rules.map(({ alert, record, expr }) => [alert ?? record ?? '', expr] as const))(
    'understands %s',
    async (_, expr) => {
      expect((await server.query(expr)).error).toBe('');
    },
  );

  test('finds the series of every alert that the agent exports', async () => {
    const asked = new Set(rules.flatMap(({ expr }) => metricsIn(expr)).filter((name) => exported.has(name)));
    expect(asked.size).toBeGreaterThan(5);
    for (const name of asked) expect((await server.query(name)).results, name).toBeGreaterThan(0);
  });

  test('evaluates the rules without an error', async () => {
    expect((await server.query('sum(prometheus_rule_evaluation_failures_total) > 0')).results).toBe(0);
    expect((await server.query('drypull:agents:count')).results).toBe(1);
  });
});
