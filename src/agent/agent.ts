/**
 * The daemon: on a schedule, for every image that this node is asked for: rehearse, remember, tell. Gets its outside as
 * arguments and knows neither the process nor the wire nor the node's files.
 */
import type { Fault } from '#report/fault.ts';
import type { ClusterState, Entry, Ledger } from '#report/ledger.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { Advice, PullReport } from '#report/report.ts';
import type { PullOutcome } from '#report/score.ts';
import type { Demand, NodeView } from '#node/view.ts';
import type { Change } from './state.ts';
import type { Known, ProbeResults } from '#budget/choose.ts';
import type { Config, ParsedConfig } from '#config/config.ts';
import type { Log } from '#output/log.ts';
import { aborted } from './delay.ts';
import { fixedAtStart } from '#config/fixed-at-start.ts';
import { Rounds } from './passes.ts';
import type { ReservationDesk } from './shared-reservations.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import { CheckTaker } from '#check/answer-check.ts';
import { within } from './with-timeout.ts';
import type { Vitals } from '#output/metrics/metrics.ts';
import type { Pair } from './listener-certificate.ts';
import type { Admit, Listening, Pems } from '#output/http/open-listener.ts';
import { listenForChecks, listenOpenly } from '#output/http/open-listener.ts';

export interface AgentDependencies {
  readonly config: Config;
  /** The node's name where the configuration gives none. */
  readonly hostName: string;
  readonly version: string;
  /** Each reading of a configuration that changed, good or bad. */
  readonly changes?: AsyncIterable<ParsedConfig>;
  /** What is asked for now: asked again at each pass, so that pull secrets are read anew. */
  readonly demands: (config: Config) => Promise<readonly Demand[]>;
  /** One report for each demand, in any order. */
  readonly rehearse: (demands: readonly Demand[], config: Config, at: Rehearsing) => AsyncIterable<PullReport>;
  /** Opens connections to every host that these images would use, and asks nothing; absent: nobody knocks. */
  readonly probe?: (at: readonly Known[], config: Config, signal: AbortSignal) => Promise<ProbeResults>;
  /** How many agents there are, as far as is known; absent: this one. */
  readonly fleet?: () => number | undefined;
  /** Where turns of scarce registries are booked with the fleet; absent: nowhere. */
  readonly reservations?: ReservationDesk;
  /** What was asked of whom so far, counted where it was sent. */
  readonly spent?: () => readonly Spent[];
  /** Looks at pull quotas that are due and that no rehearsal has shown; absent: nobody looks. */
  readonly sampleQuotas?: (config: Config, at: SamplingAt) => Promise<readonly QuotaSample[]>;
  /** The node as it is now, for foresight; absent: nobody looks. */
  readonly readView?: (config: Config) => Promise<NodeView>;
  /** Where what is remembered outlives the process; absent: nowhere. */
  readonly state?: { readonly first: NodeHistory; readonly save: (history: NodeHistory) => Promise<void> };
  /** For a POST /check; as `rehearse`, without what the agent remembers. */
  readonly rehearseCheck: (demands: readonly Demand[], signal: AbortSignal) => AsyncIterable<PullReport>;
  /** Cause and remedy of a fault that the agent itself has to report. */
  readonly advise?: (fault: Fault) => Advice;
  /** Who may read the open listener; absent: anybody. */
  readonly admit?: Admit;
  /** What the open listener shows where it speaks HTTPS, and each later reading of it, good or bad. */
  readonly pair?: { readonly first: Pems; readonly changes: AsyncIterable<Pair> };
  readonly cluster?: Watched;
  readonly clock: { readonly now: () => number; readonly random: () => number };
  readonly vitals: () => Vitals;
  /** Gives back memory that is not used any more. */
  readonly tidy?: () => void;
  readonly log: Log;
  /** Aborted by SIGTERM. */
  readonly signal: AbortSignal;
  /** Called once, when both listeners are open. */
  readonly opened?: (at: { readonly open: string; readonly check: string | undefined }) => void;
}

export interface Rehearsing {
  readonly signal: AbortSignal;
  /** What is remembered now. */
  readonly history: () => NodeHistory;
  /** Whether an image may be asked for in a lane now. */
  readonly mayEnter: (id: string, budgetKey: string) => boolean;
  readonly tagIsDue: (tag: TagAsked) => boolean;
}

export interface SamplingAt extends Omit<Rehearsing, 'mayEnter' | 'tagIsDue'> {
  readonly demands: readonly Demand[];
  readonly entries: readonly Entry[];
  /** Whether so many requests may go to this registry now; absent: always. */
  readonly admit?: (registry: string, requests: number) => boolean;
}

/** A cluster that is asked and told; see join-cluster.ts. */
export interface Watched {
  readonly clusterState: () => ClusterState;
  /** Once, before the first pass. */
  readonly listen: (events: AgentEvents) => void;
  /** A verdict is not what it was. */
  readonly changed: (change: Change) => void;
  /** A pass over the images has ended. */
  readonly passed: () => void;
  readonly close: () => Promise<void>;
}

