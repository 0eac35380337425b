/**
 * What a build is made for, as image indexes and runtimes say it, and which builds a runtime takes for a node.
 *
 * Imitates containerd/platforms v1.0.0-rc.2 (database.go normalizeOS, normalizeArch; compare.go platformVector, Only, Ordered;
 * platforms.go Parse, Format), as containerd 2.1 and 2.2 vendor it, for Linux nodes. v0.2.1 in 1.7 differs in arm64 beyond v8
 * only, which no node reports.
 */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** `os.version` of an index entry: without meaning on Linux. */
  readonly osVersion?: string;
  /** `os.features` of an index entry. */
  readonly osFeatures?: readonly string[];
}

/** `compatible`: also lesser builds that the processor runs (the in-process engine). `exact`: this one (the transfer service). */
export type PlatformRule = 'compatible' | 'exact';

export interface PlatformMatcher {
  readonly match: (platform: Platform) => boolean;
  /** Negative where the first is the better one; 0 where it makes no difference. Order of a stable sort. */
  readonly compare: (one: Platform, other: Platform) => number;
}

export type PlatformRead =
  { readonly ok: true; readonly platform: Platform } | { readonly ok: false; readonly why: string };

/** The words of other worlds (`x86_64`, `aarch64`, `armhf`) made Go's, and variants that go without saying dropped. */
export function normalise(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const [architecture, variant] = normaliseArchitecture(platform.architecture.toLowerCase(), platform.variant ?? '');
  return {
    // An entry without an operating system counts as the runtime's own.
    os: os === '' ? 'linux' : os === 'macos' ? 'darwin' : os,
    architecture,
    ...(variant === '' ? {} : { variant }),
    ...(platform.osVersion === undefined ? {} : { osVersion: platform.osVersion }),
    ...(platform.osFeatures === undefined ? {} : { osFeatures: platform.osFeatures }),
  };
}

/** `linux/arm64/v8`; operating system or architecture alone is read with the other half from `here`. */
export function parsePlatform(text: string, here?: Platform): PlatformRead {
  const parts = text.split('/', 4);
  const [first = '', second, third] = parts;
  const os = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)\))?$/.exec(first);
  const rest = parts.slice(1);
  if (os === null || parts.length > 3 || !rest.every((part) => /^[A-Za-z0-9_.-]+$/.test(part))) {
    return { ok: false, why: `${JSON.stringify(text)} is no platform such as linux/amd64 or linux/arm/v7` };
  }
  const [, name = '', osVersion = ''] = os;
  const version = osVersion === '' ? {} : { osVersion };
  if (second === undefined) return parseHalf(first, { os: name, architecture: '', ...version }, here);
  const platform = { os: name, architecture: second, ...(third === undefined ? {} : { variant: third }), ...version };
  return { ok: true, platform: normalise(platform) };
}

/** `linux/arm/v7`; `unknown` for an entry that names no operating system. */
export function formatPlatform({ os, architecture, variant = '' }: Platform): string {
  return os === '' ? 'unknown' : [os, architecture, variant].filter((part) => part !== '').join('/');
}

/**
 * `osFeatures`: containerd before 2.3 ignores os.features; from 2.3 on (platforms v1.0.0-rc.4) an entry must not ask for more
 * than the node has, which on Linux is nothing.
 */
export function matcherFor(
  node: Platform,
  rule: PlatformRule,
  osFeatures: 'ignored' | 'refused' = 'ignored',
): PlatformMatcher {
  const wanted = (rule === 'exact' ? [normalise(node)] : vector(normalise(node))).map(normalise);
  const rankOf = (platform: Platform): number => {
    if (osFeatures === 'refused' && (platform.osFeatures ?? []).length > 0) return -1;
    const { os, architecture, variant } = normalise(platform);
    return wanted.findIndex((w) => w.os === os && w.architecture === architecture && w.variant === variant);
  };
  const place = (platform: Platform): number => {
    const rank = rankOf(platform);
    return rank < 0 ? wanted.length : rank;
  };
  return {
    match: (platform) => rankOf(platform) >= 0,
    compare: (one, other) => place(one) - place(other),
  };
}

