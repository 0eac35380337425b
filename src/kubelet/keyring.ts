/**
 * A user name and password that the kubelet would offer, and where it came from; which of them it would offer for an image, and
 * in which order. Knows nothing of who read the secrets, or of what a registry says to them.
 *
 * Imitates k8s v1.36.2 pkg/credentialprovider/keyring.go (BasicDockerKeyring, URLsMatch, UnionDockerKeyring), secrets/secrets.go
 * (MakeDockerKeyring) and kubelet/kuberuntime/kuberuntime_image.go (PullImage).
 */
import { contentOf, warningsOf } from './pull-secret.ts';
import { lifetimeOf, type Lifetime } from './credential-lifetime.ts';
import type { DockerConfigFormat } from './docker-config.ts';
import { decodeDockerConfig } from './docker-config.ts';
import type { Fault } from '#report/fault.ts';
import { matchGlob } from '#go/glob.ts';
import { parseGoUrl } from '#go/url.ts';
import type { Image } from '#image/reference.ts';
import { splitHostPort } from '#go/ip.ts';
import type { Outcome } from '#report/outcome.ts';
import { bad, good } from '#report/outcome.ts';
import type { Identity } from '#runtime/plan.ts';
import { Secret } from '#report/secret.ts';
import type { NodeFile } from './view.ts';
import type { ProviderAnswer } from '#node/view.ts';

export type CredentialSource =
  | { readonly is: 'pod_secret'; readonly namespace: string; readonly name: string }
  | { readonly is: 'node_file'; readonly path: string }
  | { readonly is: 'provider'; readonly name: string }
  /** containerd's own `configs.*.auth` and `auths`, used only when the kubelet sends nothing. */
  | { readonly is: 'runtime_config'; readonly path: string };

export interface Credential {
  /** Source, matching key and user name, for people: `pull secret shop/hub, key docker.io, user ci`. */
  readonly label: string;
  readonly source: CredentialSource;
  readonly username: string;
  readonly password: Secret;
  /** Where the password itself says when it ends. */
  readonly lifetime?: Lifetime;
}

/** A pull secret as the kubelet would find it. */
export interface PullSecret {
  readonly namespace: string;
  readonly name: string;
  readonly state:
    | { readonly is: 'given'; readonly type: string; readonly data: Readonly<Record<string, Secret>> }
    /** The API server said that it does not exist: the kubelet goes on without it. */
    | { readonly is: 'missing' }
    /** Named, and neither given to us nor readable by us: the verdict is unknown where it would matter. */
    | { readonly is: 'unseen'; readonly why: 'not_given' | 'forbidden' | 'unreachable' };
}

/** One entry of a docker configuration. Both texts may be empty; the kubelet counts it all the same. */
export interface DockerEntry {
  /** As written: `https://index.docker.io/v1/`. */
  readonly key: string;
  readonly username: string;
  readonly password: Secret;
}

/** Everything that could hold a credential for one image. */
export interface KeyringSources {
  /** In the order of pod.spec.imagePullSecrets. */
  readonly secrets: readonly PullSecret[];
  readonly nodeFile: NodeFile | null;
  /** Of the plugins that match the image, in configuration order. */
  readonly providerAnswers: readonly ProviderAnswer[];
}

export interface Keyring {
  /** The kubelet's attempts in order; a fault: it gives up before any request. */
  readonly identities: Outcome<readonly Identity[]>;
  readonly warnings: readonly Fault[];
  /** Secrets that nobody let us read: what is in them would come into `identities`. */
  readonly unseen: readonly { readonly namespace: string; readonly name: string; readonly why: string }[];
  /** Secrets that were read and hold nothing for this image. */
  readonly unused: readonly UnusedSecret[];
}

export interface UnusedSecret {
  /** `shop/hub` */
  readonly secret: string;
  /** What it holds logins for, as the kubelet files them. */
  readonly keys: readonly string[];
}

/** An entry under the key that the kubelet files it under. */
interface Filed {
  readonly entry: DockerEntry;
  readonly key: string;
  readonly source: CredentialSource;
}

const anonymous: Identity = { label: 'anonymous' };
const defaultRegistry = 'index.docker.io';

/**
 * keyring.go URLsMatch: equal ports as text, equally many labels, a shell pattern per label, and the path as a plain prefix of
 * characters. A key or pattern that cannot be read matches nothing.
 */
export function keyMatches(key: string, repository: string): boolean {
  const wanted = parseGoUrl(`https://${key}`);
  const asked = parseGoUrl(`https://${repository}`);
  if (!wanted.ok || !asked.ok) return false;
  const wantedHost = splitHostPort(wanted.url.host) ?? { host: wanted.url.host, port: '' };
  const askedHost = splitHostPort(asked.url.host) ?? { host: asked.url.host, port: '' };
  if (wantedHost.port !== askedHost.port || !asked.url.path.startsWith(wanted.url.path)) return false;
  const labels = askedHost.host.split('.');
  const patterns = wantedHost.host.split('.');
  return (
    patterns.length === labels.length && patterns.every((pattern, i) => matchGlob(pattern, labels[i] ?? '') === true)
  );
}

