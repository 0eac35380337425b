/** What the kubelet uses to pull images: its credentials, its settings, and what its Node reports. */
import type { Outcome, Seen } from '#report/outcome.ts';
import type { Secret } from '#report/secret.ts';
import type { KubeletConfig } from './config.ts';
import type { DiskPressure } from './disk.ts';

export interface KubeletView {
  /** The first docker configuration file of the kubelet's list that parses, or null where there is none. */
  readonly nodeFile: Seen<NodeFile | null>;
  /** Places outside its own directories where the kubelet looks for such a file and that are not visible; absent: none. */
  readonly hidden?: readonly string[];
  /** Credential provider plugins in configuration order; with a fault here the kubelet does not start. */
  readonly providers: Seen<readonly CredentialProvider[]>;
  /** Its settings about images; absent where they were not read. */
  readonly config?: Seen<KubeletConfig>;
  /** What the Node reports about its disks; absent where the Node was not read. */
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
  /** The plugin as a path on this machine, with the host root applied. */
  readonly binary: string;
  /** The plugin wants a ServiceAccount token, which the agent may not be able to request. */
  readonly wantsToken: boolean;
}

/** One matching plugin's answer for one image: the `auth` map, or why the kubelet would continue without it. */
export interface ProviderAnswer {
  readonly provider: string;
  readonly auth: Outcome<Readonly<Record<string, { readonly username: string; readonly password: Secret }>>>;
  /** The answer is cached until then; absent: not at all. */
  readonly keptUntilMs?: number;
  /** The answer comes from the cache, and the plugin has failed since: why. */
  readonly failing?: string;
}
