/**
 * How one containerd version reads its configuration and pulls: its differences as data, so that no other file compares version numbers. Each
 * field names its place in containerd's source; the tags v1.6.0 to v2.3.4 were compared one by one.
 */
import type { RuntimeVersion } from '#node/view.ts';
import type { Engine } from '#runtime/engine.ts';
import { atLeast } from '#runtime/version.ts';

export interface ContainerdEngine extends Engine {
  /** containerd's own client pulls. */
  readonly client: 'containerd';
  /** Whose error is shown after a failed resolve: the first that is not 404, or the one that got furthest (2.0; docker/resolver.go Resolve). */
  readonly shows: 'first_not_404' | 'furthest';
  /** Requests to one host that keeps answering 401, 408 or 429 (docker/resolver.go doWithRetries). */
  readonly tries: number;
  /** 500, 503 and 504 get one retry on the last host (2.1; docker/resolver.go retryRequest). */
  readonly retriesServerErrors: boolean;
  /** A connection that ends without an answer is tried again on the last host (2.3.2; docker/resolver.go isTransientTransportErr). */
  readonly retriesBrokenConnections: boolean;
  /** A GET after HEAD 403 fetches the registry's message (2.3.3; docker/resolver.go withGETErrorBody). */
  readonly asksWhyForbidden: boolean;
  /** A digest is requested under /blobs/ only after nothing worse than 404 (2.0.11, 2.2.6; docker/resolver.go Resolve). */
  readonly asksBlobsAfterNotFoundOnly: boolean;
  /** The status of the GET that replaces a HEAD without a digest or a length is checked (2.3; docker/resolver.go Resolve). */
  readonly checksResolveGet: boolean;
  /** http.Transport.ResponseHeaderTimeout (2.3; docker/registry.go). Absent: a silent server hangs the pull. */
  readonly headerTimeoutMs?: number;
  /** Basic challenge without credentials: an error of its own (1.6.25, 1.7.8), or the plain 401 (docker/authorizer.go AddResponses). */
  readonly namesMissingCredentials: boolean;
  /**
   * http:// entries with TLS settings are tried as HTTPS first: never (before 1.6.25 and 1.7.7), on any port (1.7.7 alone),
   * where a port other than 80 is written (1.6.25, 1.7.8), or wherever none or another than 80 is (1.7.24; docker/config/hosts.go).
   */
  readonly httpsFirst: 'never' | 'any_port' | 'written_port' | 'not_port_80';
  /** …and fall back when the TLS handshake times out (1.6.32, 1.7.16; docker/resolver.go isTLSError). */
  readonly httpAfterTlsTimeout: boolean;
  /** …and when the connection itself fails and no port was written (1.7.24; docker/resolver.go isPortError). */
  readonly httpAfterConnectionError: boolean;
  /** Localhost registries: by port (1.6.25, 1.7.8), or plain HTTP always (docker/config/hosts.go ConfigureHosts). */
  readonly localhostByPort: boolean;
  /** Index children: lesser platforms serve too (platforms.Only), or only the exact one (platforms.OnlyStrict). */
  readonly platforms: 'compatible' | 'exact';
  /** An index entry that requires os.features which the node does not name is skipped (2.3; platforms v1.0.0-rc.4). */
  readonly osFeatures: 'ignored' | 'refused';
  /** Token requests carry no configured headers, those of hosts.toml (2.1; docker/config/hosts.go), or registry.headers too (in-process engine). */
  readonly headersToRealm: 'none' | 'hosts_toml' | 'all';
  /** Content is requested in these encodings: what net/http does by itself, or more (2.0; docker/fetcher.go open). */
  readonly encodings: 'gzip' | 'zstd_gzip_deflate';
  /** A reference may name its registry by an IPv6 address (1.7; reference/docker/regexp.go); the kubelet's may. */
  readonly takesIpv6Registries: boolean;
  /** Content is hashed by the algorithm of its own digest, and not always by SHA-256 (2.3; plugins/content/local/store.go). */
  readonly hashesAsNamed: boolean;
  /** Docker's media type of a zstd layer is known (2.0; core/images/mediatypes.go). */
  readonly knowsDockerZstd: boolean;
  /** An image without a known configuration: only what is a layer by its type is unpacked (1.6.25, 1.7.7; image.go getLayers). */
  readonly unpacksLayerTypesOnly: boolean;
  /** A configuration whose rootfs is not of layers is not unpacked (2.1; core/unpack/unpacker.go). */
  readonly checksRootfsType: boolean;
  /** Proxies of any scheme are used: built with Go 1.23 (1.6.38, 1.7.26; .github/actions/install-go). */
  readonly proxiesOfAnyScheme: boolean;
  /** TLS with RSA key exchange is offered: built for a Go before 1.22 (until 1.6.38 and 1.7.27; go.mod). */
  readonly takesRsaKeyExchange: boolean;
  /** `rewrite` of a host in hosts.toml is followed: k3s's fork alone (k3s-io/containerd, versions like 2.1.4-k3s1). */
  readonly rewritesRepositories: boolean;
  /** Schema 1 manifests are converted (before 2.0; remotes/docker/schema1). */
  readonly convertsSchema1: boolean;
  /** Texts of errors. */
  readonly texts: {
    readonly headStatus: 'pulling_from_host' | 'unexpected_status';
    readonly getStatus: 'server_message' | 'new_line';
    readonly tokenStatus: 'bare' | 'with_request';
    /** An archive with another digest than its diff ID is named beside it (2.3; core/unpack/unpacker.go). */
    readonly wrongDiffId: 'bare' | 'with_digests';
    /** The error of a body that ends too early names both sizes (2.1; content/helpers.go Copy). */
    readonly shortRead: 'bare' | 'with_sizes';
    /** x509 errors carry `tls: failed to verify certificate: ` (Go 1.20). */
    readonly tlsPrefix: boolean;
    /** A refused SHA-1 signature names the way round it (until Go 1.23; .github/actions/install-go). */
    readonly offersSha1: boolean;
    /** Queries in transport errors are [REDACTED] (internal/cri/util/sanitize.go). */
    readonly redactsQueries: boolean;
    /** Dial timeouts carry `code = DeadlineExceeded` (recorded: 1.7.34 and 2.3.4 do, 1.6.20 and 2.1.9 do not). */
    readonly deadlineCode: boolean;
  };
}

