import { describe, expect, test } from 'vitest';
import { busyNode } from './kit/busy-node.ts';
import { wholeAgent } from './kit/whole-agent.ts';

describe('a node with ten Pods, two registries, three kinds of pull secrets and a plugin', () => {
  test('debug', async () => {
    await using node = await busyNode('nodeCondition: on\nnodeEvents: on');
    await using agent = await wholeAgent(node.config);
    await agent.until(async () => (await agent.reports()).length >= 11);
    const reports = await agent.reports();
    for (const r of reports) console.log(r.id ?? r.image, r.verdict.is, 'fault' in r.verdict ? r.verdict.fault : '', r.wantedBy.map((w) => w.name).join());
    console.log(agent.said.slice(0,3));
    node.rollOut();
    await agent.until(() => agent.lines('prediction scored').length + agent.lines('a pull was not predicted').length >= 10);
    for (const l of [...agent.lines('prediction scored'), ...agent.lines('a pull was not predicted')]) console.log(JSON.stringify(l));
    console.log(JSON.stringify(node.kube.written.map((w) => w.body)).slice(0, 3000));
    expect(1).toBe(1);
  });
});
