/** `drypull agent`: joins the daemon to this node's files, its wire and the terminal. */
import { Command } from 'commander';
import type { Past } from '#pull/past.ts';
import type { PullReport } from '#pull/report.ts';
import type { Demand, NodeView } from '#pull/view.ts';
import { runAgent, type Outside, type Rehearsing } from './agent.ts';
import { parseConfig, type Config, type Environment, type ParsedConfig, type Problem } from './config.ts';
import { configuredDemands } from './configured-demands.ts';
import { guardListener } from './guard-listener.ts';
import { findCluster, joinCluster, type Joined } from './join-cluster.ts';
import { look } from './look.ts';
import { hostRootAt } from './node/read-node.ts';
import type { Surroundings } from './main.ts';
import { ownNamespace } from './own-namespace.ts';
import { readOwnOptions } from './own-options.ts';
import { AtStart } from './node/at-start.ts';
import { readInput } from './node/read-input.ts';
import { watchFile } from './node/watch-file.ts';
import { manners } from './open-wire.ts';
import { Rehearser, type Pass } from './rehearser.ts';
import { openState } from './open-state.ts';
import { openLog } from './tell/log.ts';
import { adviceFor } from './tell/words.ts';

const configBytes = 1 << 20;

/** The exit status: 0 after a signal, 2 where the agent could not start. */
export async function run(around: Surroundings, logTo: typeof openLog = openLog): Promise<number> {
  const wish = readOptions(around);
  if (typeof wish === 'number') return wish;
  const read = await readConfig(wish.config, around.env);
  if (!read.ok) {
    around.stderr.write(problemText(read.problems));
    return 2;
  }
  const { config } = read;
  const root = await hostRootAt(config.hostRoot);
  if (!root.ok) return failed(around, `hostRoot: ${root.why}`);
  const atStart = new AtStart();
  const view = await look(config, { now: around.now(), atStart });
  const nodeName = config.nodeName ?? view.name;
  const log = logTo({ level: config.logLevel, node: nodeName });
  const { now, random, env } = around;
  const ask = { config, nodeName, env, now, random, log };
  const found = await findCluster(ask);
  if (!found.ok) return failed(around, adviceFor(found.fault, { wantedBy: [] }).cause);
  const guarded = await guardListener(config, found.value, around);
  if (!guarded.ok) return failed(around, guarded.why);
  const own = await ownNamespace(config);
  const joined = found.value === undefined ? undefined : joinCluster(found.value, { ...ask, ...own });
  const rehearser = new Rehearser({
    hostRoot: config.hostRoot,
    env: around.env,
    now: around.now,
    clockMs: around.clockMs,
    random: around.random,
  });
  const see = (current: Config): Promise<NodeView> => look(current, { now: now(), said: joined?.node(), atStart });
  const state = openState(config.stateDir, log);
  const rehearse: Outside['rehearse'] = (demands, current, at) =>
    rehearseNow(rehearser, demands, { ...at, config: current, now: now(), joined, atStart });
  // Whoever asks for a check names secrets that are not theirs to use.
  const checking = config.checkSecrets ? joined : undefined;
  const outside: Outside = {
    config,
    hostName: view.name,
    version: around.version,
    ...(wish.config === undefined ? {} : { changes: changesOf(wish.config, around) }),
    demands: (current) => demandsOf(current, joined, see),
    ...(joined === undefined ? {} : { cluster: joined }),
    rehearse,
    knock: async (at, current, signal) => rehearser.knock(await see(current), at, passOf(current, signal)),
    ...(joined === undefined
      ? {}
      : { fleet: joined.fleet, ...(joined.turns === undefined ? {} : { turns: joined.turns }) }),
    spent: () => rehearser.spent(),
    look: see,
    sampleQuotas: async (current, at) => {
      if (!at.entries.some(({ report }) => report.registry === 'docker.io')) return [];
      const secrets = joined === undefined ? {} : { withSecrets: joined.withSecrets };
      return rehearser.sampleQuotas(() => see(current), { ...at, ...secrets, past: at.past() });
    },
    ...(state === undefined ? {} : { state: { first: await state.read(), save: state.save } }),
    rehearseCheck: (demands, signal) =>
      rehearseNow(rehearser, demands, { config, signal, now: now(), joined: checking, atStart }),
    advise: (fault) => adviceFor(fault, { wantedBy: [] }),
    ...guarded.value,
    clock: { now: () => around.now().getTime(), random: around.random },
    vitals: around.vitals,
    ...(around.tidy === undefined ? {} : { tidy: around.tidy }),
    log,
    signal: around.signal,
    opened: ({ open, check }) => {
      around.stderr.write(`drypull ${around.version}: the page of node ${nodeName} is at ${open}\n`);
      if (check !== undefined) around.stderr.write(`drypull ${around.version}: POST /check is taken at ${check}\n`);
    },
  };
  const ended = await runAgent(outside);
  return ended.ok ? 0 : failed(around, ended.why);
}

