/**
 * The kubelet's credential provider configuration (pkg/credentialprovider/plugin/config.go and plugin.go, Kubernetes 1.36): one
 * file, or a directory of them. The kubelet refuses to start with a bad one, so everything wrong here is one fault.
 */
import { posix } from 'node:path';
import { parse } from 'yaml';
import { isFields } from '#data/fields.ts';
import { goDurationMs } from '#go/duration.ts';
import { parseGoUrl } from '#go/url.ts';
import { bad, good, seen, type Outcome, type Seen } from '#report/outcome.ts';
import type { CredentialProvider } from '#kubelet/view.ts';
import { cannotSee } from './tls-files.ts';
import { listDir, locate, statPath, readText, type HostRoot, type Unread } from './host-root.ts';

export interface ProviderPlace {
  readonly config: string;
  readonly bin: string;
}

type Json = Readonly<Record<string, unknown>>;
/** What the kubelet refuses; `unseen` is what only we could not read. */
class Refusal extends Error {
  readonly isUnseen: boolean;
  readonly how: string | undefined;
  constructor(why: string, unseen: boolean | Unread) {
    super(why);
    this.isUnseen = typeof unseen === 'boolean' ? unseen : unseen.is === 'unseen';
    this.how = typeof unseen === 'boolean' ? undefined : unseen.how;
  }
}

export async function readProviders(
  root: HostRoot,
  place: ProviderPlace | undefined,
): Promise<Seen<readonly CredentialProvider[]>> {
  if (place === undefined) return seen('no credential provider flags', good([]));
  return seen(place.config, await readAll(root, place));
}

/** The files that the kubelet reads once, when it starts; a directory for what is taken out of it. */
export async function providerFiles(root: HostRoot, place: ProviderPlace | undefined): Promise<readonly string[]> {
  if (place === undefined) return [];
  try {
    return [...new Set([place.config, ...(await configFiles(root, place.config))])];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [place.config];
  }
}

async function readAll(root: HostRoot, place: ProviderPlace): Promise<Outcome<readonly CredentialProvider[]>> {
  const bin = await statPath(root, place.bin);
  const misconfigured = (file: string, why: string) => bad({ code: 'credential.provider_misconfigured', file, why });
  if (!bin.ok && bin.unread.is === 'unseen') return bad(cannotSee(place.bin, bin.unread));
  if (!bin.ok && bin.unread.is === 'absent') {
    return misconfigured(place.config, `plugin binary directory ${place.bin} did not exist`);
  }
  const providers: CredentialProvider[] = [];
  let reading = place.config;
  try {
    for (const file of await configFiles(root, place.config)) {
      reading = file;
      for (const raw of await providersIn(root, file)) {
        const provider = await readProvider(root, raw, place.bin);
        if (providers.some(({ name }) => name === provider.name)) {
          throw new Refusal(`duplicate provider name ${JSON.stringify(provider.name)}`, false);
        }
        providers.push(provider);
      }
    }
    if (providers.length === 0) throw new Refusal('providers: at least 1 item in plugins is required', false);
    return good(providers);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { isUnseen, how } = error;
    if (isUnseen)
      return bad(cannotSee(reading, { is: 'unseen', why: error.message, ...(how === undefined ? {} : { how }) }));
    return misconfigured(reading, error.message);
  }
}

/** readCredentialProviderConfig: of a directory, its *.json, *.yaml and *.yml in lexical order. */
async function configFiles(root: HostRoot, config: string): Promise<readonly string[]> {
  const found = await statPath(root, config);
  if (!found.ok) throw new Refusal(`unable to access path: ${found.unread.why}`, found.unread);
  if (found.value.kind !== 'dir') return [config];
  const listed = await listDir(root, config);
  if (!listed.ok) throw new Refusal(listed.unread.why, listed.unread);
  const files = listed.value.filter(({ name, kind }) => kind !== 'dir' && /\.(?:json|yaml|yml)$/.test(name));
  if (files.length === 0) throw new Refusal('no configuration files found in directory', false);
  return files.map(({ name }) => posix.join(config, name));
}

async function providersIn(root: HostRoot, file: string): Promise<readonly unknown[]> {
  const text = await readText(root, file);
  if (!text.ok) throw new Refusal(text.unread.why, text.unread);
  const config = record(decode(text.value), 'the document');
  onlyFields(config, ['kind', 'apiVersion', 'providers']);
  if (config['kind'] !== 'CredentialProviderConfig') throw new Refusal('wrong kind', false);
  const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `kubelet.config.k8s.io/${version}`);
  if (!versions.includes(asText(config['apiVersion'], 'apiVersion'))) throw new Refusal('unexpected apiVersion', false);
  const providers: unknown = config['providers'] ?? [];
  if (!Array.isArray(providers)) throw new Refusal('providers is not a list', false);
  return providers.map((provider: unknown) => provider);
}

/** YAML takes JSON as well. Aliases are bounded, because they can make much out of little. */
function decode(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, uniqueKeys: true, logLevel: 'error' });
  } catch {
    throw new Refusal('neither JSON nor YAML', false);
  }
}

const apiVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `credentialprovider.kubelet.k8s.io/${version}`);

async function readProvider(root: HostRoot, raw: unknown, binDir: string): Promise<CredentialProvider> {
  const provider = record(raw, 'a provider');
  onlyFields(provider, ['name', 'matchImages', 'defaultCacheDuration', 'apiVersion', 'args', 'env', 'tokenAttributes']);
  const name = asText(provider['name'], 'name');
  const apiVersion = asText(provider['apiVersion'], 'apiVersion');
  const matchImages = texts(provider['matchImages'], 'matchImages');
  if (name === '.' || name === '..' || /[/ ]/.test(name))
    throw new Refusal(`invalid provider name ${JSON.stringify(name)}`, false);
  if (!apiVersions.includes(apiVersion))
    throw new Refusal(`${name}: unsupported apiVersion ${JSON.stringify(apiVersion)}`, false);
  if (matchImages.length === 0) throw new Refusal(`${name}: at least 1 item in matchImages is required`, false);
  const unusable = matchImages.find((pattern) => !parseGoUrl(`https://${pattern}`).ok);
  if (unusable !== undefined) throw new Refusal(`${name}: match image is invalid: ${JSON.stringify(unusable)}`, false);
  const defaultCacheS = duration(provider['defaultCacheDuration'], name);
  const wantsToken = checkToken(provider['tokenAttributes'], { name, apiVersion });
  const binary = await findBinary(root, posix.join(binDir, name));
  const args = texts(provider['args'], 'args');
  return { name, apiVersion, matchImages, defaultCacheS, args, env: envOf(provider['env']), binary, wantsToken };
}

function duration(value: unknown, name: string): number {
  if (value === undefined || value === null) throw new Refusal(`${name}: defaultCacheDuration is required`, false);
  const ms = typeof value === 'string' ? goDurationMs(value) : undefined;
  if (ms === undefined) throw new Refusal(`${name}: defaultCacheDuration is not a duration`, false);
  if (ms < 0) throw new Refusal(`${name}: defaultCacheDuration must be greater than or equal to 0`, false);
  return ms / 1000;
}

function envOf(value: unknown): CredentialProvider['env'] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Refusal('env is not a list', false);
  return value.map((item: unknown) => {
    const variable = record(item, 'an item of env');
    onlyFields(variable, ['name', 'value']);
    return { name: asText(variable['name'], 'env name'), value: asText(variable['value'], 'env value') };
  });
}

function checkToken(value: unknown, { name, apiVersion }: { name: string; apiVersion: string }): boolean {
  if (value === undefined || value === null) return false;
  const token = record(value, 'tokenAttributes');
  const keyLists = ['requiredServiceAccountAnnotationKeys', 'optionalServiceAccountAnnotationKeys'];
  onlyFields(token, ['serviceAccountTokenAudience', 'cacheType', 'requireServiceAccount', ...keyLists]);
  const refuse = (why: string): never => {
    throw new Refusal(`${name}: tokenAttributes: ${why}`, false);
  };
  const [required = [], optional = []] = keyLists.map((key) => texts(token[key], key));
  if (apiVersion !== apiVersions[0]) refuse(`only supported for ${apiVersions[0] ?? ''}`);
  if (asText(token['serviceAccountTokenAudience'], 'serviceAccountTokenAudience') === '')
    refuse('an audience is required');
  if (typeof token['requireServiceAccount'] !== 'boolean') refuse('requireServiceAccount is required');
  if (token['requireServiceAccount'] === false && required.length > 0)
    refuse('required annotations need a service account');
  if (token['cacheType'] !== 'ServiceAccount' && token['cacheType'] !== 'Token') refuse('cacheType is required');
  const keys = [...required, ...optional];
  if (new Set(keys).size < keys.length) refuse('an annotation key is listed twice');
  return true;
}

/** exec.LookPath: a file that may be executed. */
async function findBinary(root: HostRoot, path: string): Promise<string> {
  const found = await statPath(root, path);
  const at = await locate(root, path);
  if (!found.ok && found.unread.is === 'unseen') throw new Refusal(found.unread.why, found.unread);
  if (!found.ok || !at.ok) throw new Refusal(`plugin binary executable ${path} did not exist`, false);
  if (found.value.kind !== 'file' || !found.value.executable)
    throw new Refusal(`plugin binary ${path} is not executable`, false);
  return at.value;
}

/** The kubelet decodes strictly: an unknown field is an error. */
function onlyFields(value: Json, names: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Refusal(`unknown field ${JSON.stringify(unknown.slice(0, 100))}`, false);
}

function record(value: unknown, what: string): Json {
  if (!isFields(value)) throw new Refusal(`${what} is not an object`, false);
  return value;
}

function asText(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new Refusal(`${what} is not a string`, false);
  return value;
}

function texts(value: unknown, what: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Refusal(`${what} is not a list`, false);
  return value.map((item: unknown) => asText(item, what));
}
