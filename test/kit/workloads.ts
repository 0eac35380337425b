/** Workloads as an API server tells them, with what concerns a pull and little else. */
import type { Json } from './fake-kube-json.ts';

export interface WorkloadRequest {
  readonly name: string;
  readonly namespace?: string;
  readonly image?: string;
  /** Over the Pod's spec. */
  readonly pod?: Json;
  readonly spec?: Json;
  readonly metadata?: Json;
  readonly status?: Json;
}

function metadataOf({ name, namespace = 'shop', metadata }: WorkloadRequest): Json {
  return { name, namespace, ...metadata };
}

export function podTemplate({ image = 'reg.test/app:1', pod }: Pick<WorkloadRequest, 'image' | 'pod'>): Json {
  const container = { name: 'web', image, imagePullPolicy: 'IfNotPresent', resources: { limits: { memory: '64Mi' } } };
  return { metadata: { labels: { app: 'a' } }, spec: { containers: [container], ...pod } };
}

/** Anything with spec.template: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, and many a custom resource. */
export function templated(request: WorkloadRequest): Json {
  const { spec, status } = request;
  return {
    metadata: metadataOf(request),
    spec: { template: podTemplate(request), ...spec },
    ...(status ? { status } : {}),
  };
}

export function cronJob(request: WorkloadRequest): Json {
  const jobTemplate = { spec: { template: podTemplate(request) } };
  return { metadata: metadataOf(request), spec: { schedule: '0 3 * * *', jobTemplate, ...request.spec } };
}

export function ownedBy(kind: string, name = 'owner'): Json {
  return { ownerReferences: [{ apiVersion: 'x/v1', kind, name, uid: 'u', controller: true }] };
}

/** drypull's own Pod on a node. */
export function agentPod(node: string, zone?: string): Json {
  const labels = {
    'app.kubernetes.io/name': 'drypull',
    ...(zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone }),
  };
  return {
    metadata: { name: `drypull-${node}`, namespace: 'drypull', uid: `agent-on-${node}`, labels },
    spec: { nodeName: node, containers: [{ name: 'drypull', image: 'drypull:0.1.0' }] },
    status: { phase: 'Running' },
  };
}
