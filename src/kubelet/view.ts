/** What the kubelet believes about pulling images: its credentials, its settings, and what it says of its node. */
import type { DiskPressure } from './disk.ts';
import type { KubeletConfig } from './config.ts';
import type { Seen } from '#report/outcome.ts';
import type { Secret } from '#report/secret.ts';

export interface KubeletView {
  /** The first parsable docker configuration file of the kubelet's list, or null when there is none. */
  readonly nodeFile: Seen<NodeFile | null>;
  /** Places outside of its own directories where it would look for such a file, and that are not shown; absent: none. */
  readonly hidden?: readonly string[];
  /** Credential provider plugins in configuration order; a fault here means the kubelet would not start. */
  readonly providers: Seen<readonly CredentialProvider[]>;
  /** Its settings about images; absent where nobody looked. */
  readonly config?: Seen<KubeletConfig>;
  /** What the Node says of its disks; absent where nobody asked. */
  readonly diskPressure?: DiskPressure;
}

export interface NodeFile {
  readonly path: string;
  /** `config`: {"auths":{…}}; `cfg`: the bare map of .dockercfg. */
  readonly format: 'config' | 'cfg';
  readonly text: Secret;
}

export interface CredentialProvider {
  readonly name: string;
  readonly apiVersion: string;
  readonly matchImages: readonly string[];
  readonly defaultCacheS: number;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** The plugin as a path on this machine (the host root already applied). */
  readonly binary: string;
  /** It wants a ServiceAccount token, which we may not be able to mint. */
  readonly wantsToken: boolean;
}
