/**
 * registries.yaml of k3s and RKE2, as what they generate from it when they start: a hosts.toml for each registry, and the logins of
 * config.toml (k3s-io/k3s pkg/agent/containerd/config.go getHostConfigs, pkg/agent/templates/templates.go at 06ea261ce3f1; keys as in
 * rancher/wharfie pkg/registries). It decides only where they have not been started yet, or not since it was changed.
 */
import { isFields } from '#data/fields.ts';
import { isLocalhost } from '#runtime/containerd/localhost.ts';
import { parse } from 'yaml';
import { splitAuthority } from '#go/host-port.ts';

export type Generated =
  | {
      readonly ok: true;
      /** Directory below certs.d, and its hosts.toml. */
      readonly hosts: readonly (readonly [dir: string, text: string])[];
      /** `registry.configs` of containerd. */
      readonly configs: Fields;
    }
  | { readonly ok: false; readonly why: string };

type Fields = Readonly<Record<string, unknown>>;

interface Endpoint {
  readonly url: string;
  readonly overridePath: boolean;
  readonly tls: Fields;
  readonly rewrites: readonly (readonly [string, string])[];
}

export function generateFrom(text: string): Generated {
  let read: unknown;
  try {
    read = text.trim() === '' ? {} : parse(text, { logLevel: 'error' });
  } catch {
    return { ok: false, why: 'it is no YAML' };
  }
  if (!isFields(read ?? {})) return { ok: false, why: 'it is no mapping' };
  const [mirrors, configs] = [fieldsAt(read, 'mirrors'), fieldsAt(read, 'configs')];
  const names = [...new Set([...Object.keys(mirrors), ...Object.keys(configs)])];
  const hosts = names.flatMap((name) => {
    const hostsText = hostsFor(name, fieldsAt(mirrors, name), { configs, isMirrored: Object.hasOwn(mirrors, name) });
    return hostsText === undefined ? [] : [[name === '*' ? '_default' : name, hostsText] as const];
  });
  const logins = Object.keys(configs).flatMap((name) => {
    const auth = fieldsAt(fieldsAt(configs, name), 'auth');
    const { identity_token: identitytoken, ...rest } = auth;
    const written = identitytoken === undefined ? rest : { ...rest, identitytoken };
    return Object.keys(written).length === 0 ? [] : [[name, { auth: written }] as const];
  });
  return { ok: true, hosts, configs: Object.fromEntries(logins) };
}

/** Undefined where nothing but a default would be left in it. */
function hostsFor(
  name: string,
  mirror: Fields,
  { configs, isMirrored }: { readonly configs: Fields; readonly isMirrored: boolean },
): string | undefined {
  const rewrites = Object.entries(fieldsAt(mirror, 'rewrite')).flatMap(([from, to]) =>
    typeof to === 'string' ? [[from, to] as const] : [],
  );
  const seen = new Set<string>();
  const endpoints: Endpoint[] = [];
  for (const written of textsAt(mirror, 'endpoint')) {
    const at = normalize(written);
    if (at === undefined || seen.has(at.url)) continue;
    seen.add(at.url);
    endpoints.push({ url: at.url, overridePath: at.overridePath, tls: tlsFor(configs, at.registry), rewrites });
  }
  const own = name === '*' ? undefined : normalize(name);
  const last = endpoints.at(-1);
  // The registry itself as the last endpoint is moved to `server`, so that it is not asked twice.
  const isLast = last !== undefined && own !== undefined && last.url === own.url;
  const listed = isLast ? endpoints.slice(0, -1) : endpoints;
  const server: Endpoint | undefined = isLast
    ? last
    : own === undefined
      ? undefined
      : { ...own, tls: tlsFor(configs, name), rewrites: [] };
  const hasServer =
    server !== undefined && (Object.keys(server.tls).length > 0 || (isMirrored && isLast && rewrites.length > 0));
  if (listed.length === 0 && !hasServer) return undefined;
  const lines =
    server === undefined ? [] : [`server = ${quoted(server.url)}`, ...settingsOf({ ...server, rewrites: [] })];
  return `${[...lines, ...listed.flatMap(hostLines)].join('\n')}\n`;
}

function hostLines(endpoint: Endpoint): readonly string[] {
  const head = `host.${quoted(endpoint.url)}`;
  const rewrites = endpoint.rewrites.map(([from, to]) => `${quoted(from)} = ${quoted(to)}`);
  return [
    ...['', `[${head}]`, 'capabilities = ["pull", "resolve"]'],
    ...settingsOf(endpoint),
    ...(rewrites.length === 0 ? [] : [`[${head}.rewrite]`, ...rewrites]),
  ];
}

function settingsOf({ overridePath, tls }: Endpoint): readonly string[] {
  const [ca, cert, key] = ['ca_file', 'cert_file', 'key_file'].map((name) => textAt(tls, name));
  return [
    ...(overridePath ? ['override_path = true'] : []),
    ...(ca === undefined ? [] : [`ca = [${quoted(ca)}]`]),
    ...(cert === undefined && key === undefined ? [] : [`client = [[${quoted(cert ?? '')}, ${quoted(key ?? '')}]]`]),
    ...(tls['insecure_skip_verify'] === true ? ['skip_verify = true'] : []),
  ];
}

/** normalizeEndpointAddress: https without a scheme, except for localhost on another port; Docker Hub under its own host. */
function normalize(
  written: string,
): { readonly registry: string; readonly url: string; readonly overridePath: boolean } | undefined {
  const separator = written.indexOf('://');
  const rest = separator < 0 ? written : written.slice(separator + 3);
  const slash = rest.indexOf('/');
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? '' : rest.slice(slash);
  if (authority === '') return undefined;
  const { port } = splitAuthority(authority);
  const isPlain = isLocalhost(authority) && port !== '' && port !== '443';
  const scheme = separator < 0 ? (isPlain ? 'http' : 'https') : written.slice(0, separator);
  const isHub = ['docker.io', 'index.docker.io', 'registry-1.docker.io'].includes(authority);
  const host = isHub ? 'registry-1.docker.io' : authority;
  const isUsual = ['', '/', '/v2'].includes(path);
  return {
    registry: isHub ? 'docker.io' : authority,
    url: `${scheme}://${host}${isUsual ? '/v2' : path}`,
    overridePath: !isUsual,
  };
}

/** configForHost: the modified name of Docker Hub first. */
function tlsFor(configs: Fields, registry: string): Fields {
  const name =
    registry === 'docker.io' && Object.hasOwn(configs, 'registry-1.docker.io') ? 'registry-1.docker.io' : registry;
  return fieldsAt(fieldsAt(configs, name), 'tls');
}

function fieldsAt(value: unknown, name: string): Fields {
  const found = isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return isFields(found) ? found : {};
}

function textAt(value: Fields, name: string): string | undefined {
  const found = value[name];
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function textsAt(value: Fields, name: string): readonly string[] {
  const found = value[name];
  return Array.isArray(found) ? found.filter((item: unknown) => typeof item === 'string') : [];
}

/** A basic string of TOML. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
