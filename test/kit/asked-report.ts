/** Reports by what was asked of whom, and how that ended: for fleets whose wire is a table. */
import type { Fault } from '#report/fault.ts';
import type { Exchange } from '#report/rehearsal.ts';
import type { PublicRoute, PullReport } from '#report/report.ts';
import { stageOf } from '#runtime/attempt/trouble.ts';
import { exchange } from './exchanges.ts';

export interface AskedReport {
  readonly image: string;
  readonly registry: string;
  readonly mirror?: string;
  readonly atMs: number;
  /** Requests to each host, in order; one that did not open was sent none. */
  readonly asked: readonly { readonly host: string; readonly requests: number; readonly status: number | 'shut' }[];
  /** Absent: it pulls. */
  readonly fault?: Fault;
}

export function askedReport({ image, registry, mirror, atMs, asked, fault }: AskedReport): PullReport {
  const hosts = mirror === undefined ? [registry] : [mirror, registry];
  const routes = hosts.map((host): PublicRoute => ({
    url: `https://${host}/v2`,
    role: host === mirror ? 'mirror' : 'origin',
    resolves: true,
    tls: 'verified',
    because: '',
  }));
  const exchanges = asked.flatMap(({ host, requests, status }) =>
    Array.from({ length: status === 'shut' ? 1 : requests }, () => sent(host, hosts.indexOf(host), status)),
  );
  const confidence = { is: 'exact', because: [] } as const;
  const is = fault?.code.startsWith('agent.') === true ? 'unknown' : 'fails';
  return {
    version: 1,
    node: 'node',
    at: new Date(atMs).toISOString(),
    ms: 0,
    image,
    reference: image,
    registry,
    policy: 'IfNotPresent',
    requestedBy: [],
    verdict: fault === undefined ? { is: 'pulls', confidence } : { is, fault, stage: stageOf(fault), confidence },
    forecasts: [],
    plan: {
      runtime: 'containerd 2.1.9',
      engine: 'transfer',
      platform: 'linux/amd64',
      identities: [],
      routes,
      doubts: [],
    },
    attempts: [{ as: 'anonymous', exchanges, ending: endingOf(fault) }],
    evidence: [],
    warnings: [],
  };
}

function sent(host: string, route: number, status: number | 'shut'): Exchange {
  const url = `https://${host}/v2/x/manifests/1`;
  if (status !== 'shut') return exchange('resolve', url, { route, outcome: { ok: true, value: { status, bytes: 0 } } });
  return exchange('resolve', url, { route, outcome: { ok: false, fault: shutFault } });
}

export const shutFault: Fault = { code: 'tcp.refused', address: '192.0.2.1', port: 443 };

function endingOf(fault: Fault | undefined): PullReport['attempts'][number]['ending'] {
  if (fault !== undefined) return { is: 'failed', fault, stage: stageOf(fault), shown: '' };
  const content = { digest: '', mediaType: '', resolvedBy: 0, layers: 0, bytes: 0, blobHosts: [] } as const;
  return { is: 'pulled', content: { ...content, depth: 'resolved' } };
}
