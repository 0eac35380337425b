/**
 * Parses the command line: the result is a command with its request, or a text to print and an exit status. An error contains what was
 * given, what is allowed and what to do next. Pure.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Platform } from '#image/platform.ts';
import { addNodesOptions, nodesCheckOf, type NodesCheck, type NodesOptions, withSelector } from './nodes-options.ts';
import { duration, collect, namespace, platform, runtime } from './option-values.ts';

export interface CheckRequest {
  readonly images: readonly string[];
  /** Paths, or `-` for standard input. */
  readonly files: readonly string[];
  readonly pullSecrets: readonly string[];
  readonly namespace: string;
  readonly node: NodeRequest;
  readonly output: 'table' | 'json' | 'junit';
  readonly verbose: boolean;
  readonly strict: boolean;
  readonly verify: boolean;
  readonly spend: boolean;
  /** For each image. */
  readonly timeoutMs: number;
  readonly colour: boolean;
}

/** The node, and what cannot be read from its files. */
export interface NodeRequest {
  readonly hostRoot: string;
  readonly runtime?: string;
  readonly platform?: Platform;
  readonly nodeName?: string;
  readonly kubelet: {
    readonly rootDir?: string;
    readonly credentialProviderConfig?: string;
    readonly credentialProviderBinDir?: string;
  };
}

export type ParsedCommand =
  | { readonly run: 'check'; readonly request: CheckRequest }
  | { readonly run: 'check nodes'; readonly request: NodesCheck }
  /** These commands parse their own options. */
  | { readonly run: 'agent' | 'catalog' | 'config' | 'node' | 'nodes' | 'completion'; readonly args: readonly string[] }
  | { readonly run: 'nothing'; readonly stdout: string; readonly stderr: string; readonly status: 0 | 2 };

/** `given`: the arguments without the interpreter and the program. `name`: what the user calls the program. */
export function readCommandLine(given: readonly string[], version: string, name = 'drypull'): ParsedCommand {
  const output = { stdout: '', stderr: '' };
  // The arguments of `completion` are incomplete command lines, and not options of drypull.
  if (given[0] === 'completion') return { run: 'completion', args: given.slice(1) };
  let parsed: ParsedCommand | undefined;
  // Commands inherit these settings when they are added.
  const quiet = new Command(name)
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output.stdout += text), writeErr: (text) => (output.stderr += text) });
  const program = programOf(quiet, version, (found) => {
    parsed = found;
  });
  try {
    program.parse(withSelector(given), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { run: 'nothing', ...output, status: error.exitCode === 0 ? 0 : 2 };
  }
  return parsed ?? { run: 'nothing', ...output, status: 2 };
}

export function programOf(program: Command, version: string, found: (wanted: ParsedCommand) => void): Command {
  program
    .description(
      'Rehearses image pulls as the kubelet and the container runtime of this node would make them, and predicts their results.',
    )
    .version(version, '-V, --version')
    .showHelpAfterError(`(see ${program.name()} --help and ${program.name()} check --help)`);
  addCheck(program, found);
  for (const [run, description] of ownOptions) {
    program
      .command(run)
      .description(description)
      .allowUnknownOption()
      .allowExcessArguments()
      .helpOption(false)
      .action((_options: unknown, command: Command) => {
        found({ run, args: command.args });
      });
  }
  return program;
}

const ownOptions = [
  ['agent', 'rehearse image pulls on a schedule, and publish the results as metrics, over HTTP and on a page'],
  ['catalog', 'watch the workloads of a cluster, and publish their images for the agents'],
  ['config', 'print the configuration of the agent that is in force, or every error in it'],
  ['node', 'ask the agent on this node whether the node can pull'],
  ['nodes', 'ask the agents of a cluster whether their nodes can pull'],
  ['completion', 'print a completion script for bash, zsh or fish'],
] as const;

