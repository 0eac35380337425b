/**
 * How one distribution of Kubernetes lays out a node, as data: where its programs and their settings are, which of them an operator
 * edits, and how a change takes effect.
 */

export type DistributionName =
  | 'kubeadm'
  | 'kind'
  | 'k3s'
  | 'rke2'
  | 'microk8s'
  | 'k0s'
  | 'talos'
  | 'bottlerocket'
  | 'flatcar'
  | 'kops'
  | 'eks'
  | 'gke'
  | 'aks'
  | 'openshift'
  | 'minikube'
  | 'docker';

export interface Distribution {
  readonly name: DistributionName;
  readonly title: string;
  readonly runtime: RuntimeLayout;
  readonly kubelet: KubeletLayout;
  readonly edits: Edits;
  /** Components of the manifests that show what decides here, beside the base. */
  readonly components: readonly string[];
}

export interface RuntimeLayout {
  readonly name: 'containerd' | 'cri-o' | 'docker';
  /** Its configuration where no flag names another. */
  readonly config: string;
  /** Its data where neither a flag nor the configuration names another. */
  readonly root: string;
  readonly socket: string;
  /** Units that start it, or the program that does; the first that exists counts. */
  readonly units: readonly string[];
  /** The unit starts another program, whose `CONTAINERD_HTTPS_PROXY` becomes the runtime's HTTPS_PROXY. */
  readonly passesOn?: true;
  /** A file with its flags, one or more a line, in place of a unit's command line. */
  readonly flagsFile?: string;
  /** A file with more of its environment. */
  readonly environmentFile?: string;
  /** What `${NAME}` stands for in those files. */
  readonly variables?: Readonly<Record<string, string>>;
  /** containerd here is k3s's fork, whose versions end so. */
  readonly versionSuffix?: string;
  /** What the distribution generates its configuration from, at its start. */
  readonly generatedFrom?: string;
}

export interface KubeletLayout {
  /** Names of its process; it may be a part of another program. */
  readonly processes: readonly string[];
  readonly units: readonly string[];
  readonly rootDir: string;
  /** Its configuration where no flag names another. */
  readonly config?: string;
  readonly configDir?: string;
  readonly flags: KubeletFlags;
  /** Used where both exist and no flag names others. */
  readonly providers?: { readonly config: string; readonly bin: string };
}

export type KubeletFlags =
  /** The command line of its unit. */
  | { readonly from: 'unit' }
  /** A file with flags. */
  | { readonly from: 'file'; readonly path: string; readonly variables: Readonly<Record<string, string>> }
  /** Another program's flags and settings, which hold the kubelet's: `--kubelet-arg=root-dir=/x`. */
  | {
      readonly from: 'wrapper';
      readonly settings?: string;
      /** `each`: one flag a value; `words`: one value holds several, with dashes. */
      readonly passed: { readonly flag: string; readonly as: 'each' | 'words' };
      /** Flags of the other program and the kubelet's that they become. */
      readonly renamed: Readonly<Record<string, string>>;
    }
  /** They are in no file of the node. */
  | { readonly from: 'nowhere'; readonly why: string };

export interface Edits {
  /** Mirrors, endpoints and their certificates. */
  readonly registries: Edit;
  /** Certificate authorities that every program of the node trusts. */
  readonly trust: Edit;
  readonly proxy: Edit;
  readonly kubelet: Edit;
}

export interface Edit {
  /** What is edited: a file or directory of the node, or an object elsewhere, such as Talos's machine configuration. */
  readonly where: string;
  readonly format:
    | 'hosts.toml'
    | 'registries.yaml'
    | 'registries.conf'
    | 'pem'
    | 'systemd drop-in'
    | 'environment file'
    | 'yaml'
    | 'json'
    | 'toml'
    | 'flags';
  /** Where the place is a directory: the file in it, with HOST for the registry's name and port. */
  readonly file?: string;
  /** Commands after the edit, in order; none: it is read at the next pull. */
  readonly apply: readonly string[];
  /** What else to know: where it is kept so that it survives, what overwrites it. */
  readonly note?: string;
}

/** A distribution as it was recognised. */
export interface FoundDistribution {
  readonly distribution: Distribution;
  /** What it was recognised by. */
  readonly because: string;
}
