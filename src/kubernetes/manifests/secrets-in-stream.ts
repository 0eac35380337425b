/**
 * The Secrets and ServiceAccounts of a stream, and which of them a Pod would pull with. Reads secrets, shows none.
 */
import type { PullSecret } from '#kubelet/keyring.ts';
import { type Fields, isFields } from '#data/fields.ts';
import { Secret } from '#report/secret.ts';
import type { Remark } from './manifest-stream.ts';
import { textOf } from './pod-specs.ts';
import type { Manifest, PodSpec } from './pod-specs.ts';

export interface GivenSecrets {
  readonly secrets: ReadonlyMap<string, PullSecret>;
  /** A secret's name → where there are secrets of that name. */
  readonly namespaces: ReadonlyMap<string, ReadonlySet<string>>;
  /** namespace/name → the names in its imagePullSecrets. */
  readonly accounts: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly Remark[];
  readonly hints: readonly Remark[];
}

/** The two keys that the kubelet looks into (kubelet credentialprovider/secrets MakeDockerKeyring); nothing else is kept. */
const keys = ['.dockerconfigjson', '.dockercfg'] as const;

/** Where a name comes twice the last one stands, as when the stream is applied. */
export function givenSecrets(manifests: readonly Manifest[]): GivenSecrets {
  const secrets = new Map<string, PullSecret>();
  const namespaces = new Map<string, Set<string>>();
  const accounts = new Map<string, readonly string[]>();
  const problems: Remark[] = [];
  const hints: Remark[] = [];
  for (const manifest of manifests) {
    const { at, kind, group, namespace, name, fields } = manifest;
    if (group !== '') continue;
    const id = `${namespace}/${name}`;
    const title = `${at}, ${kind} ${id}`;
    if (kind === 'ServiceAccount') accounts.set(id, namesOf(fields['imagePullSecrets']));
    if (kind !== 'Secret') continue;
    if (secrets.has(id)) hints.push({ at: title, what: 'a Secret of this name came before; the last one counts' });
    const read = readSecret(manifest);
    if (typeof read === 'string') problems.push({ at: title, what: read });
    else secrets.set(id, read);
    namespaces.set(name, (namespaces.get(name) ?? new Set()).add(namespace));
  }
  return { secrets, namespaces, accounts, problems, hints };
}

/** A Secret as the API server would store it, or why it would refuse it. */
function readSecret({ namespace, name, fields }: Manifest): PullSecret | string {
  const data: Record<string, Secret> = {};
  const plain = isFields(fields['stringData']) ? fields['stringData'] : {};
  const encoded = isFields(fields['data']) ? fields['data'] : {};
  for (const key of keys) {
    const read = valueOf(key, plain, encoded);
    if (typeof read === 'string') return read;
    if (read !== undefined) data[key] = read;
  }
  const type = textOf(fields['type']) || 'Opaque';
  return { namespace, name, state: { is: 'given', type, data } };
}

/** stringData goes over data (core/v1 conversion, Convert_v1_Secret_To_core_Secret). */
function valueOf(key: string, plain: Fields, encoded: Fields): Secret | string | undefined {
  const text = plain[key];
  if (typeof text === 'string') return new Secret(text);
  if (text !== undefined && text !== null)
    return `stringData["${key}"] is not text: quote it, or use a block scalar (|)`;
  const base64 = encoded[key];
  if (base64 === undefined || base64 === null) return undefined;
  if (typeof base64 !== 'string') return `data["${key}"] is not text; the API server would refuse this Secret`;
  const compact = base64.replace(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(compact)) {
    return `data["${key}"] is not base64, so the API server would refuse this Secret; plain text belongs into stringData`;
  }
  return new Secret(new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(compact, 'base64')));
}

/**
 * The secrets of a Pod, in its order. A Pod that lists none takes its ServiceAccount's at admission
 * (plugin/pkg/admission/serviceaccount/admission.go Admit); an empty name is skipped (kubelet_pods.go getPullSecretsForPod).
 */
export function secretsFor(pod: PodSpec, given: GivenSecrets): readonly PullSecret[] {
  const account = textOf(pod.spec['serviceAccountName']) || textOf(pod.spec['serviceAccount']) || 'default';
  const listed = pod.spec['imagePullSecrets'];
  const lists = Array.isArray(listed) && listed.length > 0;
  const names = lists ? namesOf(listed) : (given.accounts.get(`${pod.namespace}/${account}`) ?? []);
  return names.map((name) => given.secrets.get(`${pod.namespace}/${name}`) ?? unseen(pod.namespace, name));
}

/** The namespaces where a secret that is not given stands in the stream after all, and does not count. */
export function elsewhere(secret: PullSecret, given: GivenSecrets): readonly string[] {
  return secret.state.is === 'given' ? [] : [...(given.namespaces.get(secret.name) ?? [])];
}

function unseen(namespace: string, name: string): PullSecret {
  return { namespace, name, state: { is: 'unseen', why: 'not_given' } };
}

function namesOf(list: unknown): readonly string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry) => (isFields(entry) && textOf(entry['name']) !== '' ? [textOf(entry['name'])] : []));
}