function addCheck(program: Command, found: (wanted: ParsedCommand) => void): void {
  const check = program
    .command('check')
    .summary('predict the pulls of the kubelet on this node')
    .description(
      'Predict, stage by stage, the pulls of the kubelet on this node for images, or for the Pods in manifests. Nothing is downloaded.',
    )
    .argument('[IMAGE...]', 'image references')
    .option(
      '-f, --filename <FILE>',
      'Kubernetes YAML or JSON with workloads, Secrets, ServiceAccounts; - is standard input; repeatable',
      collect,
    )
    .option('--pull-secret <FILE>', 'docker config JSON with credentials for the IMAGE arguments; repeatable', collect)
    .option('-n, --namespace <NAME>', 'the namespace of objects without one', namespace, 'default')
    .option('-v, --verbose', 'show every credential, route, request and step')
    .addOption(
      new Option('-o, --output <FORMAT>', 'the output format').choices(['table', 'json', 'junit']).default('table'),
    )
    .option('--strict', 'an image at risk counts as failing')
    .option('--verify', 'read every layer in full and check its digest')
    .option('--spend', "allow requests that count against a pull quota, such as Docker Hub's")
    .addOption(
      new Option(
        '--timeout <DURATION>',
        'give up on an image after this long: 30s, 2m, 1500ms (default: 90s, with --verify 30m)',
      ).argParser(duration),
    )
    .option('--no-color', 'no colours (also NO_COLOR; FORCE_COLOR forces them)');
  addNode(check);
  addNodesOptions(check);
  check.addHelpText('after', helpTail.replaceAll(/^( +.*?)\bdrypull /gm, `$1${program.name()} `));
  check.action((images: string[], options: Options, command: Command) => {
    const files = options.filename ?? [];
    if (images.length === 0 && files.length === 0) {
      command.error(
        'error: nothing to check is given: give an IMAGE, or a file of manifests with -f FILE (-f - for standard input)',
      );
    }
    if (files.filter((file) => file === '-').length > 1)
      command.error('error: -f - is given twice; standard input can be read once: give one -f -, or files');
    const nodes = nodesCheckOf(images, options, (option) => command.getOptionValueSource(option) === 'cli');
    if (!nodes.ok) command.error(`error: ${nodes.why}`);
    else if (nodes.value === undefined) found({ run: 'check', request: requestOf(images, options) });
    else found({ run: 'check nodes', request: nodes.value });
  });
}

function addNode(check: Command): void {
  check.optionsGroup('The node:');
  check
    .option('--host-root <DIR>', "the directory with the node's files; absolute paths and links in it start there", '/')
    .option('--runtime <NAME://VERSION>', 'as in node.status.nodeInfo: containerd://2.1.9 (default: detected)', runtime)
    .option('--platform <OS/ARCH[/VARIANT]>', 'linux/amd64, linux/arm64/v8 … (default: that of this machine)', platform)
    .option('--node-name <NAME>', 'the name of the node in reports (default: its host name)')
    .option('--root-dir <DIR>', "the kubelet's flag")
    .option('--image-credential-provider-config <FILE>', "the kubelet's flag")
    .option('--image-credential-provider-bin-dir <DIR>', "the kubelet's flag");
}

const helpTail = `
Exit status: 0 all pull; 1 at least one fails (with --strict: or is at risk); 2 a verdict is unknown, or the command line is wrong; 130 interrupted.

Examples:
  drypull check nginx:1.29 ghcr.io/example/app@sha256:…
  helm template ./chart | drypull check -f - --namespace shop
  drypull check -f deploy.yaml --host-root /host --runtime containerd://2.1.9 --output junit > pulls.xml
  helm template ./chart | drypull check --nodes -f - --namespace shop`;

interface Options extends NodesOptions {
  readonly filename?: readonly string[];
  readonly pullSecret?: readonly string[];
  readonly namespace: string;
  readonly verbose?: boolean;
  readonly output: CheckRequest['output'];
  readonly strict?: boolean;
  readonly verify?: boolean;
  readonly spend?: boolean;
  readonly timeout?: number;
  readonly color: boolean;
  readonly hostRoot: string;
  readonly runtime?: string;
  readonly platform?: Platform;
  readonly nodeName?: string;
  readonly rootDir?: string;
  readonly imageCredentialProviderConfig?: string;
  readonly imageCredentialProviderBinDir?: string;
}

function requestOf(images: readonly string[], options: Options): CheckRequest {
  const { output, verbose = false, strict = false, verify = false, spend = false, hostRoot } = options;
  const { runtime: engine, platform: build, nodeName, rootDir } = options;
  const { imageCredentialProviderConfig: config, imageCredentialProviderBinDir: bin } = options;
  return {
    images: [...new Set(images)],
    files: options.filename ?? [],
    pullSecrets: options.pullSecret ?? [],
    namespace: options.namespace,
    node: {
      hostRoot,
      ...(engine === undefined ? {} : { runtime: engine }),
      ...(build === undefined ? {} : { platform: build }),
      ...(nodeName === undefined ? {} : { nodeName }),
      kubelet: {
        ...(rootDir === undefined ? {} : { rootDir }),
        ...(config === undefined ? {} : { credentialProviderConfig: config }),
        ...(bin === undefined ? {} : { credentialProviderBinDir: bin }),
      },
    },
    output,
    verbose,
    strict,
    verify,
    spend,
    timeoutMs: options.timeout ?? (verify ? 1_800_000 : 90_000),
    colour: options.color,
  };
}

/** --no-color before FORCE_COLOR before NO_COLOR before the kind of the stream (force-color.org, no-color.org). */
export function wantsColour(
  flag: boolean,
  env: Readonly<Record<string, string | undefined>>,
  stream: { readonly isTTY?: boolean },
): boolean {
  if (!flag) return false;
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (no !== undefined && no !== '') return false;
  return stream.isTTY === true && term !== 'dumb';
}
