/** imagePullPolicy of a container, and the API server's default where none is written. */
import { tagOf } from '#image/reference.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

export function isPullPolicy(value: unknown): value is PullPolicy {
  return value === 'Always' || value === 'IfNotPresent' || value === 'Never';
}

/**
 * Always where the tag is `latest`, written or implied, also beside a digest; IfNotPresent otherwise and where the reference
 * does not parse (k8s pkg/apis/core/v1/defaults.go SetDefaults_Container, v1.36).
 */
export function pullPolicyOf(written: string): PullPolicy {
  return tagOf(written) === 'latest' ? 'Always' : 'IfNotPresent';
}