export interface AgentEvents {
  readonly ledger: () => Ledger;
  /** Something new is asked for, or something is not any more. */
  readonly demandsChanged: () => void;
  readonly outcome: (outcome: PullOutcome) => void;
}

export type Ended = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Half of the five seconds in which a Pod is expected to leave; the rest is for the process to unwind. */
const graceMs = 2500;

/** Runs until the signal, then drains. Comes back early only when a listener cannot be opened. */
export async function runAgent(dependencies: AgentDependencies): Promise<Ended> {
  const rounds = new Rounds(dependencies);
  const opened = await openListeners(dependencies, rounds);
  if (!opened.ok) {
    await dependencies.cluster?.close();
    return opened;
  }
  const { listening } = opened;
  rounds.begin();
  const { changes, pair, log, signal } = dependencies;
  const following = Promise.all([
    follow(changes, dependencies, (parsed) => take(parsed, log, rounds)),
    follow(pair?.changes, dependencies, (read) => renew(read, listening[0], { log, rounds })),
  ]);
  await aborted(signal);
  log.info({}, 'draining');
  const cluster = within(dependencies.cluster?.close() ?? Promise.resolve(), graceMs);
  await Promise.all([rounds.end(graceMs), following, cluster, ...listening.map((each) => each.close(graceMs))]);
  log.info({}, 'left');
  return { ok: true };
}

/** Each change as it comes, until the signal. */
async function follow<T>(
  changes: AsyncIterable<T> | undefined,
  { signal, log }: AgentDependencies,
  act: (change: T) => void,
): Promise<void> {
  if (changes === undefined) return;
  const iterator = changes[Symbol.asyncIterator]();
  const over = aborted(signal);
  try {
    while (!signal.aborted) {
      const next = await Promise.race([iterator.next(), over]);
      if (next === undefined || next.done === true) return;
      act(next.value);
    }
  } catch (error) {
    log.error({ error }, 'files that may change are no longer followed');
  }
}

/** The old certificate serves on where the new one cannot. */
function renew(
  read: Pair,
  listening: Listening | undefined,
  { log, rounds }: { readonly log: Log; readonly rounds: Rounds },
): void {
  const why = read.ok ? listening?.renew?.(read.pems) : read.why;
  if (why === undefined) log.info({}, "the listener's certificate is renewed");
  else log.error({ why }, "the listener's new certificate is refused: going on with the old one");
  rounds.metrics.certificateRenewed(why === undefined ? 'ok' : 'refused');
}

function take(parsed: ParsedConfig, log: Log, rounds: Rounds): void {
  if (!parsed.ok) {
    log.error({ problems: parsed.problems }, 'the changed configuration is refused: going on with the old one');
    rounds.metrics.reloaded('refused');
    return;
  }
  const needsRestart = fixedAtStart.filter(
    (key) => JSON.stringify(parsed.config[key]) !== JSON.stringify(rounds.config[key]),
  );
  if (needsRestart.length > 0) log.warn({ keys: needsRestart }, 'these changes take effect after a restart');
  rounds.adopt(parsed.config);
  rounds.metrics.reloaded('ok');
  log.info({ images: parsed.config.images.length }, 'configuration reloaded');
}

async function openListeners(
  { config, clock, version, rehearseCheck, signal, opened, admit, pair, log }: AgentDependencies,
  rounds: Rounds,
): Promise<
  { readonly ok: true; readonly listening: readonly Listening[] } | { readonly ok: false; readonly why: string }
> {
  const ledger = (): Ledger => rounds.state.read();
  const source = {
    ledger,
    now: clock.now,
    version,
    scrape: () => rounds.metrics.scrape(),
    draining: () => signal.aborted,
    ...(admit === undefined ? {} : { admit }),
  };
  const open = await listenOpenly(config.listen, source, pair?.first);
  if (!open.ok) return open;
  if (admit !== undefined && pair === undefined)
    log.warn({}, 'readers show their tokens in the clear: give the listener a certificate (listenTlsCert)');
  if (config.checkListen === 'off') {
    opened?.({ open: open.value.url, check: undefined });
    return { ok: true, listening: [open.value] };
  }
  const { checkConcurrency: atOnce, checkBody: bodyBytes } = config;
  const taker = new CheckTaker({
    rehearse: (demands, stop) => counted(rehearseCheck(demands, stop), rounds),
    ledger,
    mostImages: config.perRegistryPass,
    secrets: config.checkSecrets,
    nowMs: clock.now,
  });
  const taking = await listenForChecks(config.checkListen, {
    check: (asked) => taker.take(asked),
    ledger,
    now: clock.now,
    atOnce,
    bodyBytes,
  });
  if (!taking.ok) {
    await open.value.close(0);
    return taking;
  }
  opened?.({ open: open.value.url, check: taking.value.url });
  return { ok: true, listening: [open.value, taking.value] };
}

/** What a check asks of registries counts like everything else. */
async function* counted(reports: AsyncIterable<PullReport>, rounds: Rounds): AsyncGenerator<PullReport> {
  for await (const report of reports) {
    rounds.pacing.checked(report);
    yield report;
  }
}
