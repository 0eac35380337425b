/** `drypull agent`: connects the daemon to this node's files, the network, the cluster and the process. */
import { Command } from 'commander';
import { startAgent, type AgentDependencies } from '#agent/agent.ts';
import type { NodeRehearser, RehearsalLimits, SamplingLimits } from '#agent/collaborators.ts';
import { findCluster, joinCluster, type JoinedCluster } from '#agent/join-cluster.ts';
import { openAccess } from '#agent/listener-access.ts';
import { openState } from '#agent/open-state.ts';
import type { KnownDemand, ProbeResults } from '#budget/connectivity-probe.ts';
import type { Config, Environment, ParsedConfig, Problem } from '#config/config.ts';
import { loadConfig } from '#config/config.ts';
import { configuredDemands } from '#config/configured-demands.ts';
import { ownNamespace } from '#config/namespaces.ts';
import { hostRootAt } from '#rehearsal/read-node.ts';
import { AtStart } from '#node/at-start.ts';
import { readInput } from '#node/read-input.ts';
import type { NodeView } from '#node/view.ts';
import { watchFile } from '#node/watch-file.ts';
import { openLog } from '#output/log.ts';
import { defaultOptions } from '#rehearsal/open-wire.ts';
import { readView } from '#rehearsal/read-view.ts';
import { Rehearser, type Pass } from '#rehearsal/rehearser.ts';
import { adviceFor } from '#report/advice/advice.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { ProcessContext } from './context.ts';
import { readOwnOptions } from './parse-options.ts';
import type { Demand } from '#kubelet/demand.ts';

const configBytes = 1 << 20;

/** The exit status: 0 after a signal, 2 where the agent could not start. */
export async function run(context: ProcessContext, logTo: typeof openLog = openLog): Promise<number> {
  const path = readOptions(context);
  if (typeof path === 'number') return path;
  const read = await readConfig(path.config, context.env);
  if (!read.ok) {
    context.stderr.write(problemText(read.problems));
    return 2;
  }
  const { config } = read;
  const { now, random, env, signal, version, clockMs, usage, stderr } = context;
  const root = await hostRootAt(config.hostRoot);
  if (!root.ok) return failed(context, `hostRoot: ${root.why}`);
  const atStart = new AtStart();
  const view = await readView(config, { now: now(), atStart });
  const node = config.nodeName ?? view.name;
  const log = logTo({ level: config.logLevel, node });
  const found = await findCluster({ config, env, log });
  if (!found.ok) return failed(context, adviceFor(found.fault, { requestedBy: [] }).cause);
  const access = await openAccess(config, found.value, context);
  if (!access.ok) return failed(context, access.why);
  const joining = { config, nodeName: node, env, now, random, log, ...(await ownNamespace(config)) };
  const cluster = found.value === undefined ? undefined : joinCluster(found.value, joining);
  const readNode = (current: Config): Promise<NodeView> =>
    readView(current, { now: now(), status: cluster?.nodeStatus(), atStart });
  const rehearser = new Rehearser({ hostRoot: config.hostRoot, env, now, clockMs, random });
  const store = openState(config.stateDir, log);
  const dependencies: AgentDependencies = {
    settings: {
      config,
      node,
      version,
      ...(path.config === undefined ? {} : { changes: changesOf(path.config, context) }),
    },
    source: { demands: (current) => demandsOf(current, cluster, readNode) },
    reader: { readView: readNode },
    rehearser: new ThisNode(rehearser, readNode, { config, cluster }),
    ...(cluster === undefined ? {} : { cluster, fleet: cluster.fleet }),
    ...(store === undefined ? {} : { store: { first: await store.read(), save: store.save } }),
    access: access.value,
    clock: { now: () => now().getTime(), random },
    usage,
    log,
    signal,
  };
  const started = await startAgent(dependencies);
  if (!started.ok) return failed(context, started.why);
  stderr.write(`drypull ${version}: the page of node ${node} is at ${started.page}\n`);
  if (started.check !== undefined) stderr.write(`drypull ${version}: POST /check is served at ${started.check}\n`);
  await started.ended;
  return 0;
}

function failed({ stderr }: ProcessContext, why: string): number {
  stderr.write(`drypull: ${why}\n`);
  return 2;
}

