/** The one table of the configuration: for each field its variable, its default, how it is read and written, and its help. */
import { catalogFields } from './catalog-fields.ts';
import { clusterFields } from './cluster-fields.ts';
import { field } from './field.ts';
import { mannersFields } from './budget-fields.ts';
import { throughputFields } from './throughput-fields.ts';
import { forecastFields } from './forecast-fields.ts';
import type { Address, ImageEntry } from './values.ts';
import {
  absolutePath,
  address,
  addressText,
  count,
  duration,
  durationMs,
  durationText,
  filePath,
  flaw,
  imageEntry,
  list,
  listenAuth,
  loopback,
  oneOf,
  orNull,
  read,
  size,
  sizeText,
  text,
} from './values.ts';
import type { Schedule } from '#agent/schedule.ts';
import { parseSchedule, scheduleAllowed } from '#agent/schedule.ts';
import type { LogLevel } from '#output/log.ts';
import { logLevels } from '#output/log.ts';

/**
 * What is rehearsed where nobody said what: two images of two registries that anybody may use without an account and that count
 * no quota, so that a laptop shows something. Asked for seldom: see schedule.
 */
export const canaries = ['registry.k8s.io/pause:3.10', 'ghcr.io/containerd/busybox:1.36'] as const;

/** The cadence of the canaries, where neither images nor a schedule were given. */
export const canarySchedule = '30m';

const host = text(/^[A-Za-z0-9.:[\]-]{1,259}$/, 'a registry host, such as docker.io or reg.example:5000');
const same = (value: unknown): unknown => value;

