/** Demands without a Pod: images of a command line or a configuration file, with docker configuration files as pull secrets. */
import type { PullSecret } from '#kubelet/pull-secret.ts';
import { type PullPolicy, pullPolicyOf } from '#kubelet/pull-policy.ts';
import type { Demand } from '#kubelet/demand.ts';
import { parseImage } from '#image/reference.ts';
import { Secret } from '#report/secret.ts';

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

/**
 * A docker configuration as the pull secret that `kubectl create secret docker-registry --from-file` makes of it. Undefined: the
 * text is not a docker configuration.
 */
export function pullSecretOf(path: string, text: string, namespace: string): PullSecret | undefined {
  const format = formatOf(text);
  if (format === undefined) return undefined;
  const [type, key] =
    format === 'config'
      ? ['kubernetes.io/dockerconfigjson', '.dockerconfigjson']
      : ['kubernetes.io/dockercfg', '.dockercfg'];
  return { namespace, name: path, state: { is: 'given', type, data: { [key]: new Secret(text) } } };
}

function formatOf(text: string): 'config' | 'cfg' | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value) || 'kind' in value) return undefined;
    return 'auths' in value || 'credsStore' in value || 'credHelpers' in value ? 'config' : 'cfg';
  } catch {
    return undefined;
  }
}
