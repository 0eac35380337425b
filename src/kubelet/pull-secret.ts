/** What a pull secret holds for the kubelet. Imitates k8s v1.36.2 pkg/credentialprovider/secrets/secrets.go (MakeDockerKeyring). */
import type { PullSecret } from './keyring.ts';
import type { DockerConfigFormat } from './docker-config.ts';
import type { Fault } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { Secret } from '#report/secret.ts';

type Content =
  | { readonly is: 'config'; readonly text: Secret; readonly format: DockerConfigFormat }
  | { readonly is: 'ignored'; readonly why: string };

const places: Readonly<Record<string, readonly [key: string, format: DockerConfigFormat]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson', 'config'],
  'kubernetes.io/dockercfg': ['.dockercfg', 'cfg'],
};

/** secrets.go: type and key must belong together, and the value must not be empty. */
export function contentOf({ type, data }: Extract<PullSecret['state'], { is: 'given' }>): Content {
  const place = valueAt(places, type);
  if (place === undefined) return { is: 'ignored', why: `its type is ${type === '' ? 'empty' : type}` };
  const [key, format] = place;
  const text = valueAt(data, key);
  if (text === undefined) return { is: 'ignored', why: `it is of type ${type} and has no key ${key}` };
  return text.isEmpty ? { is: 'ignored', why: `its key ${key} is empty` } : { is: 'config', text, format };
}

export function warningsOf({ namespace, name, state }: PullSecret): readonly Fault[] {
  if (state.is === 'missing') return [{ code: 'credential.secret_missing', secret: name, namespace }];
  const content = state.is === 'given' ? contentOf(state) : undefined;
  if (content?.is !== 'ignored') return [];
  return [{ code: 'credential.secret_ignored', secret: name, namespace, why: content.why }];
}
