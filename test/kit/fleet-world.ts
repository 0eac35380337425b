/** A fleet on loopback: Nodes and agents' Pods in a fake API server, whose forwarded ports end at listeners of the test. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fleet, openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import { listenForChecks } from '#output/http/open-listener.ts';
import type { CheckListener } from '#output/http/check-listener.ts';
import { FakeKube, token } from './fake-kube.ts';
import type { Json } from './fake-kube-json.ts';
import type { Ending } from './fake-port-forward.ts';
import { askerGrants } from './kube-grants.ts';
import { node7, now } from './ledger.ts';
import { scratch } from './program.ts';

export interface NodeSketch {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Json[];
  readonly unschedulable?: boolean;
  readonly runtime?: string;
  /** Where its agent answers; absent: no agent runs there. */
  readonly agent?: Ending;
  readonly waiting?: string;
}

export function nodeObject({ name, labels, taints, unschedulable, runtime }: NodeSketch): Json {
  return {
    metadata: { name, labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', ...labels } },
    spec: { ...(taints === undefined ? {} : { taints }), ...(unschedulable === true ? { unschedulable } : {}) },
    status: {
      nodeInfo: {
        containerRuntimeVersion: runtime ?? 'containerd://2.1.9',
        operatingSystem: 'linux',
        architecture: labels?.['kubernetes.io/arch'] ?? 'amd64',
      },
    },
  };
}

export function agentObject({ name, waiting }: NodeSketch): Json {
  const state = waiting === undefined ? { running: {} } : { waiting: { reason: waiting } };
  return {
    metadata: {
      name: `drypull-${name}`,
      namespace: 'drypull',
      uid: `uid-${name}`,
      resourceVersion: '1',
      labels: { 'app.kubernetes.io/name': 'drypull' },
    },
    spec: { nodeName: name },
    status: { phase: 'Running', containerStatuses: [{ state }] },
  };
}

export interface FleetWorld extends AsyncDisposable {
  readonly kube: FakeKube;
  readonly fleet: Fleet;
  /** A file that a command line takes. */
  readonly kubeconfig: string;
}

export async function fleetWorld(nodes: readonly NodeSketch[]): Promise<FleetWorld> {
  const kube = await new FakeKube().listen();
  kube.grants = askerGrants;
  kube.fleet = nodes.map(nodeObject);
  for (const sketch of nodes) {
    if (sketch.agent === undefined) continue;
    kube.pods.set(`uid-${sketch.name}`, agentObject(sketch));
    kube.endings.set(`drypull/drypull-${sketch.name}`, sketch.agent);
  }
  const directory = await scratch('fleet');
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(kube.url));
  const opened = openFleet({ kubeconfig, env: {}, clockMs: () => performance.now() });
  if (!opened.ok) throw new Error(opened.fault.code);
  return {
    kube,
    kubeconfig,
    fleet: opened.value,
    [Symbol.asyncDispose]: async () => {
      await kube.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** JSON is YAML. */
export function kubeconfigOf(server: string, over: { readonly user?: Json; readonly cluster?: Json } = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true, ...over.cluster } }],
    users: [{ name: 'u', user: over.user ?? { token } }],
    contexts: [{ name: 'shop', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'shop',
  });
}

/** A real check listener, and where a forwarded port ends at it. */
export async function listener(
  source: Partial<CheckListener>,
): Promise<{ readonly ending: { readonly is: 'port'; readonly port: number } } & AsyncDisposable> {
  const opened = await listenForChecks(
    { host: '127.0.0.1', port: 0 },
    {
      ledger: () => node7,
      now: () => now,
      check: () => Promise.resolve([]),
      atOnce: 2,
      bodyBytes: 1 << 20,
      ...source,
    },
  );
  if (!opened.ok) throw new Error(opened.why);
  const { port, close } = opened.value;
  return { ending: { is: 'port', port }, [Symbol.asyncDispose]: () => close(0) };
}