export const fields = {
  images: field<readonly ImageEntry[]>({
    env: 'DRYPULL_IMAGES',
    fallback: canaries,
    read: list(imageEntry, 'a list of image references, or of maps with image, pullSecrets and policy'),
    write: (entries) => entries.map(writeEntry),
    help: `Images to rehearse: references, or maps of image, pullSecrets (files) and policy. Where neither given nor asked of a cluster: two canary images, every ${canarySchedule}.`,
  }),
  schedule: field<Schedule>({
    env: 'DRYPULL_SCHEDULE',
    fallback: '5m',
    read: (raw) => {
      const schedule = typeof raw === 'string' ? parseSchedule(raw, durationMs) : undefined;
      return schedule === undefined ? flaw(raw, scheduleAllowed) : read(schedule);
    },
    write: ({ written }) => written,
    help: 'When a pass over all images begins: an interval or a cron expression. What fails is tried again sooner.',
  }),
  jitter: field<number | 'auto'>({
    env: 'DRYPULL_JITTER',
    fallback: 'auto',
    read: (raw) => (raw === 'auto' ? read('auto') : raw === '0' || raw === 0 ? read(0) : duration(1, 3_600_000)(raw)),
    write: (value) => (value === 'auto' ? value : value === 0 ? 0 : durationText(value)),
    help: "Each pass begins late by a part of this that the node's name decides; auto: the whole interval, at most 5m; of a cron expression a fifth, at most 1m.",
  }),
  listen: field<Address>({
    env: 'DRYPULL_LISTEN',
    fallback: ':9467',
    read: address,
    write: addressText,
    help: 'Where the page, the reports, the metrics and the health of node and agent are read.',
  }),
  listenTlsCert: field<string | null>({
    env: 'DRYPULL_LISTEN_TLS_CERT',
    fallback: null,
    read: orNull(filePath),
    write: same,
    help: 'A PEM file: the chain that `listen` shows, which then speaks HTTPS. With listenTlsKey; read anew when it changes.',
  }),
  listenTlsKey: field<string | null>({
    env: 'DRYPULL_LISTEN_TLS_KEY',
    fallback: null,
    read: orNull(filePath),
    write: same,
    help: 'A PEM file: the key of listenTlsCert, without a passphrase.',
  }),
  listenAuth: field<'off' | 'kubernetes'>({
    env: 'DRYPULL_LISTEN_AUTH',
    fallback: 'off',
    read: listenAuth,
    write: same,
    help: 'kubernetes: whoever reads `listen` shows a token that the cluster lets `get` the path. /livez and /readyz stay open.',
  }),
  checkListen: field<Address | 'off'>({
    env: 'DRYPULL_CHECK_LISTEN',
    fallback: '127.0.0.1:9468',
    read: loopback,
    write: (value) => (value === 'off' ? value : addressText(value)),
    help: 'Where POST /check is taken: a loopback address only, or off.',
  }),
  checkConcurrency: field<number>({
    env: 'DRYPULL_CHECK_CONCURRENCY',
    fallback: 2,
    read: count(1, 16),
    write: same,
    help: 'Checks at one time; more are told to come again.',
  }),
  checkBody: field<number>({
    env: 'DRYPULL_CHECK_BODY',
    fallback: '1MiB',
    read: size(1024, 16 * 1024 ** 2),
    write: sizeText,
    help: 'The largest body of a POST /check.',
  }),
  hostRoot: field<string>({
    env: 'DRYPULL_HOST_ROOT',
    fallback: '/',
    read: absolutePath,
    write: same,
    help: "Where the node's files are read.",
  }),
  nodeName: field<string | null>({
    env: 'DRYPULL_NODE_NAME',
    fallback: null,
    read: orNull(text(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'a node name')),
    write: same,
    help: "The node's name in reports. Where not given: this machine's host name.",
  }),
  runtime: field<string | null>({
    env: 'DRYPULL_RUNTIME',
    fallback: null,
    read: orNull(
      text(
        /^[a-z0-9-]{1,40}:\/\/v?\d{1,4}\.\d{1,4}\.\d{1,4}[0-9A-Za-z.+~-]{0,60}$/,
        'as in node.status.nodeInfo, such as containerd://2.1.9',
      ),
    ),
    write: same,
    help: 'The container runtime, as in node.status.nodeInfo. Where not given: found out.',
  }),
  platform: field<string | null>({
    env: 'DRYPULL_PLATFORM',
    fallback: null,
    read: orNull(
      text(
        /^[a-z0-9]{1,20}\/[a-z0-9]{1,20}(\/[a-z0-9.]{1,20})?$/,
        'os/architecture or os/architecture/variant, such as linux/arm64',
      ),
    ),
    write: same,
    help: 'What images must be built for. Where not given: found out.',
  }),
  imageCredentialProviderConfig: field<string | null>({
    env: 'DRYPULL_IMAGE_CREDENTIAL_PROVIDER_CONFIG',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's flag of this name: a file or a directory. Where not given: found out.",
  }),
  imageCredentialProviderBinDir: field<string | null>({
    env: 'DRYPULL_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's flag of this name. Where not given: found out.",
  }),
  kubeletRootDir: field<string | null>({
    env: 'DRYPULL_KUBELET_ROOT_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's --root-dir. Where not given: found out.",
  }),
  concurrency: field<number>({
    env: 'DRYPULL_CONCURRENCY',
    fallback: 16,
    read: count(1, 256),
    write: same,
    help: 'Rehearsals at one time.',
  }),
  perRegistry: field<number>({
    env: 'DRYPULL_PER_REGISTRY',
    fallback: 6,
    read: count(1, 64),
    write: same,
    help: 'Connections to one registry at one time.',
  }),
  perRegistryPass: field<number>({
    env: 'DRYPULL_PER_REGISTRY_PASS',
    fallback: 500,
    read: count(1, 100_000),
    write: same,
    help: 'Images of one registry in one pass; the rest come first in the next.',
  }),
  deadline: field<number>({
    env: 'DRYPULL_DEADLINE',
    fallback: '1m',
    read: duration(1000, 900_000),
    write: durationText,
    help: 'The longest time for one rehearsal.',
  }),
  historyPerImage: field<number>({
    env: 'DRYPULL_HISTORY_PER_IMAGE',
    fallback: 64,
    read: count(1, 1000),
    write: same,
    help: 'Outcomes and changes remembered for each image.',
  }),
  perImageSeries: field<number>({
    env: 'DRYPULL_PER_IMAGE_SERIES',
    fallback: 100,
    read: count(0, 10_000),
    write: same,
    help: 'Images that do not pull get a metric series of their own, up to this many.',
  }),
  meteredRegistries: field<readonly string[]>({
    env: 'DRYPULL_METERED_REGISTRIES',
    fallback: [],
    read: list(host, 'a list of registry hosts'),
    write: same,
    help: 'More registries where fetching a manifest costs quota, beside the known ones.',
  }),
  ...mannersFields,
  ...clusterFields,
  ...catalogFields,
  ...throughputFields,
  ...forecastFields,
  logLevel: field<LogLevel>({
    env: 'DRYPULL_LOG_LEVEL',
    fallback: 'info',
    read: oneOf(logLevels),
    write: same,
    help: 'The least important log lines that are written.',
  }),
} as const;

export type FieldKey = keyof typeof fields;

function writeEntry({ image, pullSecrets, policy }: ImageEntry): unknown {
  if (pullSecrets.length === 0 && policy === null) return image;
  return { image, ...(pullSecrets.length === 0 ? {} : { pullSecrets }), ...(policy === null ? {} : { policy }) };
}