function readOptions(context: ProcessContext): { readonly config: string | undefined } | number {
  const command = new Command('drypull agent')
    .description('Rehearse image pulls on a schedule, and publish the results as metrics, over HTTP and on a page.')
    .option('--config <FILE>', 'YAML; `drypull config` prints the configuration in force (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, context);
  if (status !== undefined) return status;
  const { config } = command.opts<{ readonly config?: string }>();
  return { config: config ?? context.env['DRYPULL_CONFIG'] };
}

export async function readConfig(path: string | undefined, env: Environment): Promise<ParsedConfig> {
  if (path === undefined) return loadConfig(undefined, env);
  const input = await readInput(path, configBytes);
  if (input.ok) return loadConfig(input.text, env);
  return {
    ok: false,
    problems: [{ key: '--config', given: path, allowed: `a YAML file that can be read (${input.why})` }],
  };
}

export function problemText(problems: readonly Problem[]): string {
  const lines = problems.map(({ key, given, allowed }) => `  ${key}: given ${given}; allowed: ${allowed}\n`);
  return `drypull: the configuration cannot be used:\n${lines.join('')}Correct it, and print the result with: drypull config\n`;
}

async function* changesOf(path: string, { signal, onHangUp, env }: ProcessContext): AsyncGenerator<ParsedConfig> {
  for await (const text of watchFile(path, { signal, onNudge: onHangUp })) {
    if (text !== undefined) yield await loadConfig(text, env);
  }
}

/** The demands of the configuration and, in a cluster, of the Pods. */
async function demandsOf(
  config: Config,
  cluster: JoinedCluster | undefined,
  readNode: (config: Config) => Promise<NodeView>,
): Promise<readonly Demand[]> {
  const own = await configuredDemands(config);
  if (cluster === undefined) return own;
  return cluster.demands(own, async () => {
    const { runtime, kubelet } = await readNode(config);
    const policy =
      kubelet.config?.ok === true ? { policy: kubelet.config.value.imagePullCredentialsVerificationPolicy } : {};
    return { sandboxImage: runtime.config.ok ? runtime.config.value.sandboxImage : '', ...policy };
  });
}

/** Rehearsals on this node. Its view is read again for each pass: hosts.toml, resolv.conf and the kubelet's files may change. */
class ThisNode implements NodeRehearser {
  readonly #rehearser: Rehearser;
  readonly #readView: (config: Config) => Promise<NodeView>;
  readonly #context: { readonly config: Config; readonly cluster: JoinedCluster | undefined };

  constructor(
    rehearser: Rehearser,
    read: (config: Config) => Promise<NodeView>,
    context: { readonly config: Config; readonly cluster: JoinedCluster | undefined },
  ) {
    this.#rehearser = rehearser;
    this.#readView = read;
    this.#context = context;
  }

  async *rehearse(demands: readonly Demand[], config: Config, limits: RehearsalLimits): AsyncGenerator<PullReport> {
    const { signal, tagIsDue, history, mayRequest } = limits;
    const view = await this.#readView(config);
    const pass = passOf(config, signal);
    yield* this.#rehearser.rehearse(view, demands, {
      ...pass,
      options: { ...pass.options, tagIsDue },
      ...this.#secrets(),
      history,
      mayRequest,
    });
  }

  /** A check names Secrets that its sender may not read: they are read only where checkSecrets allows it. */
  async *check(demands: readonly Demand[], signal: AbortSignal): AsyncGenerator<PullReport> {
    const { config } = this.#context;
    const view = await this.#readView(config);
    const secrets = config.checkSecrets ? this.#secrets() : {};
    yield* this.#rehearser.rehearse(view, demands, { ...passOf(config, signal), ...secrets });
  }

  async probe(known: readonly KnownDemand[], config: Config, signal: AbortSignal): Promise<ProbeResults> {
    return this.#rehearser.probe(await this.#readView(config), known, passOf(config, signal));
  }

  async sampleQuotas(config: Config, limits: SamplingLimits): Promise<readonly QuotaSample[]> {
    if (!limits.entries.some(({ report }) => report.registry === 'docker.io')) return [];
    const more = { ...this.#secrets(), history: limits.history() };
    return this.#rehearser.sampleQuotas(() => this.#readView(config), { ...limits, ...more });
  }

  spent(): ReturnType<Rehearser['spent']> {
    return this.#rehearser.spent();
  }

  #secrets(): Pick<Pass, 'withSecrets'> {
    const { cluster } = this.#context;
    return cluster === undefined ? {} : { withSecrets: (demand) => cluster.withSecrets(demand) };
  }
}

function passOf(config: Config, signal: AbortSignal): Pass {
  return {
    options: { ...defaultOptions, deadlineMs: config.deadline, throughputSampleBytes: config.throughputSampleBytes },
    atOnce: config.concurrency,
    perRegistry: config.perRegistry,
    meteredRegistries: config.meteredRegistries,
    signal,
  };
}
