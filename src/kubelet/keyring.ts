/**
 * Which credentials the kubelet offers for an image, and in which order.
 *
 * Imitates k8s v1.36.2 pkg/credentialprovider/keyring.go (BasicDockerKeyring, URLsMatch, UnionDockerKeyring), secrets/secrets.go
 * (MakeDockerKeyring) and kubelet/kuberuntime/kuberuntime_image.go (PullImage).
 */
import { contentOf, warningsOf, type PullSecret } from './pull-secret.ts';
import { lifetimeOf } from './credential-lifetime.ts';
import type { DockerConfigFormat } from './docker-config.ts';
import { decodeDockerConfig } from './docker-config.ts';
import type { Fault } from '#report/fault.ts';
import { matchGlob } from '#go/glob.ts';
import { parseGoUrl } from '#go/url.ts';
import type { Image } from '#image/reference.ts';
import { splitHostPort } from '#go/host-port.ts';
import type { Outcome } from '#report/outcome.ts';
import { bad, good } from '#report/outcome.ts';
import type { CredentialSource, Identity } from './credential.ts';
import { Secret } from '#report/secret.ts';
import type { NodeFile, ProviderAnswer } from './view.ts';

/** One entry of a docker configuration. Both texts may be empty; the kubelet uses the entry anyway. */
interface DockerEntry {
  /** As written: `https://index.docker.io/v1/`. */
  readonly key: string;
  readonly username: string;
  readonly password: Secret;
}

/** Everything that may contain a credential for one image. */
export interface KeyringSources {
  /** In the order of pod.spec.imagePullSecrets. */
  readonly secrets: readonly PullSecret[];
  readonly nodeFile: NodeFile | null;
  /** The answers of the plugins that match the image, in configuration order. */
  readonly providerAnswers: readonly ProviderAnswer[];
}

export interface Keyring {
  /** The kubelet's attempts in order; with a fault it fails before any request. */
  readonly identities: Outcome<readonly Identity[]>;
  readonly warnings: readonly Fault[];
  /** Secrets that the agent could not read: `identities` lacks their credentials. */
  readonly unseen: readonly { readonly namespace: string; readonly name: string; readonly why: string }[];
  /** Secrets that were read and have no credential for this image. */
  readonly unused: readonly UnusedSecret[];
}

export interface UnusedSecret {
  /** `shop/hub` */
  readonly secret: string;
  /** The keys of its credentials, as the kubelet normalises them. */
  readonly keys: readonly string[];
}

/** An entry with its normalised key. */
interface KeyedEntry {
  readonly entry: DockerEntry;
  readonly key: string;
  readonly source: CredentialSource;
}

const anonymous: Identity = { label: 'anonymous' };
const defaultRegistry = 'index.docker.io';

/**
 * keyring.go URLsMatch: equal ports as text, the same number of labels, a shell pattern for each label, and the path as a plain
 * prefix of characters. A key or pattern that does not parse matches nothing.
 */
export function keyMatches(key: string, repository: string): boolean {
  const wanted = parseGoUrl(`https://${key}`);
  const given = parseGoUrl(`https://${repository}`);
  if (!wanted.ok || !given.ok) return false;
  const wantedHost = splitHostPort(wanted.url.host) ?? { host: wanted.url.host, port: '' };
  const givenHost = splitHostPort(given.url.host) ?? { host: given.url.host, port: '' };
  if (wantedHost.port !== givenHost.port || !given.url.path.startsWith(wanted.url.path)) return false;
  const labels = givenHost.host.split('.');
  const patterns = wantedHost.host.split('.');
  return (
    patterns.length === labels.length && patterns.every((pattern, i) => matchGlob(pattern, labels[i] ?? '') === true)
  );
}

/** Decodes a docker configuration; the fault's `why` is Go's text. `of` is the secret that the fault names. */
function readDockerConfig(
  text: Secret,
  format: DockerConfigFormat,
  of: { readonly namespace: string; readonly name: string } = { namespace: '', name: '' },
): Outcome<readonly DockerEntry[]> {
  const read = decodeDockerConfig(text.reveal(), format);
  if (!read.ok) return bad({ code: 'credential.malformed', secret: of.name, namespace: of.namespace, why: read.why });
  return good(read.entries.map(({ key, username, password }) => ({ key, username, password: new Secret(password) })));
}

/** Three keyrings one after the other: pod secrets, node file, plugins. */
export function keyringFor(image: Image, sources: KeyringSources): Keyring {
  const { secrets, nodeFile, providerAnswers } = sources;
  const warnings: Fault[] = secrets.flatMap(warningsOf);
  for (const { auth } of providerAnswers) if (!auth.ok) warnings.push(auth.fault);
  const unseen = secrets.flatMap(({ namespace, name, state }) =>
    state.is === 'unseen' ? [{ namespace, name, why: state.why }] : [],
  );
  const fromSecrets = entriesOfSecrets(secrets);
  if (!fromSecrets.ok) return { identities: fromSecrets, warnings, unseen, unused: [] };
  const identities = [fromSecrets.value, entriesOfNodeFile(nodeFile), providerAnswers.flatMap(entriesOfAnswer)]
    .flatMap((entries) => entriesFor(entries, image.repository))
    .map(identify);
  const unused = unusedOf(fromSecrets.value, identities);
  return { identities: good(identities.length === 0 ? [anonymous] : identities), warnings, unseen, unused };
}

