/** The options of `check --nodes` and of `drypull nodes`: the cluster, the nodes, and the time limits. */
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
  /** A label selector; empty: all nodes. */
  readonly nodes?: string;
  readonly allNodes?: boolean;
  readonly fresh?: boolean;
  readonly wait?: number;
}

/** The agents to query, and the bounds. */
export interface FleetQuery {
  readonly cluster: { readonly kubeconfig?: string; readonly context?: string };
  readonly selector: string;
  readonly agentNamespace: string | undefined;
  readonly port: number;
  readonly perNodeMs: number;
  readonly atOnce: number;
}

export interface NodesCheck extends FleetQuery {
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

/** `--nodes` never takes the next argument, which is an image: its selector follows `=`. */
export function withSelector(given: readonly string[]): readonly string[] {
  const end = given.indexOf('--');
  return given.map((each, index) => (each === '--nodes' && (end < 0 || index < end) ? '--nodes=' : each));
}

export function addNodesOptions(check: Command): void {
  check.optionsGroup('The nodes of a cluster:');
  check
    .option(
      '--nodes [SELECTOR]',
      'check on the nodes to which the Pods may be scheduled, by their agents; --nodes=LABEL=VALUE: only those with the label',
    )
    .option('--all-nodes', 'include nodes to which the Pods cannot be scheduled, and take no sample of very many nodes')
    .option('--fresh', 'rehearse again, even where the agents have fresh reports')
    .option('--wait <DURATION>', 'repeat until every image pulls or this time is over: 5m', duration);
  addFleetOptions(check);
}

export function addFleetOptions(command: Command): void {
  command
    .option('--kubeconfig <FILE>', 'the kubeconfig file (default: as for kubectl)')
    .option('--context <NAME>', 'the context of the kubeconfig')
    .option(
      '--agent-namespace <NAME>',
      "the namespace of the agents' Pods (default: drypull, else any that has them)",
      namespace,
    )
    .option('--agent-port <PORT>', "the port of the agents' checkListen", wholeUpTo(65_535), 9468)
    .option('--node-timeout <DURATION>', 'the longest time for one node', duration, 120_000)
    .option('--at-once <COUNT>', 'nodes at one time', wholeUpTo(500), 50);
}

/** Undefined: the check is for this node. */
export function nodesCheckOf(
  images: readonly string[],
  options: NodesOptions,
  isGiven: (option: string) => boolean,
): { readonly ok: true; readonly value: NodesCheck | undefined } | { readonly ok: false; readonly why: string } {
  const { nodes, allNodes = false, fresh = false, wait } = options;
  if (nodes === undefined && !allNodes) {
    const lacking = fresh ? '--fresh' : wait === undefined ? undefined : '--wait';
    if (lacking === undefined) return { ok: true, value: undefined };
    return { ok: false, why: `${lacking} is for the agents of a cluster: add --nodes, or leave ${lacking} out` };
  }
  const wrong = forThisNode.find(([option]) => isGiven(option));
  if (wrong !== undefined)
    return { ok: false, why: `${wrong[1]} is for a check on this node: leave out --nodes, or ${wrong[1]}` };
  const value: NodesCheck = {
    ...fleetQueryOf(options),
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
  return { ok: true, value };
}

/** Agents read the files of their own nodes, and have their own limits for downloads, quota and time. */
const forThisNode = [
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

export function fleetQueryOf(options: FleetOptions): Omit<FleetQuery, 'selector'> {
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
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}
