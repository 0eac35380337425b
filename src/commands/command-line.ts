/**
 * What the words of the command line mean. Pure: gets them as an array and gives back what is wanted, or what to print and the
 * exit status. Errors say what was given, what is allowed and what to do next.
 */
import { Command, CommanderError, Option } from 'commander';
import type { Platform } from '#image/platform.ts';
import { addNodesOptions, nodesCheckOf, type NodesCheck, type NodesOptions, withSelector } from './nodes-options.ts';
import { duration, gather, namespace, platform, runtime } from './option-values.ts';

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
  /** For one image. */
  readonly timeoutMs: number;
  readonly colour: boolean;
}

/** Which node, and what its own files do not say. */
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

export type Wanted =
  | { readonly run: 'check'; readonly request: CheckRequest }
  | { readonly run: 'check nodes'; readonly request: NodesCheck }
  /** Read their own options, so that this file need not know them. */
  | { readonly run: 'agent' | 'catalog' | 'config' | 'node' | 'nodes' | 'completion'; readonly args: readonly string[] }
  | { readonly run: 'nothing'; readonly stdout: string; readonly stderr: string; readonly status: 0 | 2 };

/** `words` without the program's own two (node, main.ts). */
export function readCommandLine(arguments_: readonly string[], version: string): Wanted {
  const heard = { stdout: '', stderr: '' };
  // Its words are half-written command lines: none of them is meant for us.
  if (arguments_[0] === 'completion') return { run: 'completion', args: arguments_.slice(1) };
  let wanted: Wanted | undefined;
  // Commands that are added take over what their parent is like by then.
  const quiet = new Command('drypull')
    .exitOverride()
    .configureOutput({ writeOut: (text) => (heard.stdout += text), writeErr: (text) => (heard.stderr += text) });
  const program = programOf(quiet, version, (found) => {
    wanted = found;
  });
  try {
    program.parse(withSelector(arguments_), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { run: 'nothing', ...heard, status: error.exitCode === 0 ? 0 : 2 };
  }
  return wanted ?? { run: 'nothing', ...heard, status: 2 };
}

export function programOf(program: Command, version: string, found: (wanted: Wanted) => void): Command {
  program
    .description(
      'Rehearses image pulls as the kubelet and containerd of this node would make them, and says what the kubelet would get.',
    )
    .version(version, '-V, --version')
    .showHelpAfterError('(drypull --help and drypull check --help list what there is)');
  addCheck(program, found);
  for (const [run, description] of others) {
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

const others = [
  ['agent', 'rehearse a list of images on a schedule, and tell by metrics, HTTP and a page'],
  ['catalog', 'watch the workloads of a cluster, and publish what is about to land for the agents'],
  ['config', 'print the configuration of the agent that is in force, or everything that is wrong with it'],
  ['node', 'print what this node believes about pulling images'],
  ['nodes', 'ask the agents of a cluster: the fleet at a glance'],
  ['completion', 'print the completion script of a shell: bash, zsh or fish'],
] as const;

function addCheck(program: Command, found: (wanted: Wanted) => void): void {
  const check = program
    .command('check')
    .summary('say what the kubelet on this node would get')
    .description(
      'Say, stage by stage, what the kubelet on this node would get for images, or for the Pods in manifests. Nothing is downloaded.',
    )
    .argument('[IMAGE...]', 'image references')
    .option(
      '-f, --filename <FILE>',
      'Kubernetes YAML or JSON with workloads, Secrets, ServiceAccounts; - is standard input; repeatable',
      gather,
    )
    .option('--pull-secret <FILE>', 'docker config JSON with credentials for the IMAGE arguments; repeatable', gather)
    .option('-n, --namespace <NAME>', 'namespace of objects that name none', namespace, 'default')
    .option('-v, --verbose', 'tell the whole story: each credential, route, request and step')
    .addOption(
      new Option('-o, --output <FORMAT>', 'how to answer').choices(['table', 'json', 'junit']).default('table'),
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
  check.addHelpText('after', helpTail);
  check.action((images: string[], options: Options, command: Command) => {
    const files = options.filename ?? [];
    if (images.length === 0 && files.length === 0) {
      command.error(
        'error: there is nothing to check: name an IMAGE, or a file of manifests with -f FILE (or -f - for standard input)',
      );
    }
    if (files.filter((file) => file === '-').length > 1)
      command.error('error: -f - is given twice; standard input can be read once');
    const nodes = nodesCheckOf(images, options, {
      says: (option) => command.getOptionValueSource(option) === 'cli',
      refuse: (message) => command.error(`error: ${message}`),
    });
    found(
      nodes === undefined
        ? { run: 'check', request: requestOf(images, options) }
        : { run: 'check nodes', request: nodes },
    );
  });
}

function addNode(check: Command): void {
  check.optionsGroup('The node:');
  check
    .option('--host-root <DIR>', "where the node's files are; absolute paths and links in it start there", '/')
    .option(
      '--runtime <NAME://VERSION>',
      'as in node.status.nodeInfo: containerd://2.1.9 (default: found out)',
      runtime,
    )
    .option('--platform <OS/ARCH[/VARIANT]>', 'linux/amd64, linux/arm64/v8 … (default: that of this machine)', platform)
    .option('--node-name <NAME>', 'how the node is called in reports (default: its host name)')
    .option('--root-dir <DIR>', "the kubelet's flag")
    .option('--image-credential-provider-config <FILE>', "the kubelet's flag")
    .option('--image-credential-provider-bin-dir <DIR>', "the kubelet's flag");
}

const helpTail = `
Exit status: 0 all pull; 1 at least one fails (with --strict: or is at risk); 2 it could not be told, or the call was wrong; 130 interrupted.

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

/** --no-color over FORCE_COLOR over NO_COLOR over what the stream is (force-color.org, no-color.org). */
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
