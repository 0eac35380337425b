/**
 * The kubelet's own settings that decide about images, as they are in force: defaults under a file, drop-ins over it, flags
 * over all. Imitates kubernetes cmd/kubelet/app/server.go (kubelet-config-dir, eviction defaults) and
 * pkg/kubelet/apis/config/v1beta1/defaults.go, v1.36.2.
 */
import { type Fields, isFields } from '#data/fields.ts';
import { goDurationMs } from '#go/duration.ts';

export interface KubeletConfig {
  readonly serializeImagePulls: boolean;
  readonly registryPullQps: number;
  readonly registryBurst: number;
  readonly imageGcHighPercent: number;
  readonly imageGcLowPercent: number;
  /** Signal → threshold; a signal that is not here has none. */
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly evictionSoft: Readonly<Record<string, string>>;
  /** Signal → seconds. */
  readonly evictionSoftGraceS: Readonly<Record<string, number>>;
  /** Signal → what is freed beyond the threshold once it is met. */
  readonly evictionMinimumReclaim: Readonly<Record<string, string>>;
  /** DiskPressure stays for so long after its last threshold was met. */
  readonly evictionPressureTransitionS: number;
  readonly imageMinimumGcAgeS: number;
  /** 0: images do not age. */
  readonly imageMaximumGcAgeS: number;
  /** Absent: as many as are asked for. */
  readonly maxParallelImagePulls?: number;
  readonly imagePullCredentialsVerificationPolicy: string;
}

/** pkg/kubelet/eviction/defaults_linux.go */
const defaultEviction: Readonly<Record<string, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

/** `layers` in the order of their application: file, drop-ins, flags (see `flagLayer`). What is no object is passed over. */
export function kubeletConfigOf(layers: readonly unknown[]): KubeletConfig {
  const merged = layers.reduce<Fields>((below, layer) => mergePatch(below, layer), {});
  const parallel = numberOf(merged['maxParallelImagePulls']);
  return {
    serializeImagePulls: booleanOf(merged['serializeImagePulls']) ?? !(parallel !== undefined && parallel >= 2),
    registryPullQps: numberOf(merged['registryPullQPS']) ?? 5,
    registryBurst: numberOf(merged['registryBurst']) ?? 10,
    imageGcHighPercent: numberOf(merged['imageGCHighThresholdPercent']) ?? 85,
    imageGcLowPercent: numberOf(merged['imageGCLowThresholdPercent']) ?? 80,
    evictionHard: evictionOf(merged),
    evictionSoft: inForce(textsOf(merged['evictionSoft'])),
    evictionSoftGraceS: secondsIn(merged['evictionSoftGracePeriod']),
    evictionMinimumReclaim: Object.fromEntries(textsOf(merged['evictionMinimumReclaim'])),
    evictionPressureTransitionS: secondsOf(merged['evictionPressureTransitionPeriod']) || 300,
    imageMinimumGcAgeS: secondsOf(merged['imageMinimumGCAge']) || 120,
    imageMaximumGcAgeS: secondsOf(merged['imageMaximumGCAge']) ?? 0,
    ...(parallel === undefined || parallel < 1 ? {} : { maxParallelImagePulls: parallel }),
    imagePullCredentialsVerificationPolicy:
      textOf(merged['imagePullCredentialsVerificationPolicy']) ?? 'NeverVerifyPreloadedImages',
  };
}

/** Once evictionHard is written at all, a signal that it leaves out has no threshold; 0% and 100% switch one off. */
function evictionOf(merged: Fields): Readonly<Record<string, string>> {
  const written = merged['evictionHard'];
  const own = isFields(written) ? textsOf(written) : undefined;
  const below =
    own === undefined || merged['mergeDefaultEvictionSettings'] === true ? Object.entries(defaultEviction) : [];
  return inForce([...below, ...(own ?? [])]);
}

type Texts = readonly (readonly [name: string, value: string])[];

function inForce(thresholds: Texts): Readonly<Record<string, string>> {
  const all = new Map(thresholds);
  return Object.fromEntries([...all].filter(([, value]) => value !== '0%' && value !== '100%'));
}

function textsOf(value: unknown): Texts {
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text] as const] : []));
}

/** metav1.Duration: Go's text. A zero value is replaced by the default, where there is one. */
function secondsOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? goDurationMs(value) : undefined;
  return ms === undefined || ms < 0 ? undefined : ms / 1000;
}

function secondsIn(value: unknown): Readonly<Record<string, number>> {
  return Object.fromEntries(
    textsOf(value).flatMap(([name, text]) => {
      const seconds = secondsOf(text);
      return seconds === undefined ? [] : [[name, seconds] as const];
    }),
  );
}

/** RFC 7396, as the kubelet merges its drop-ins. */
function mergePatch(below: Fields, patch: unknown): Fields {
  if (!isFields(patch)) return below;
  const merged = new Map(Object.entries(below));
  for (const [name, value] of Object.entries(patch)) {
    const under = merged.get(name);
    if (value === null) merged.delete(name);
    else merged.set(name, isFields(value) ? mergePatch(isFields(under) ? under : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Flags that stand for fields of the file, as a layer. `flag` gives a flag's text. */
export function flagLayer(flag: (name: string) => string | undefined): Fields {
  const numbers = {
    'registry-qps': 'registryPullQPS',
    'registry-burst': 'registryBurst',
    'image-gc-high-threshold': 'imageGCHighThresholdPercent',
    'image-gc-low-threshold': 'imageGCLowThresholdPercent',
  };
  const fields: [string, unknown][] = Object.entries(numbers).flatMap(([name, field]) => {
    const text = flag(name);
    return text !== undefined && /^\d+$/.test(text) ? [[field, Number(text)]] : [];
  });
  const serial = flag('serialize-image-pulls');
  if (serial === 'true' || serial === 'false') fields.push(['serializeImagePulls', serial === 'true']);
  for (const [name, field, sign] of maps) {
    const text = flag(name);
    if (text !== undefined) fields.push([field, pairsIn(text, sign)]);
  }
  for (const [name, field] of durations) {
    const text = flag(name);
    if (text !== undefined && goDurationMs(text) !== undefined) fields.push([field, text]);
  }
  return Object.fromEntries(fields);
}

const maps = [
  ['eviction-hard', 'evictionHard', '<'],
  ['eviction-soft', 'evictionSoft', '<'],
  ['eviction-soft-grace-period', 'evictionSoftGracePeriod', '='],
  ['eviction-minimum-reclaim', 'evictionMinimumReclaim', '='],
] as const;

const durations = [
  ['eviction-pressure-transition-period', 'evictionPressureTransitionPeriod'],
  ['minimum-image-ttl-duration', 'imageMinimumGCAge'],
] as const;

/** `memory.available<100Mi,nodefs.available<10%` */
function pairsIn(text: string, sign: '<' | '='): Fields {
  const pairs = text.split(',').flatMap((part) => {
    const [signal = '', value = ''] = part.split(sign);
    return value === '' ? [] : [[signal.trim(), value.trim()] as const];
  });
  return Object.fromEntries(pairs);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function booleanOf(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