export function engineOf(version: RuntimeVersion, kind: 'local' | 'transfer'): ContainerdEngine {
  const from = (...released: readonly (readonly [number, number, number])[]): boolean => isFrom(version, released);
  return {
    client: 'containerd',
    kind,
    version,
    userAgent: `containerd/${version.text}`,
    shows: from([2, 0, 0]) ? 'furthest' : 'first_not_404',
    tries: from([2, 3, 2]) ? 5 : 6,
    retriesServerErrors: from([2, 1, 0]),
    retriesBrokenConnections: from([2, 3, 2]),
    asksWhyForbidden: from([2, 3, 3]),
    asksBlobsAfterNotFoundOnly: from([2, 0, 11], [2, 2, 6]),
    checksResolveGet: from([2, 3, 0]),
    ...(from([2, 3, 0]) ? { headerTimeoutMs: 30_000 } : {}),
    namesMissingCredentials: from([1, 6, 25], [1, 7, 8]),
    httpsFirst: httpsFirstIn(version),
    httpAfterTlsTimeout: from([1, 6, 32], [1, 7, 16]),
    httpAfterConnectionError: from([1, 7, 24]),
    localhostByPort: from([1, 6, 25], [1, 7, 8]),
    platforms: kind === 'local' ? 'compatible' : 'exact',
    osFeatures: from([2, 3, 0]) ? 'refused' : 'ignored',
    headersToRealm: !from([2, 1, 0]) ? 'none' : kind === 'local' ? 'all' : 'hosts_toml',
    encodings: from([2, 0, 0]) ? 'zstd_gzip_deflate' : 'gzip',
    takesIpv6Registries: from([1, 7, 0]),
    hashesAsNamed: from([2, 3, 0]),
    knowsDockerZstd: from([2, 0, 0]),
    unpacksLayerTypesOnly: from([1, 6, 25], [1, 7, 7]),
    checksRootfsType: from([2, 1, 0]),
    proxiesOfAnyScheme: from([1, 6, 38], [1, 7, 26], [2, 0, 0]),
    takesRsaKeyExchange: !from([1, 6, 39], [1, 7, 28], [2, 0, 0]),
    rewritesRepositories: version.text.includes('-k3s'),
    convertsSchema1: !from([2, 0, 0]),
    texts: {
      headStatus: from([1, 6, 25], [1, 7, 0]) ? 'unexpected_status' : 'pulling_from_host',
      getStatus: from([2, 1, 0]) ? 'new_line' : 'server_message',
      tokenStatus: from([1, 6, 25], [1, 7, 0]) ? 'with_request' : 'bare',
      wrongDiffId: from([2, 3, 0]) ? 'with_digests' : 'bare',
      shortRead: from([2, 1, 0]) ? 'with_sizes' : 'bare',
      tlsPrefix: from([1, 6, 25], [1, 7, 0]),
      offersSha1: !from([1, 7, 29], [2, 0, 7], [2, 1, 5]),
      redactsQueries: from([1, 7, 30], [2, 0, 8], [2, 1, 6], [2, 2, 1]),
      deadlineCode: from([1, 7, 30], [2, 2, 0]),
    },
  };
}

function httpsFirstIn(version: RuntimeVersion): ContainerdEngine['httpsFirst'] {
  if (isFrom(version, [[1, 7, 24]])) return 'not_port_80';
  if (version.major === 1 && version.minor === 7 && version.patch === 7) return 'any_port';
  return isFrom(version, [
    [1, 6, 25],
    [1, 7, 8],
  ])
    ? 'written_port'
    : 'never';
}

/**
 * Whether a version has a change that was released in each of the given versions: the last one of its own line, or of an
 * older line, counts. [1.6.25, 1.7.8] holds for 1.6.25, 1.6.39, 1.7.8 and 2.0.0, and not for 1.7.7.
 */
