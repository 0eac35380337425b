/** A user name and password that the kubelet offers to a registry, and where it comes from. */
import type { Secret } from '#report/secret.ts';
import type { Lifetime } from './credential-lifetime.ts';

export type CredentialSource =
  | { readonly is: 'pod_secret'; readonly namespace: string; readonly name: string }
  | { readonly is: 'node_file'; readonly path: string }
  | { readonly is: 'provider'; readonly name: string }
  /** The runtime's own credential (containerd `configs.*.auth` and `auths`), used only where the kubelet sends none. */
  | { readonly is: 'runtime_config'; readonly path: string };

interface Credential {
  /** Source, matching key and user name for reports: `pull secret shop/hub, key docker.io, user ci`. */
  readonly label: string;
  readonly source: CredentialSource;
  readonly username: string;
  readonly password: Secret;
  /** Where the password itself contains its end. */
  readonly lifetime?: Lifetime;
}

/** One of the kubelet's attempts to pull an image. */
export interface Identity {
  /** What reports show: a credential's label, or `anonymous`. */
  readonly label: string;
  readonly credential?: Credential;
}