/** Decodes a docker configuration; the fault's `why` is Go's text. `of` names the secret in the fault. */
export function readDockerConfig(
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
  const fromSecrets = fileSecrets(secrets);
  if (!fromSecrets.ok) return { identities: fromSecrets, warnings, unseen, unused: [] };
  const identities = [fromSecrets.value, fileNodeFile(nodeFile), providerAnswers.flatMap(fileAnswer)]
    .flatMap((filed) => lookUp(filed, image.repository))
    .map(identify);
  const unused = unusedOf(fromSecrets.value, identities);
  return { identities: good(identities.length === 0 ? [anonymous] : identities), warnings, unseen, unused };
}

const mostKeys = 8;

function unusedOf(filed: readonly Filed[], identities: readonly Identity[]): readonly UnusedSecret[] {
  const nameOf = (source: CredentialSource): string =>
    source.is === 'pod_secret' ? `${source.namespace}/${source.name}` : '';
  const used = new Set(identities.flatMap(({ credential }) => (credential ? [nameOf(credential.source)] : [])));
  return [...Map.groupBy(filed, ({ source }) => nameOf(source))].flatMap(([secret, entries]) =>
    used.has(secret) ? [] : [{ secret, keys: [...new Set(entries.map(({ key }) => key))].slice(0, mostKeys) }],
  );
}

/** BasicDockerKeyring.Lookup: every match, in descending byte order of keys; the Hub's old name only where nothing matched. */
function lookUp(filed: readonly Filed[], repository: string): readonly Filed[] {
  const matching = filed.filter(({ key }) => keyMatches(key, repository));
  if (matching.length > 0) return matching.toSorted((one, other) => compareBytes(other.key, one.key));
  return isDefaultRegistry(repository) ? filed.filter(({ key }) => key === defaultRegistry) : [];
}

/** keyring.go isDefaultRegistryMatch: also true of `localhost/x` and `Foo/x`, whose first element has neither dot nor colon. */
function isDefaultRegistry(repository: string): boolean {
  const [first = ''] = repository.split('/', 1);
  return first !== '' && (first === 'docker.io' || first === defaultRegistry || !/[.:]/.test(first));
}

/** BasicDockerKeyring.Add: host and path of the key without /v1 or /v2, or undefined where the kubelet skips the entry. */
function filedKey(written: string): string | undefined {
  const read = parseGoUrl(/^https?:\/\//.test(written) ? written : `https://${written}`);
  if (!read.ok) return undefined;
  const { host, path } = read.url;
  const effective = /^\/v[12]\//.test(path) ? path.slice(3) : path;
  return effective === '/' ? host : host + effective;
}

function file(entries: readonly DockerEntry[], source: CredentialSource): readonly Filed[] {
  return entries.flatMap((entry) => {
    const key = filedKey(entry.key);
    return key === undefined ? [] : [{ entry, key, source }];
  });
}

function fileSecrets(secrets: readonly PullSecret[]): Outcome<readonly Filed[]> {
  const filed: Filed[] = [];
  for (const { namespace, name, state } of secrets) {
    const content = state.is === 'given' ? contentOf(state) : undefined;
    if (content?.is !== 'config') continue;
    const entries = readDockerConfig(content.text, content.format, { namespace, name });
    if (!entries.ok) return entries;
    filed.push(...file(entries.value, { is: 'pod_secret', namespace, name }));
  }
  return good(filed);
}

/** A node file that does not decode is passed over, unlike a secret. */
function fileNodeFile(nodeFile: NodeFile | null): readonly Filed[] {
  if (nodeFile === null) return [];
  const entries = readDockerConfig(nodeFile.text, nodeFile.format);
  return entries.ok ? file(entries.value, { is: 'node_file', path: nodeFile.path }) : [];
}

function fileAnswer({ provider, auth }: ProviderAnswer): readonly Filed[] {
  if (!auth.ok) return [];
  const entries = Object.entries(auth.value).map(([key, login]) => ({ key, ...login }));
  return file(entries, { is: 'provider', name: provider });
}

function identify({ entry: { username, password }, key, source }: Filed): Identity {
  const label = `${placeOf(source)}, key ${key}, ${username === '' ? 'no user' : `user ${username}`}`;
  const lifetime = lifetimeOf(password);
  const ends = lifetime === undefined ? {} : { lifetime };
  return { label, credential: { label, source, username, password, ...ends } };
}

function placeOf(source: CredentialSource): string {
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