function isFrom(version: RuntimeVersion, released: readonly (readonly [number, number, number])[]): boolean {
  const ownLine = released.find(([major, minor]) => major === version.major && minor === version.minor);
  if (ownLine !== undefined) return version.patch >= ownLine[2];
  const newest = released.filter(
    ([major, minor]) => major < version.major || (major === version.major && minor < version.minor),
  );
  const newestLine = newest.at(-1);
  const lastLine = released.at(-1);
  // A change backported to 2.0.11 and 2.2.6 is missing from 2.1: only lines after the last one named certainly have it.
  return newestLine !== undefined && newestLine === lastLine;
}

/** The lines of which every difference was read: 1.6 to 2.3. */
export const knownVersions = '1.6 to 2.3';

export function isKnownVersion(version: RuntimeVersion): boolean {
  return atLeast(version, 1, 6) && !atLeast(version, 2, 4) && (version.major === 2 || version.minor <= 7);
}

/** How one version reads its configuration files. */
export interface ConfigRules {
  /** The TOML library: go-toml v1 in 1.x, v2 in 2.x. */
  readonly goToml: 1 | 2;
  /** The image settings are a plugin of their own (2.0), and in 1.x a part of the CRI plugin. */
  readonly hasImagesPlugin: boolean;
  /** version.ConfigVersion: the highest that this containerd understands. */
  readonly configVersion: 2 | 3 | 4;
  /** The version of the built-in configuration that files are merged into. */
  readonly startVersion: 1 | 3 | 4;
  /**
   * Old files are not migrated (1.x); their plugins are renamed before the merge and migrated after it (2.0); or each is migrated fully
   * before the merge (2.3).
   */
  readonly migration: 'none' | 'after_merge' | 'each_file';
  /** A drop-in changes single keys of a plugin's section (2.0); 1.x replaces the section whole (mergeConfig). */
  readonly mergesKeys: boolean;
  /** A drop-in of a higher version than the root file is refused (2.3). */
  readonly refusesHigherDropIns: boolean;
  /** 1.x refuses a higher version than 2 (1.6.32, 1.7.17); before, it was read as 2. */
  readonly refusesNewer: boolean;
  /** Plugin URIs must begin with io.containerd. (1.7). */
  readonly isStrict: boolean;
  /** Settings that only the local engine knows choose it over the transfer service (2.1; CheckLocalImagePullConfigs). */
  readonly hasTransferService: boolean;
  /** config_path has a default (2.2, on Linux; plugins/cri/images/plugin.go InitFn). */
  readonly defaultConfigPath: string;
  /** config_unix.go DefaultConfig, config.go DefaultSandboxImage. */
  readonly sandboxImage: string;
  /** image_pull_progress_timeout (1.7.0: one minute; 1.7.10: five). Absent: 1.6 waits for ever. */
  readonly progressTimeoutMs?: number;
  /** hosts.toml may have a `host` without any table of its own (1.7.32). */
  readonly allowsHostsWithoutTables: boolean;
  /** Capabilities of a host in hosts.toml: with referrers (2.2). */
  readonly capabilities: readonly ('pull' | 'resolve' | 'push' | 'referrers')[];
  /** hosts.toml may have `dial_timeout` (2.0.7). */
  readonly hasDialTimeout: boolean;
}

export function configRulesOf(version: RuntimeVersion): ConfigRules {
  const from = (major: number, minor: number, patch = 0): boolean => atLeast(version, major, minor, patch);
  return {
    goToml: from(2, 0) ? 2 : 1,
    hasImagesPlugin: from(2, 0),
    configVersion: from(2, 3) ? 4 : from(2, 0) ? 3 : 2,
    startVersion: from(2, 3) ? 4 : from(2, 0) ? 3 : 1,
    migration: from(2, 3) ? 'each_file' : from(2, 0) ? 'after_merge' : 'none',
    mergesKeys: from(2, 0),
    refusesHigherDropIns: from(2, 3),
    refusesNewer: version.minor === 6 ? version.patch >= 32 : from(1, 7, 17),
    isStrict: from(1, 7),
    hasTransferService: from(2, 1),
    defaultConfigPath: from(2, 2) ? '/etc/containerd/certs.d:/etc/docker/certs.d' : '',
    sandboxImage: `registry.k8s.io/pause:${pauseTag(from)}`,
    ...(from(1, 7) ? { progressTimeoutMs: from(1, 7, 10) ? 300_000 : 60_000 } : {}),
    allowsHostsWithoutTables: from(1, 7, 32),
    capabilities: from(2, 2) ? ['pull', 'resolve', 'push', 'referrers'] : ['pull', 'resolve', 'push'],
    hasDialTimeout: from(2, 0, 7),
  };
}

function pauseTag(from: (major: number, minor: number) => boolean): string {
  if (from(2, 3)) return '3.10.2';
  if (from(2, 2)) return '3.10.1';
  if (from(2, 0)) return '3.10';
  return from(1, 7) ? '3.8' : '3.6';
}