function failed({ stderr }: Surroundings, why: string): number {
  stderr.write(`drypull: ${why}\n`);
  return 2;
}

function readOptions(around: Surroundings): { readonly config: string | undefined } | number {
  const command = new Command('drypull agent')
    .description('Rehearse a list of images on a schedule, and tell by metrics, HTTP and a page.')
    .option('--config <FILE>', 'YAML; `drypull config` prints what is in force (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, around);
  if (status !== undefined) return status;
  const { config } = command.opts<{ readonly config?: string }>();
  return { config: config ?? around.env['DRYPULL_CONFIG'] };
}

export async function readConfig(path: string | undefined, env: Environment): Promise<ParsedConfig> {
  if (path === undefined) return parseConfig(undefined, env);
  const input = await readInput(path, configBytes);
  if (input.ok) return parseConfig(input.text, env);
  return {
    ok: false,
    problems: [{ key: '--config', given: path, allowed: `a YAML file that can be read (${input.why})` }],
  };
}

export function problemText(problems: readonly Problem[]): string {
  const lines = problems.map(({ key, given, allowed }) => `  ${key}: given ${given}; allowed: ${allowed}\n`);
  return `drypull: the configuration cannot be used:\n${lines.join('')}`;
}

async function* changesOf(path: string, around: Surroundings): AsyncGenerator<ParsedConfig> {
  for await (const text of watchFile(path, { signal: around.signal, onNudge: around.onHangUp })) {
    if (text !== undefined) yield parseConfig(text, around.env);
  }
}

/** The node is read anew at each pass: hosts.toml, resolv.conf and the kubelet's files are live. */
async function* rehearseNow(
  rehearser: Rehearser,
  demands: readonly Demand[],
  at: {
    readonly config: Config;
    readonly signal: AbortSignal;
    readonly now: Date;
    readonly joined: Joined | undefined;
    readonly past?: () => Past;
    readonly tagIsDue?: Rehearsing['tagIsDue'];
    readonly mayEnter?: Rehearsing['mayEnter'];
    readonly atStart: AtStart;
  },
): AsyncGenerator<PullReport> {
  const { config, signal, joined, past, tagIsDue, mayEnter, now, atStart } = at;
  const view = await look(config, { now, said: joined?.node(), atStart });
  const usual = passOf(config, signal);
  const pass: Pass = {
    ...usual,
    manners: tagIsDue === undefined ? usual.manners : { ...usual.manners, tagIsDue },
    ...(joined === undefined ? {} : { withSecrets: joined.withSecrets }),
    ...(past === undefined ? {} : { past }),
    ...(mayEnter === undefined ? {} : { mayEnter }),
  };
  yield* rehearser.rehearse(view, demands, pass);
}

function passOf(config: Config, signal: AbortSignal): Pass {
  return {
    manners: { ...manners, deadlineMs: config.deadline, throughputSampleBytes: config.throughputSampleBytes },
    atOnce: config.concurrency,
    perRegistry: config.perRegistry,
    meteredRegistries: config.meteredRegistries,
    signal,
  };
}

/** What the configuration asks for, and what the Pods do. */
async function demandsOf(
  config: Config,
  joined: Joined | undefined,
  see: (config: Config) => Promise<NodeView>,
): Promise<readonly Demand[]> {
  const own = await configuredDemands(config);
  if (joined === undefined) return own;
  return joined.demands(own, async () => {
    const { runtime, kubelet } = await see(config);
    const policy =
      kubelet.config?.ok === true ? { policy: kubelet.config.value.imagePullCredentialsVerificationPolicy } : {};
    return { sandboxImage: runtime.config.ok ? runtime.config.value.sandboxImage : '', ...policy };
  });
}