const knownSystems =
  'aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos'.split(
    ' ',
  );
const knownArchitectures = (
  '386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le ' +
  'ppc riscv riscv64 s390 s390x sparc sparc64 wasm'
).split(' ');

/** One word: a known operating system, or else a known architecture. */
function parseHalf(word: string, asSystem: Platform, here: Platform | undefined): PlatformRead {
  const { os } = normalise(asSystem);
  if (knownSystems.includes(os)) {
    if (here === undefined) return { ok: false, why: `${JSON.stringify(word)} names no architecture` };
    const { architecture, variant } = here;
    return {
      ok: true,
      platform: normalise({ ...asSystem, architecture, ...(variant === undefined ? {} : { variant }) }),
    };
  }
  const platform = normalise({ os: here?.os ?? 'linux', architecture: word });
  if (knownArchitectures.includes(platform.architecture)) return { ok: true, platform };
  return { ok: false, why: `${JSON.stringify(word)}: unknown operating system or architecture` };
}

function normaliseArchitecture(
  architecture: string,
  written: string,
): readonly [architecture: string, variant: string] {
  const variant = written.toLowerCase();
  switch (architecture) {
    case 'i386':
      return ['386', ''];
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return ['amd64', variant === 'v1' ? '' : variant];
    case 'aarch64':
    case 'arm64':
      return ['arm64', arm64Variants.get(variant) ?? variant];
    case 'armhf':
      return ['arm', 'v7'];
    case 'armel':
      return ['arm', 'v6'];
    case 'arm':
      return ['arm', armVariants.get(variant) ?? variant];
    default:
      return [architecture, variant];
  }
}

const arm64Variants: ReadonlyMap<string, string> = new Map([
  ['8', ''],
  ['v8', ''],
  ['v8.0', ''],
  ['9', 'v9'],
  ['9.0', 'v9'],
  ['v9.0', 'v9'],
]);
const armVariants: ReadonlyMap<string, string> = new Map([
  ['', 'v7'],
  ['7', 'v7'],
  ['5', 'v5'],
  ['6', 'v6'],
  ['8', 'v8'],
]);

/** compare.go platformVector: what the processor runs, best first. */
function vector(node: Platform): readonly Platform[] {
  const { os, architecture } = node;
  const variant = node.variant ?? '';
  switch (architecture) {
    case 'amd64':
      return [node, ...lower(variant, 1).map((v) => ({ os, architecture, variant: v })), { os, architecture: '386' }];
    case 'arm':
      return [node, ...lower(variant, 5).map((v) => ({ os, architecture, variant: v }))];
    case 'arm64': {
      const own = arm64Chain(variant === '' ? 'v8' : variant);
      if (own.length === 0) return [];
      const arm = vector({ os, architecture: 'arm', variant: 'v8' });
      return [...own.map((v) => ({ os, architecture, variant: v })), ...arm];
    }
    default:
      return [node];
  }
}

/** v7 down to v5: v6, v5. */
function lower(variant: string, last: number): readonly string[] {
  const version = /^v?(\d{1,3})$/.exec(variant)?.[1];
  if (version === undefined) return [];
  return Array.from({ length: Math.max(Number(version) - last, 0) }, (_, i) => `v${Number(version) - 1 - i}`);
}

/** v9.x runs what v9.x and below is built for, and v8.(x+5) and below; the architecture knows v8.0–v8.9 and v9.0–v9.7. */
function arm64Chain(variant: string): readonly string[] {
  const [, major, minor = '0'] = /^v([89])(?:\.(\d))?$/.exec(variant) ?? [];
  if (major === undefined || (major === '9' && Number(minor) > 7)) return [];
  const eight = major === '8' ? Number(minor) : Math.min(Number(minor) + 5, 9);
  return [...(major === '9' ? down('v9', Number(minor)) : []), ...down('v8', eight)];
}

function down(major: string, minor: number): readonly string[] {
  return Array.from({ length: minor + 1 }, (_, i) => (i === minor ? major : `${major}.${minor - i}`));
}
