/**
 * The agents of a real cluster, asked through its own API server, kubelets and runtimes. Only where one is named:
 * KUBECONFIG_OF_AGENTS=/path/to/kubeconfig of a cluster in which manifests/base runs, as somebody bound to drypull-asker.
 */
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, test } from 'vitest';
import { openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import { httpOver } from '#kubernetes/port-forward/http-over.ts';
import { forward, type Protocol } from '#kubernetes/port-forward/port-forward.ts';
import { dialects } from '../kit/fake-port-forward.ts';
import { runCheckNodes } from '../kit/run-check-nodes.ts';

const kubeconfig = process.env['KUBECONFIG_OF_AGENTS'] ?? '';
const isHere = kubeconfig !== '';
if (!isHere)
  process.stderr.write('\n!!! a real cluster with agents is left out: KUBECONFIG_OF_AGENTS=/path/to/kubeconfig\n');

describe.runIf(isHere)('the agents of a real cluster', { timeout: 120_000 }, () => {
  const signal = AbortSignal.timeout(100_000);

  async function firstAgent(): Promise<{ readonly namespace: string; readonly pod: string; readonly node: string }> {
    const opened = openFleet({ kubeconfig, env: {}, clockMs: () => performance.now() });
    if (!opened.ok) throw new Error(opened.fault.code);
    const agents = await opened.value.agents('drypull', signal);
    if (agents.is !== 'listed' || agents.items[0] === undefined) throw new Error(JSON.stringify(agents));
    return agents.items[0];
  }

  async function get(port: number, protocol: Protocol['protocol']): Promise<unknown> {
    const { namespace, pod } = await firstAgent();
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const options = {};
    await config.applyToHTTPSOptions(options);
    const how = { protocol };
    const server = config.getCurrentCluster()?.server ?? '';
    const forwarded = await forward({ namespace, pod, port }, { server, options, signal }, how);
    if (forwarded.is !== 'forwarded') throw new Error(JSON.stringify(forwarded));
    expect(how.protocol).toBe(protocol);
    const exchange = { method: 'GET', path: '/node', host: `127.0.0.1:${port}`, maxBytes: 1 << 20, signal } as const;
    const { status, text } = await httpOver(forwarded.tunnel, exchange);
    return [status, JSON.parse(text ?? '')];
  }

  test.each(dialects)('are reached in %s', async (dialect) => {
    const { node } = await firstAgent();
    expect(await get(9468, dialect)).toMatchObject([200, { version: 1, node }]);
  });

  test.each(dialects)('a port where nobody listens is told as such in %s', async (dialect) => {
    await expect(get(9, dialect)).rejects.toThrow(/error forwarding port 9 to pod .*connection refused/);
  });

  test('answer a check, each for its node', async () => {
    const { stdout } = await runCheckNodes(['--all-nodes', 'registry.invalid/a:1', '-o', 'json'], { kubeconfig });
    const { nodes, reports } = JSON.parse(stdout) as { nodes: { name: string; is: string }[]; reports: unknown[] };
    expect(nodes.map(({ is }) => is)).toContain('answered');
    expect(reports).toHaveLength(nodes.length);
  });
});
