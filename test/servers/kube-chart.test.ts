/** The chart against Kubernetes' own API server, which defaults and validates each object; nothing is stored. */
import { describe, expect, test } from 'vitest';
import { helm, chart, merged, type Values, valuesOf } from '../kit/chart.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { needs } from '../kit/installed.ts';
import { componentGrants } from '../kit/kube-grants.ts';

const isHere = hasKubeApiserver() && needs(['helm']);
/** The objects of the Prometheus Operator need its definitions. */
const components = Object.keys(componentGrants).filter((name) => name !== 'monitoring');

describe.runIf(isHere)('helm upgrade --install --dry-run=server', { timeout: 120_000 }, () => {
  test.each<[string, Values]>([
    ['the defaults', {}],
    ['every component', merged(...components.map(valuesOf))],
    ['a network policy', { catalog: { enabled: true }, networkPolicy: { enabled: true } }],
  ])('accepts %s', async (_what, values) => {
    await using server = await KubeApiserver.open();
    await server.admin('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'drypull' },
    });
    const kubeconfig = await server.kubeconfig();
    const args = ['upgrade', '--install', 'drypull', chart, '--namespace', 'drypull', '--dry-run=server'];
    const { status, stderr } = helm([...args, '--kubeconfig', kubeconfig, '--values', '-'], JSON.stringify(values));
    expect([status, stderr]).toEqual([0, '']);
  });
});
