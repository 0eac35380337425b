/**
 * The hosts that containerd tries for one registry, in its order.
 *
 * Imitates containerd core/remotes/docker/config/hosts.go (ConfigureHosts, hostPaths, parseHostConfig) and, for the legacy
 * tables, internal/cri/server/images/image_pull.go (registryHosts, registryEndpoints), v1.6.20 to v2.3.4.
 */
import { isLocalhost } from './localhost.ts';
import type { ContainerdEngine } from './versions.ts';
import { splitAuthority } from '#go/host-port.ts';
import type { Fault } from '#report/fault.ts';
import { parseGoUrl } from '#go/url.ts';
import { cleanPath } from '#go/path.ts';
import type { Image } from '#image/reference.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { isCommonPattern, rewriteRepository } from './rewrite.ts';
import { valueAt } from '#data/value-at.ts';
import { systemTrust, type Route } from '#runtime/plan.ts';
import type { Header, HostRule, HostsDir, HostsRoot, RuntimeConfig } from '#node/view.ts';

/** docker.DefaultHTTPTransport: net.Dialer.Timeout. */
const dialTimeoutMs = 30_000;

export function routesFor(image: Image, config: RuntimeConfig, engine: ContainerdEngine): Outcome<readonly Route[]> {
  if (config.registry.kind === 'legacy') return legacyRoutes(image, config, engine);
  const dir = hostsDirFor(config.registry.roots, image.registry);
  if (dir === undefined)
    return good([upstream(image, config, engine, undefined, 'no directory for it under config_path')]);
  if (!dir.is.ok) return dir.is;
  const rules = dir.is.value;
  const patterns = rules.from === 'hosts.toml' ? rules.hosts.flatMap(({ rewrites = [] }) => rewrites) : [];
  const foreign = engine.rewritesRepositories ? patterns.find(([pattern]) => !isCommonPattern(pattern)) : undefined;
  if (foreign !== undefined) return bad(unreadableRewrite(foreign[0]));
  if (rules.from === 'cert_files') {
    const rule: HostRule = { capabilities: everything, overridePath: false, tls: rules.tls, headers: [] };
    return good([upstream(image, config, engine, rule, `${dir.path} (certificate files)`)]);
  }
  const mirrors = rules.hosts.flatMap((rule) =>
    routeFrom(rule, 'mirror', `${rules.file} [host."${withoutUser(rule.url ?? '')}"]`),
  );
  const server = routeFrom(rules.server, 'origin', `${rules.file} server`);
  const last =
    server.length > 0
      ? server
      : [upstream(image, config, engine, rules.server, `${rules.file} (no server: the registry itself)`)];
  return good([...mirrors, ...last]);

  function routeFrom(rule: HostRule, role: 'mirror' | 'origin', because: string): Route[] {
    const url = rule.url === undefined ? undefined : readHostUrl(rule.url);
    if (url === undefined) return [];
    const parts = { ...url, path: pathFor(url.path, rule.overridePath), rule, role, because };
    return [{ ...route(parts, image, config, engine), ...rewritten(image.path, rule, engine) }];
  }
}

function unreadableRewrite(pattern: string): Fault {
  const why = 'a part of it means something else in the regular expressions of Go';
  return { code: 'agent.cannot_see', what: `what the rewrite ${JSON.stringify(pattern)} does`, why };
}

function rewritten(
  path: string,
  { rewrites = [] }: HostRule,
  engine: ContainerdEngine,
): { readonly repository?: string } {
  const repository = engine.rewritesRepositories ? rewriteRepository(path, rewrites) : path;
  return repository === path ? {} : { repository };
}

const everything = ['pull', 'resolve', 'push'] as const;

