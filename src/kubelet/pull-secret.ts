/** A pull secret, and the docker configuration in it. Imitates k8s v1.36.2 pkg/credentialprovider/secrets/secrets.go (MakeDockerKeyring). */
import type { DockerConfigFormat } from './docker-config.ts';
import type { Fault } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { Secret } from '#report/secret.ts';

/** A pull secret as the kubelet would find it. */
export interface PullSecret {
  readonly namespace: string;
  readonly name: string;
  readonly state:
    | { readonly is: 'given'; readonly type: string; readonly data: Readonly<Record<string, Secret>> }
    /** The API server answers that it does not exist: the kubelet continues without it. */
    | { readonly is: 'missing' }
    /** A Pod names it and the agent cannot read it: the verdict is unknown where its content would decide. */
    | { readonly is: 'unseen'; readonly why: 'not_given' | 'forbidden' | 'unreachable' };
}

type Content =
  | { readonly is: 'config'; readonly text: Secret; readonly format: DockerConfigFormat }
  | { readonly is: 'ignored'; readonly why: string };

const keysByType: Readonly<Record<string, readonly [key: string, format: DockerConfigFormat]>> = {
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson', 'config'],
  'kubernetes.io/dockercfg': ['.dockercfg', 'cfg'],
};

/** secrets.go: type and key must belong together, and the value must not be empty. */
export function contentOf({ type, data }: Extract<PullSecret['state'], { is: 'given' }>): Content {
  const entry = valueAt(keysByType, type);
  if (entry === undefined) return { is: 'ignored', why: `its type is ${type === '' ? 'empty' : type}` };
  const [key, format] = entry;
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
