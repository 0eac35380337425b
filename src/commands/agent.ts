/** `drypull agent`: joins the daemon to this node's files, its wire and the terminal. */
import { Command } from 'commander';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { runAgent, type AgentDependencies, type Rehearsing } from '#agent/agent.ts';
import { parseConfig, type Config, type Environment, type ParsedConfig, type Problem } from '#config/config.ts';
import { configuredDemands } from '#config/configured-demands.ts';
import { guardListener } from '#agent/listener-access.ts';
import { findCluster, joinCluster, type Joined } from '#agent/join-cluster.ts';
import { readView } from '#rehearsal/read-view.ts';
import { hostRootAt } from '#rehearsal/read-node.ts';
import type { ProcessContext } from '#main.ts';
import { ownNamespace } from '#config/own-namespace.ts';
import { readOwnOptions } from './parse-options.ts';
import { AtStart } from '#node/at-start.ts';
import { readInput } from '#node/read-input.ts';
import { watchFile } from '#node/watch-file.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser, type Pass } from '#rehearsal/rehearser.ts';
import { openState } from '#agent/open-state.ts';
import { openLog } from '#output/log.ts';
import { adviceFor } from '#report/advice/advice.ts';

const configBytes = 1 << 20;

/** The exit status: 0 after a signal, 2 where the agent could not start. */
export async function run(around: ProcessContext, logTo: typeof openLog = openLog): Promise<number> {
  const request = readOptions(around);
  if (typeof request === 'number') return request;
  const read = await readConfig(request.config, around.env);
  if (!read.ok) {
    around.stderr.write(problemText(read.problems));
    return 2;
  }
  const { config } = read;
  const root = await hostRootAt(config.hostRoot);
  if (!root.ok) return failed(around, `hostRoot: ${root.why}`);
  const atStart = new AtStart();
  const view = await readView(config, { now: around.now(), atStart });
  const nodeName = config.nodeName ?? view.name;
  const log = logTo({ level: config.logLevel, node: nodeName });
  const { now, random, env } = around;
  const ask = { config, nodeName, env, now, random, log };
  const found = await findCluster(ask);
  if (!found.ok) return failed(around, adviceFor(found.fault, { requestedBy: [] }).cause);
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
  const see = (current: Config): Promise<NodeView> =>
    readView(current, { now: now(), status: joined?.node(), atStart });
  const state = openState(config.stateDir, log);
  const rehearse: AgentDependencies['rehearse'] = (demands, current, at) =>
    rehearseNow(rehearser, demands, { ...at, config: current, now: now(), joined, atStart });
  // Whoever asks for a check names secrets that are not theirs to use.
  const checking = config.checkSecrets ? joined : undefined;
  const dependencies: AgentDependencies = {
    config,
    hostName: view.name,
    version: around.version,
    ...(request.config === undefined ? {} : { changes: changesOf(request.config, around) }),
    demands: (current) => demandsOf(current, joined, see),
    ...(joined === undefined ? {} : { cluster: joined }),
    rehearse,
    probe: async (at, current, signal) => rehearser.probe(await see(current), at, passOf(current, signal)),
    ...(joined === undefined
      ? {}
      : { fleet: joined.fleet, ...(joined.reservations === undefined ? {} : { reservations: joined.reservations }) }),
    spent: () => rehearser.spent(),
    readView: see,
    sampleQuotas: async (current, at) => {
      if (!at.entries.some(({ report }) => report.registry === 'docker.io')) return [];
      const secrets = joined === undefined ? {} : { withSecrets: joined.withSecrets };
      return rehearser.sampleQuotas(() => see(current), { ...at, ...secrets, history: at.history() });
    },
    ...(state === undefined ? {} : { state: { first: await state.read(), save: state.save } }),
    rehearseCheck: (demands, signal) =>
      rehearseNow(rehearser, demands, { config, signal, now: now(), joined: checking, atStart }),
    advise: (fault) => adviceFor(fault, { requestedBy: [] }),
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
  const ended = await runAgent(dependencies);
  return ended.ok ? 0 : failed(around, ended.why);
}

function failed({ stderr }: ProcessContext, why: string): number {
  stderr.write(`drypull: ${why}\n`);
  return 2;
}

function readOptions(around: ProcessContext): { readonly config: string | undefined } | number {
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

async function* changesOf(path: string, around: ProcessContext): AsyncGenerator<ParsedConfig> {
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
    readonly history?: () => NodeHistory;
    readonly tagIsDue?: Rehearsing['tagIsDue'];
    readonly mayEnter?: Rehearsing['mayEnter'];
    readonly atStart: AtStart;
  },
): AsyncGenerator<PullReport> {
  const { config, signal, joined, history, tagIsDue, mayEnter, now, atStart } = at;
  const view = await readView(config, { now, status: joined?.node(), atStart });
  const usual = passOf(config, signal);
  const pass: Pass = {
    ...usual,
    manners: tagIsDue === undefined ? usual.manners : { ...usual.manners, tagIsDue },
    ...(joined === undefined ? {} : { withSecrets: joined.withSecrets }),
    ...(history === undefined ? {} : { history }),
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