/** R/host_port_, R/host, R/_default; the first root that has any wins (config_unix.go hostPaths, hostDirFromRoots). */
function hostsDirFor(roots: readonly HostsRoot[], registry: string): HostsDir | undefined {
  const colon = registry.lastIndexOf(':');
  const names = colon > 0 ? [`${registry.slice(0, colon)}_${registry.slice(colon + 1)}_`] : [];
  names.push(registry, '_default');
  for (const root of roots) {
    for (const name of names) {
      const dir = valueAt(root.dirs, name);
      if (dir !== undefined) return dir;
    }
  }
  return undefined;
}

interface HostUrl {
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly path: string;
}

/** parseHostConfig: a value that does not start with `http` gets https://; the path is cleaned. */
function readHostUrl(text: string): HostUrl | undefined {
  const url = text.startsWith('http') ? text : `https://${text}`;
  const parts = /^(https?):\/\/(?:[^/?#]*@)?([^/?#]*)([^?#]*)/i.exec(url);
  if (parts === null) return undefined;
  const [, scheme = '', authority = '', path = ''] = parts;
  if (authority === '') return undefined;
  return { scheme: scheme.toLowerCase() === 'http' ? 'http' : 'https', authority, path };
}

/** Removes a password from the URL of an entry, which a report must not show; containerd does not send it either. */
function withoutUser(url: string): string {
  return url.replace(/[^/?#]*@/, '');
}

function pathFor(path: string, overridePath: boolean): string {
  if (path === '') return overridePath ? '' : '/v2';
  const cleaned = cleanPath(path);
  return overridePath || cleaned.endsWith('/v2') ? cleaned : cleanPath(`${cleaned}/v2`);
}

/** The entry that containerd adds for the registry itself, with the root-level TLS, headers and timeout of hosts.toml. */
function upstream(
  image: Image,
  config: RuntimeConfig,
  engine: ContainerdEngine,
  rule: HostRule | undefined,
  because: string,
): Route {
  const authority = image.registry === 'docker.io' ? 'registry-1.docker.io' : image.registry;
  const local = isLocalhost(image.registry) ? localhostScheme(image.registry, engine) : undefined;
  const tls = local?.skipVerify === true ? { ...(rule?.tls ?? systemTrust), verify: false } : rule?.tls;
  const full: HostRule = {
    capabilities: everything,
    overridePath: false,
    headers: rule?.headers ?? [],
    ...(tls === undefined ? {} : { tls }),
    ...(rule?.dialTimeoutMs === undefined ? {} : { dialTimeoutMs: rule.dialTimeoutMs }),
  };
  return route(
    { scheme: local?.scheme ?? 'https', authority, path: '/v2', rule: full, role: 'origin', because },
    image,
    config,
    engine,
  );
}

function localhostScheme(
  registry: string,
  engine: ContainerdEngine,
): { scheme: 'http' | 'https'; skipVerify: boolean } {
  const { port } = splitAuthority(registry);
  if (!engine.localhostByPort) return { scheme: 'http', skipVerify: true };
  return { scheme: port === '' || port === '443' ? 'https' : 'http', skipVerify: port !== '80' };
}

interface RouteParts extends HostUrl {
  readonly rule: HostRule;
  readonly role: 'mirror' | 'origin';
  readonly because: string;
}

function route(parts: RouteParts, image: Image, config: RuntimeConfig, engine: ContainerdEngine): Route {
  const { host, port } = splitAuthority(parts.authority);
  const httpsFirst = parts.scheme === 'http' && parts.rule.tls !== undefined && triesHttps(port, engine);
  const scheme = httpsFirst ? 'https' : parts.scheme;
  return {
    role: parts.role,
    scheme,
    host,
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    authority: parts.authority,
    path: parts.path,
    mayPull: parts.rule.capabilities.includes('pull'),
    mayResolve: parts.rule.capabilities.includes('resolve'),
    tls: parts.rule.tls ?? systemTrust,
    httpsFirst,
    headers: [...config.headers, ...parts.rule.headers],
    realmHeaders: realmHeaders(parts.rule, config, engine),
    dialTimeoutMs: parts.rule.dialTimeoutMs ?? dialTimeoutMs,
    ...namespaceFor(parts.authority, image.registry),
    because: parts.because,
  };
}

function triesHttps(port: string, engine: ContainerdEngine): boolean {
  switch (engine.httpsFirst) {
    case 'never':
      return false;
    case 'any_port':
      return true;
    case 'written_port':
      return port !== '' && port !== '80';
    case 'not_port_80':
      return port !== '80';
  }
}

function realmHeaders(rule: HostRule, config: RuntimeConfig, engine: ContainerdEngine): readonly Header[] {
  switch (engine.headersToRealm) {
    case 'none':
      return [];
    case 'hosts_toml':
      return rule.headers;
    case 'all':
      return [...config.headers, ...rule.headers];
  }
}

/** docker/registry.go isProxy: every host but the registry's own gets the namespace. */
function namespaceFor(authority: string, registry: string): { readonly ns?: string } {
  if (authority === registry) return {};
  if (registry === 'docker.io' && authority === 'registry-1.docker.io') return {};
  return { ns: registry };
}

function legacyRoutes(image: Image, config: RuntimeConfig, engine: ContainerdEngine): Outcome<readonly Route[]> {
  if (config.registry.kind !== 'legacy') return good([]);
  const { mirrors, tls } = config.registry;
  const rewrites = valueAt(config.registry.rewrites ?? {}, image.registry) ?? [];
  const foreign = engine.rewritesRepositories ? rewrites.find(([pattern]) => !isCommonPattern(pattern)) : undefined;
  if (foreign !== undefined) return bad(unreadableRewrite(foreign[0]));
  const own = valueAt(mirrors, image.registry);
  const endpoints = own ?? valueAt(mirrors, '*') ?? [];
  const source = own === undefined ? 'registry.mirrors."*"' : `registry.mirrors."${image.registry}"`;
  for (const endpoint of endpoints.map(withScheme)) {
    const read = parseGoUrl(endpoint);
    if (read.ok) continue;
    const why = `get registry endpoints: parse endpoint url: parse ${JSON.stringify(endpoint)}: ${read.why}`;
    return bad({ code: 'hosts.unreadable', file: source, why });
  }
  const found = endpoints.map(withScheme).flatMap((endpoint) => {
    const url = /^https?:/.test(endpoint) ? readHostUrl(endpoint) : undefined;
    return url === undefined ? [] : [{ url, role: 'mirror' as const, because: `${source} endpoint ${url.authority}` }];
  });
  const origin = image.registry === 'docker.io' ? 'registry-1.docker.io' : image.registry;
  const itself: HostUrl = { scheme: isLocalhost(origin) ? 'http' : 'https', authority: origin, path: '' };
  const last = found.some(({ url }) => url.authority === image.registry)
    ? []
    : [{ url: itself, role: 'origin' as const, because: 'the registry itself' }];
  const routes: Route[] = [];
  for (const { url, role, because } of [...found, ...last]) {
    const rule = valueAt(tls, url.authority);
    if (rule !== undefined && !rule.ok) return rule;
    const host: HostRule = { capabilities: ['pull', 'resolve'], overridePath: true, headers: [] as readonly Header[] };
    const path = url.path === '' ? '/v2' : url.path;
    const made = route({ ...url, path, rule: host, role, because }, image, config, engine);
    const asked = role === 'mirror' ? { ...made, ...rewritten(image.path, { ...host, rewrites }, engine) } : made;
    routes.push(rule === undefined ? asked : { ...asked, tls: rule.value });
  }
  return good(routes);
}

/** addDefaultScheme: http for localhost, else https. */
function withScheme(endpoint: string): string {
  if (endpoint.includes('://')) return endpoint;
  return `${isLocalhost(/^[^/]*/.exec(endpoint)?.[0] ?? '') ? 'http' : 'https'}://${endpoint}`;
}
