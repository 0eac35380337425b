/** The options of `check --nodes` and of `drypull nodes`: which cluster, which nodes, and how long. */
import { type Command, InvalidArgumentError } from 'commander';
import { duration, namespace } from './option-values.ts';

export interface FleetOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly agentNamespace?: string;
  readonly agentPort: number;
  readonly nodeTimeout: number;
  readonly atOnce: number;
}

export interface NodesOptions extends FleetOptions {
  readonly filename?: readonly string[];
  readonly pullSecret?: readonly string[];
  readonly namespace: string;
  readonly verbose?: boolean;
  readonly output: 'table' | 'json' | 'junit';
  readonly strict?: boolean;
  readonly color: boolean;
  /** A label selector; empty: every node. */
  readonly nodes?: string;
  readonly allNodes?: boolean;
  readonly fresh?: boolean;
  readonly wait?: number;
}

/** Which agents are asked, and within which bounds. */
export interface FleetAsk {
  readonly cluster: { readonly kubeconfig?: string; readonly context?: string };
  readonly selector: string;
  readonly agentNamespace: string | undefined;
  readonly port: number;
  readonly perNodeMs: number;
  readonly atOnce: number;
}

export interface NodesCheck extends FleetAsk {
  readonly images: readonly string[];
  readonly files: readonly string[];
  readonly pullSecrets: readonly string[];
  readonly namespace: string;
  readonly output: 'table' | 'json' | 'junit';
  readonly verbose: boolean;
  readonly strict: boolean;
  readonly colour: boolean;
  readonly allNodes: boolean;
  readonly fresh: boolean;
  readonly waitMs: number;
}

/** `--nodes` never takes the next word, which is an image: its selector stands behind `=`. */
export function withSelector(arguments_: readonly string[]): readonly string[] {
  const end = arguments_.indexOf('--');
  return arguments_.map((word, index) => (word === '--nodes' && (end < 0 || index < end) ? '--nodes=' : word));
}

export function addNodesOptions(check: Command): void {
  check.optionsGroup('The nodes of a cluster:');
  check
    .option(
      '--nodes [SELECTOR]',
      'ask the agents of the nodes where the Pods may land; --nodes=LABEL=VALUE of those alone',
    )
    .option('--all-nodes', 'also those where the Pods could not be scheduled, and no sample of very many')
    .option('--fresh', 'rehearse anew, also where the agents know a fresh answer')
    .option('--wait <DURATION>', 'ask again until everything pulls or this is over: 5m', duration);
  addFleetOptions(check);
}

export function addFleetOptions(command: Command): void {
  command
    .option('--kubeconfig <FILE>', 'where the cluster is (default: as kubectl finds it)')
    .option('--context <NAME>', 'of the kubeconfig')
    .option(
      '--agent-namespace <NAME>',
      "where the agents' Pods are (default: drypull, else where they are found)",
      namespace,
    )
    .option('--agent-port <PORT>', "the agents' checkListen", wholeUpTo(65_535), 9468)
    .option('--node-timeout <DURATION>', 'the longest time for one node', duration, 120_000)
    .option('--at-once <COUNT>', 'nodes asked at one time', wholeUpTo(500), 50);
}

export interface Called {
  /** Whether an option stands on the command line. */
  readonly says: (option: string) => boolean;
  /** Does not come back. */
  readonly refuse: (message: string) => never;
}

/** Undefined where this node's own check is wanted. */
export function nodesCheckOf(
  images: readonly string[],
  options: NodesOptions,
  { says, refuse }: Called,
): NodesCheck | undefined {
  const { nodes, allNodes = false, fresh = false, wait } = options;
  if (nodes === undefined && !allNodes) {
    if (fresh || wait !== undefined) refuse('--fresh and --wait are for --nodes');
    return undefined;
  }
  const wrong = foreign.find(([option]) => says(option));
  if (wrong !== undefined) refuse(`${wrong[1]} is about this node, and not for --nodes`);
  return {
    ...fleetAskOf(options),
    selector: nodes ?? '',
    images: [...new Set(images)],
    files: options.filename ?? [],
    pullSecrets: options.pullSecret ?? [],
    namespace: options.namespace,
    output: options.output,
    verbose: options.verbose ?? false,
    strict: options.strict ?? false,
    colour: options.color,
    allNodes,
    fresh,
    waitMs: wait ?? 0,
  };
}

/** Agents read their own node's files, and decide for themselves what they download, what they spend and how long they wait. */
const foreign = [
  ['verify', '--verify'],
  ['spend', '--spend'],
  ['timeout', '--timeout'],
  ['hostRoot', '--host-root'],
  ['runtime', '--runtime'],
  ['platform', '--platform'],
  ['nodeName', '--node-name'],
  ['rootDir', '--root-dir'],
  ['imageCredentialProviderConfig', '--image-credential-provider-config'],
  ['imageCredentialProviderBinDir', '--image-credential-provider-bin-dir'],
] as const;

export function fleetAskOf(options: FleetOptions): Omit<FleetAsk, 'selector'> {
  const { kubeconfig, context, agentNamespace, agentPort: port, nodeTimeout: perNodeMs, atOnce } = options;
  return {
    cluster: {
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    },
    agentNamespace,
    port,
    perNodeMs,
    atOnce,
  };
}

function wholeUpTo(most: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,6}$/.test(value) ? Number(value) : 0;
    if (number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`A whole number from 1 to ${most}.`);
  };
}
