/**
 * The kubelet's own settings that decide about images, as they are in force: defaults under a file, drop-ins over it, flags
 * over all. Imitates kubernetes cmd/kubelet/app/server.go (kubelet-config-dir, eviction defaults) and
 * pkg/kubelet/apis/config/v1beta1/defaults.go, v1.36.2.
 */
export interface KubeletConfig {
  readonly serializeImagePulls: boolean;
  readonly registryPullQps: number;
  readonly registryBurst: number;
  readonly imageGcHighPercent: number;
  readonly imageGcLowPercent: number;
  /** Signal → threshold; a signal that is not here has none. */
  readonly evictionHard: Readonly<Record<string, string>>;
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
    imagePullCredentialsVerificationPolicy:
      textOf(merged['imagePullCredentialsVerificationPolicy']) ?? 'NeverVerifyPreloadedImages',
  };
}

/** Once evictionHard is written at all, a signal that it leaves out has no threshold; 0% and 100% switch one off. */
function evictionOf(merged: Fields): Readonly<Record<string, string>> {
  const written = merged['evictionHard'];
  const own = isFields(written)
    ? Object.entries(written).flatMap(([signal, value]) =>
        typeof value === 'string' ? [[signal, value] as const] : [],
      )
    : undefined;
  const below =
    own === undefined || merged['mergeDefaultEvictionSettings'] === true ? Object.entries(defaultEviction) : [];
  const all = new Map([...below, ...(own ?? [])]);
  return Object.fromEntries([...all].filter(([, value]) => value !== '0%' && value !== '100%'));
}

type Fields = Readonly<Record<string, unknown>>;

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
  const eviction = flag('eviction-hard');
  if (eviction !== undefined) fields.push(['evictionHard', thresholdsIn(eviction)]);
  return Object.fromEntries(fields);
}

/** `memory.available<100Mi,nodefs.available<10%` */
function thresholdsIn(text: string): Fields {
  const pairs = text.split(',').flatMap((part) => {
    const [signal = '', value = ''] = part.split('<');
    return value === '' ? [] : [[signal.trim(), value.trim()] as const];
  });
  return Object.fromEntries(pairs);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
