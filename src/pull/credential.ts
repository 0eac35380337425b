/** A user name and password that the kubelet would offer, and where it came from. */
import type { Secret } from './secret.ts';

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