const mostKeys = 8;

function unusedOf(keyedEntries: readonly KeyedEntry[], identities: readonly Identity[]): readonly UnusedSecret[] {
  const nameOf = (source: CredentialSource): string =>
    source.is === 'pod_secret' ? `${source.namespace}/${source.name}` : '';
  const used = new Set(identities.flatMap(({ credential }) => (credential ? [nameOf(credential.source)] : [])));
  return [...Map.groupBy(keyedEntries, ({ source }) => nameOf(source))].flatMap(([secret, entries]) =>
    used.has(secret) ? [] : [{ secret, keys: [...new Set(entries.map(({ key }) => key))].slice(0, mostKeys) }],
  );
}

/** BasicDockerKeyring.Lookup: every match, in descending byte order of keys; the Hub's old name only where nothing matched. */
function entriesFor(keyedEntries: readonly KeyedEntry[], repository: string): readonly KeyedEntry[] {
  const matching = keyedEntries.filter(({ key }) => keyMatches(key, repository));
  if (matching.length > 0) return matching.toSorted((one, other) => compareBytes(other.key, one.key));
  return isDefaultRegistry(repository) ? keyedEntries.filter(({ key }) => key === defaultRegistry) : [];
}

/** keyring.go isDefaultRegistryMatch: also true of `localhost/x` and `Foo/x`, whose first element has neither dot nor colon. */
function isDefaultRegistry(repository: string): boolean {
  const [first = ''] = repository.split('/', 1);
  return first !== '' && (first === 'docker.io' || first === defaultRegistry || !/[.:]/.test(first));
}

/** BasicDockerKeyring.Add: host and path of the key without /v1 or /v2, or undefined where the kubelet skips the entry. */
function normalisedKey(written: string): string | undefined {
  const read = parseGoUrl(/^https?:\/\//.test(written) ? written : `https://${written}`);
  if (!read.ok) return undefined;
  const { host, path } = read.url;
  const effective = /^\/v[12]\//.test(path) ? path.slice(3) : path;
  return effective === '/' ? host : host + effective;
}

function keyed(entries: readonly DockerEntry[], source: CredentialSource): readonly KeyedEntry[] {
  return entries.flatMap((entry) => {
    const key = normalisedKey(entry.key);
    return key === undefined ? [] : [{ entry, key, source }];
  });
}

function entriesOfSecrets(secrets: readonly PullSecret[]): Outcome<readonly KeyedEntry[]> {
  const keyedEntries: KeyedEntry[] = [];
  for (const { namespace, name, state } of secrets) {
    const content = state.is === 'given' ? contentOf(state) : undefined;
    if (content?.is !== 'config') continue;
    const entries = readDockerConfig(content.text, content.format, { namespace, name });
    if (!entries.ok) return entries;
    keyedEntries.push(...keyed(entries.value, { is: 'pod_secret', namespace, name }));
  }
  return good(keyedEntries);
}

/** Unlike a secret, a node file that does not decode is skipped. */
function entriesOfNodeFile(nodeFile: NodeFile | null): readonly KeyedEntry[] {
  if (nodeFile === null) return [];
  const entries = readDockerConfig(nodeFile.text, nodeFile.format);
  return entries.ok ? keyed(entries.value, { is: 'node_file', path: nodeFile.path }) : [];
}

function entriesOfAnswer({ provider, auth }: ProviderAnswer): readonly KeyedEntry[] {
  if (!auth.ok) return [];
  const entries = Object.entries(auth.value).map(([key, login]) => ({ key, ...login }));
  return keyed(entries, { is: 'provider', name: provider });
}

function identify({ entry: { username, password }, key, source }: KeyedEntry): Identity {
  const label = `${sourceText(source)}, key ${key}, ${username === '' ? 'no user' : `user ${username}`}`;
  const lifetime = lifetimeOf(password);
  const ends = lifetime === undefined ? {} : { lifetime };
  return { label, credential: { label, source, username, password, ...ends } };
}

function sourceText(source: CredentialSource): string {
  switch (source.is) {
    case 'pod_secret':
      return `pull secret ${source.namespace}/${source.name}`;
    case 'node_file':
      return `node file ${source.path}`;
    case 'provider':
      return `credential provider ${source.name}`;
    case 'runtime_config':
      return `runtime configuration ${source.path}`;
  }
}

/** Order of the UTF-8 bytes, which is the order of code points. */
function compareBytes(one: string, other: string): number {
  const [left, right] = [Array.from(one), Array.from(other)];
  for (const [i, char] of left.entries()) {
    const difference = (char.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
