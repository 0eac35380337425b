/** One running Pod as an API server of a busy cluster tells it: ten KiB, most of which concerns nobody who pulls images. */
import type { Json } from '../test/kit/fake-kube-json.ts';
import { secretNamespace } from './pods.ts';

export interface Wanted {
  readonly written: string;
  readonly secret?: string;
}

const at = '2026-11-21T00:59:58Z';
const hex = (n: number, length: number): string => n.toString(16).padStart(length, '0');
const many = <T>(count: number, make: (i: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** Always pulled: of no image it is enough that the node has it. */
export function podOf(n: number, { written, secret }: Wanted): Json {
  const name = `app-${n}-${hex(n * 2_654_435, 10)}-x${n % 10}k2p`;
  const labels = Object.fromEntries(many(8, (i) => [`app.kubernetes.io/label-${i}`, `app-${n}-value-${i}`]));
  return {
    metadata: {
      name,
      generateName: name.slice(0, -5),
      namespace: secret === undefined ? `team-${n % 20}` : secretNamespace,
      uid: `0f3c1b52-6a1d-4c55-9a70-${hex(n, 12)}`,
      creationTimestamp: at,
      labels,
      annotations: Object.fromEntries(many(5, (i) => [`example.test/annotation-${i}`, `sha256:${hex(n + i, 64)}`])),
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: name.slice(0, -6), uid: hex(n, 32), controller: true },
      ],
      managedFields: many(2, (i) => managed(i)),
    },
    spec: {
      containers: [container(n, written)],
      ...(secret === undefined ? {} : { imagePullSecrets: [{ name: secret }] }),
      volumes: many(6, (i) => ({ name: `volume-${i}`, configMap: { name: `settings-${n}-${i}`, defaultMode: 420 } })),
      tolerations: many(4, (i) => ({ key: `node.kubernetes.io/taint-${i}`, operator: 'Exists', effect: 'NoExecute' })),
      restartPolicy: 'Always',
      serviceAccountName: `app-${n}`,
      nodeName: 'node1',
    },
    status: status(n, written),
  };
}

function container(n: number, written: string): Json {
  return {
    name: 'app',
    image: written,
    imagePullPolicy: 'Always',
    command: ['/app', ...many(6, (i) => `--option-${i}=value-of-${n}`)],
    env: many(25, (i) => ({
      name: `SETTING_NUMBER_${i}`,
      value: `https://service-${i}.team-${n}.svc.cluster.local:8443`,
    })),
    resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: many(6, (i) => ({ name: `volume-${i}`, mountPath: `/etc/app/settings-${i}`, readOnly: true })),
    livenessProbe: { httpGet: { path: '/livez', port: 8080, scheme: 'HTTP' }, periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { httpGet: { path: '/readyz', port: 8080, scheme: 'HTTP' }, periodSeconds: 10 },
  };
}

function managed(i: number): Json {
  const fields = Object.fromEntries(many(40, (k) => [`f:field-${i}-${k}`, { '.': {}, 'f:name': {}, 'f:value': {} }]));
  const fieldsV1 = { 'f:metadata': { 'f:labels': fields } };
  return { manager: `kube-${i}`, operation: 'Update', apiVersion: 'v1', time: at, fieldsType: 'FieldsV1', fieldsV1 };
}

function status(n: number, written: string): Json {
  return {
    phase: 'Running',
    conditions: many(5, (i) => ({
      type: `Condition${i}`,
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: at,
    })),
    hostIP: '10.0.0.1',
    podIP: `10.244.${Math.floor(n / 250)}.${n % 250}`,
    startTime: at,
    containerStatuses: [
      {
        name: 'app',
        state: { running: { startedAt: at } },
        lastState: {},
        ready: true,
        restartCount: 0,
        image: written,
        imageID: `${written.slice(0, written.lastIndexOf(':'))}@sha256:${hex(n, 64)}`,
        containerID: `containerd://${hex(n, 64)}`,
        started: true,
      },
    ],
    qosClass: 'Burstable',
  };
}
