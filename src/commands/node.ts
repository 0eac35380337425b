/**
 * `drypull node`: asks the agent of this node whether the node can pull, for node-problem-detector's custom plugins and for users. Exit
 * status: 0 it can, 1 it cannot, 2 unknown. One line on standard output, no longer than node-problem-detector keeps
 * (pkg/custompluginmonitor/plugin/plugin.go: max_output_length, 80 bytes by default).
 */
import { Command, Option } from 'commander';
import { explainNode } from './explain-node.ts';
import type { ProcessContext } from './context.ts';
import { readOwnOptions } from './parse-options.ts';
import { readInput } from '#node/read-input.ts';

/** Below node-problem-detector's own default limit of 5 s. */
const limitMs = 4000;
const defaultAgent = 'http://127.0.0.1:9467';
const longestLine = 80;
const answerBytes = 4 << 20;
const tokenBytes = 64 << 10;

interface Options {
  readonly agent: string;
  readonly tokenFile?: string;
  readonly explain?: boolean;
  readonly output: 'text' | 'json';
  readonly config?: string;
  readonly hostRoot?: string;
  readonly runtime?: string;
  readonly color: boolean;
}

export async function run(context: ProcessContext): Promise<number> {
  const command = new Command('drypull node')
    .description(
      'Ask the agent on this node whether the node can pull. Exit status: 0 it can, 1 it cannot, 2 unknown.\nWith --explain: print what was found on this node and where, and what could not be seen.',
    )
    .option(
      '--explain',
      'print what was found on this node: distribution, runtime, registries, proxies, trust, kubelet, disks',
    )
    .addOption(new Option('-o, --output <FORMAT>', 'with --explain').choices(['text', 'json']).default('text'))
    .option('--config <FILE>', "with --explain: the agent's configuration (also DRYPULL_CONFIG)")
    .option('--host-root <DIR>', "with --explain: where the node's files are (also DRYPULL_HOST_ROOT)")
    .option('--runtime <NAME://VERSION>', 'with --explain: as in node.status.nodeInfo (also DRYPULL_RUNTIME)')
    .option('--no-color', 'no colours (also NO_COLOR; FORCE_COLOR forces them)')
    .option('--agent <URL>', 'the address of the agent', defaultAgent)
    .option('--token-file <FILE>', "a token for the agent's listenAuth, such as a ServiceAccount's");
  const status = readOwnOptions(command, context);
  if (status !== undefined) return status;
  const options = command.opts<Options>();
  if (options.explain === true) return explainNode(options, context);
  const answer = await ask(options.agent, options.tokenFile);
  context.stdout.write(`${short(answer.line)}\n`);
  return answer.status;
}

interface Answer {
  readonly status: 0 | 1 | 2;
  readonly line: string;
}

async function ask(agent: string, tokenFile: string | undefined): Promise<Answer> {
  const url = URL.canParse('/node', agent) ? new URL('/node', agent) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return unknown(`--agent ${agent}: give a URL, as ${defaultAgent}`);
  const token = tokenFile === undefined ? undefined : await readInput(tokenFile, tokenBytes);
  if (token?.ok === false) return unknown(`--token-file: ${token.why}`);
  if (token !== undefined && !isConfidential(url))
    return unknown('--token-file: a token is sent over https or to this machine only');
  try {
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(limitMs),
      redirect: 'error',
      headers: token === undefined ? {} : { authorization: `Bearer ${token.text.trim()}` },
    });
    return answerOf(answer.status, await jsonOf(answer));
  } catch (error) {
    return unknown(`no agent answers at ${url.origin}${reasonOf(error)}`);
  }
}

function answerOf(status: number, body: unknown): Answer {
  const line = textAt(body, 'line');
  switch (textAt(body, 'is')) {
    case 'ready':
      return { status: 0, line: line ?? 'this node can pull' };
    case 'not_ready':
      return { status: 1, line: line ?? 'this node cannot pull' };
    case 'unknown':
      return unknown(line ?? 'it is not known yet whether this node can pull');
    default:
      return unknown(refusals[status] ?? `the agent answers ${status}, without the state of the node`);
  }
}

const refusals: Readonly<Record<number, string>> = {
  401: 'the agent requires a token: give --token-file',
  403: 'the cluster does not allow the user of this token to get /node',
};

function unknown(line: string): Answer {
  return { status: 2, line };
}

/** The body up to a bound: another program may listen at that address. */
async function jsonOf(answer: Response): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = answer.body ?? [];
  for await (const part of body) {
    size += part.length;
    if (size > answerBytes) return undefined;
    parts.push(part);
  }
  try {
    const json: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
    return json;
  } catch {
    return undefined;
  }
}

function textAt(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = new Map<string, unknown>(Object.entries(value)).get(key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

function isConfidential({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** The code of the error, such as ECONNREFUSED or CERT_HAS_EXPIRED. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if (error.name === 'TimeoutError') return ` within ${limitMs / 1000} s`;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}

/** One line of printable ASCII. */
function short(line: string): string {
  const plain = line.replace(/[^\x20-\x7e]+/g, '?');
  return plain.length <= longestLine ? plain : `${plain.slice(0, longestLine - 3)}...`;
}
