/** Images that nobody's Pod names: from a command line or a configuration file, with docker configurations as pull secrets. */
import type { PullSecret } from '#kubelet/keyring.ts';
import { parseImage, pullPolicyOf } from '#image/reference.ts';
import { Secret } from '#report/secret.ts';
import type { Demand, PullPolicy } from '#node/view.ts';

export function bareDemand(written: string, secrets: readonly PullSecret[], policy?: PullPolicy): Demand {
  return {
    image: parseImage(written),
    written,
    policy: policy ?? pullPolicyOf(written),
    requestedBy: [],
    secrets,
    present: 'unknown',
  };
}

/** A docker configuration as the pull secret that `kubectl create secret docker-registry --from-file` would make of it; undefined for text that is none. */
export function pullSecretOf(path: string, text: string, namespace: string): PullSecret | undefined {
  const form = shapeOf(text);
  if (form === undefined) return undefined;
  const [type, key] =
    form === 'config'
      ? ['kubernetes.io/dockerconfigjson', '.dockerconfigjson']
      : ['kubernetes.io/dockercfg', '.dockercfg'];
  return { namespace, name: path, state: { is: 'given', type, data: { [key]: new Secret(text) } } };
}

function shapeOf(text: string): 'config' | 'cfg' | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || 'kind' in value) return undefined;
    return 'auths' in value || 'credsStore' in value || 'credHelpers' in value ? 'config' : 'cfg';
  } catch {
    return undefined;
  }
}
