/** The one table of the configuration: for each field its variable, its default, how it is read and written, and its help. */
import { catalogFields } from './catalog-fields.ts';
import { clusterFields } from './cluster-fields.ts';
import { field } from './field.ts';
import { budgetFields } from './budget-fields.ts';
import { intervalSchedule, scheduleAllowed, type CronReader, type Schedule } from './schedule.ts';
import type { Address, ImageEntry, Reading } from './values.ts';
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
import type { LogLevel } from '#output/log.ts';
import { logLevels } from '#output/log.ts';

/**
 * The images of a configuration without images: from two registries that need no account and have no pull quota, so that a first
 * run on a laptop shows something. Rehearsed rarely: see canarySchedule.
 */
const canaries = ['registry.k8s.io/pause:3.10', 'ghcr.io/containerd/busybox:1.36'] as const;

/** The cadence of the canaries, unless a schedule is configured. */
export const canarySchedule = '30m';

const host = text(/^[A-Za-z0-9.:[\]-]{1,259}$/, 'a registry host, such as docker.io or reg.example:5000');
const same = (value: unknown): unknown => value;

export const fields = {
  images: field<readonly ImageEntry[]>({
    env: 'DRYPULL_IMAGES',
    fallback: canaries,
    read: list(imageEntry, 'a list of image references, or of maps with image, pullSecrets and policy'),
    write: (entries) => entries.map(writeEntry),
    help: `Images to rehearse: references, or maps of image, pullSecrets (files) and policy. Without any, and without a cluster: two canary images, every ${canarySchedule}.`,
  }),
  schedule: field<Schedule>({
    env: 'DRYPULL_SCHEDULE',
    fallback: '5m',
    read: readSchedule,
    write: ({ written }) => written,
    help: 'When a pass over all images begins: an interval or a cron expression. Images that fail are tried again sooner.',
  }),
  jitter: field<number | 'auto'>({
    env: 'DRYPULL_JITTER',
    fallback: 'auto',
    read: (raw) => (raw === 'auto' ? read('auto') : raw === '0' || raw === 0 ? read(0) : duration(1, 3_600_000)(raw)),
    write: (value) => (value === 'auto' ? value : value === 0 ? 0 : durationText(value)),
    help: "Each pass begins later by a part of this, which depends on the node's name. auto: the whole interval, at most 5m; a fifth of the time between two runs of a cron expression, at most 1m.",
  }),
  listen: field<Address>({
    env: 'DRYPULL_LISTEN',
    fallback: ':9467',
    read: address,
    write: addressText,
    help: 'The address of the page, the reports, the metrics and the health of node and agent.',
  }),
  listenTlsCert: field<string | null>({
    env: 'DRYPULL_LISTEN_TLS_CERT',
    fallback: null,
    read: orNull(filePath),
    write: same,
    help: 'A PEM file: the certificate chain of `listen`, which then serves HTTPS. With listenTlsKey; read again when it changes.',
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
    help: 'kubernetes: readers of `listen` send a token that the cluster allows to `get` the path. /livez and /readyz need none.',
  }),
  checkListen: field<Address | 'off'>({
    env: 'DRYPULL_CHECK_LISTEN',
    fallback: '127.0.0.1:9468',
    read: loopback,
    write: (value) => (value === 'off' ? value : addressText(value)),
    help: 'The address for POST /check: a loopback address, or off.',
  }),
  checkConcurrency: field<number>({
    env: 'DRYPULL_CHECK_CONCURRENCY',
    fallback: 2,
    read: count(1, 16),
    write: same,
    help: 'Checks at one time; further requests get 429.',
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
    help: "The directory below which the node's files are.",
  }),
  nodeName: field<string | null>({
    env: 'DRYPULL_NODE_NAME',
    fallback: null,
    read: orNull(text(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'a node name')),
    write: same,
    help: "The node's name in reports. Default: this machine's host name.",
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
    help: 'The container runtime, as in node.status.nodeInfo. Default: detected.',
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
    help: 'The platform that images must be built for. Default: detected.',
  }),
  imageCredentialProviderConfig: field<string | null>({
    env: 'DRYPULL_IMAGE_CREDENTIAL_PROVIDER_CONFIG',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's flag of this name: a file or a directory. Default: detected.",
  }),
  imageCredentialProviderBinDir: field<string | null>({
    env: 'DRYPULL_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's flag of this name. Default: detected.",
  }),
  kubeletRootDir: field<string | null>({
    env: 'DRYPULL_KUBELET_ROOT_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: "The kubelet's --root-dir. Default: detected.",
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
    help: 'Images of one registry in one pass; the others come first in the next pass.',
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
    help: 'Outcomes and changes kept for each image.',
  }),
  perImageSeries: field<number>({
    env: 'DRYPULL_PER_IMAGE_SERIES',
    fallback: 100,
    read: count(0, 10_000),
    write: same,
    help: 'The most images that do not pull and get a metric series of their own.',
  }),
  meteredRegistries: field<readonly string[]>({
    env: 'DRYPULL_METERED_REGISTRIES',
    fallback: [],
    read: list(host, 'a list of registry hosts'),
    write: same,
    help: 'Further registries where fetching a manifest counts against a pull quota, besides the built-in ones.',
  }),
  ...budgetFields,
  ...clusterFields,
  ...catalogFields,
  /**
   * The first packets of a connection show no speed, so a sample below 32 KiB would show nothing. 64 KiB four times a day is a
   * quarter of a MiB for each node, day and registry: less than the samples that show whether layers exist at all.
   */
  throughputSampleBytes: field<number>({
    env: 'DRYPULL_THROUGHPUT_SAMPLE_BYTES',
    fallback: '64KiB',
    read: (raw) => (raw === '0' || raw === 0 ? read(0) : size(32 * 1024, 1024 ** 2)(raw)),
    write: (value) => (value === 0 ? 0 : sizeText(value)),
    help: 'Bytes read from one layer of each registry, every six hours, to estimate how long pulls take; 0: never.',
  }),
  quotaSamples: field<'auto' | 'off'>({
    env: 'DRYPULL_QUOTA_SAMPLES',
    fallback: 'auto',
    read: oneOf(['auto', 'off']),
    write: same,
    help: "Whether Docker Hub's pull quota is sampled outside of rehearsals, by a HEAD request that costs no pull. auto: where images of docker.io are pulled from Docker Hub itself and no rehearsal has shown what is left.",
  }),
  stateDir: field<string | null>({
    env: 'DRYPULL_STATE_DIR',
    fallback: null,
    read: orNull(absolutePath),
    write: same,
    help: 'A writable directory: the history for forecasts outlives a restart there. No verdict needs it.',
  }),
  logLevel: field<LogLevel>({
    env: 'DRYPULL_LOG_LEVEL',
    fallback: 'info',
    read: oneOf(logLevels),
    write: same,
    help: 'The lowest level of log lines that are written.',
  }),
} as const;

export type FieldKey = keyof typeof fields;

/** `readCron` absent: only intervals are read. See loadConfig. */
function readSchedule(raw: unknown, readCron?: CronReader): Reading<Schedule> {
  if (typeof raw !== 'string') return flaw(raw, scheduleAllowed);
  const written = raw.trim();
  const intervalMs = durationMs(written);
  const schedule = intervalMs === undefined ? readCron?.(written) : intervalSchedule(written, intervalMs);
  return schedule === undefined ? flaw(raw, scheduleAllowed) : read(schedule);
}

function writeEntry({ image, pullSecrets, policy }: ImageEntry): unknown {
  if (pullSecrets.length === 0 && policy === null) return image;
  return { image, ...(pullSecrets.length === 0 ? {} : { pullSecrets }), ...(policy === null ? {} : { policy }) };
}
