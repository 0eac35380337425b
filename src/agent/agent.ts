/**
 * The daemon: it opens its listeners, makes passes over the images of this node, follows changes of its files, and drains when
 * it is asked to stop.
 */
import { CheckTaker } from '#check/answer-check.ts';
import type { ParsedConfig } from '#config/config.ts';
import { fixedAtStart } from '#config/fixed-at-start.ts';
import type { Listening } from '#output/http/open-listener.ts';
import { listenForChecks, listenOpenly } from '#output/http/open-listener.ts';
import type { Log } from '#output/log.ts';
import type { Ledger } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import { aborted, withTimeout } from '#timing.ts';
import type { AgentSettings, ListenerAccess, Pair } from './collaborators.ts';
import { Passes, type PassDependencies } from './passes.ts';

export interface AgentDependencies extends Omit<PassDependencies, 'config' | 'node' | 'version'> {
  readonly settings: AgentSettings;
  readonly access: ListenerAccess;
}

export type Started =
  | {
      readonly ok: true;
      /** The URL of the page. */
      readonly page: string;
      /** The URL for POST /check; absent where checks are off. */
      readonly check?: string;
      /** Resolves when the agent has drained after the signal. */
      readonly ended: Promise<void>;
    }
  | { readonly ok: false; readonly why: string };

/** Half of the five seconds in which a Pod is expected to end; the rest is for the process to unwind. */
const graceMs = 2500;

/** Runs until the signal is aborted. */
export async function startAgent(dependencies: AgentDependencies): Promise<Started> {
  const { settings, ...others } = dependencies;
  const passes = new Passes({ ...others, ...settings });
  const opened = await openListeners(dependencies, passes);
  if (!opened.ok) {
    await dependencies.cluster?.close();
    return opened;
  }
  passes.begin();
  const { page, check } = opened;
  const ended = run(dependencies, passes, [page, ...(check === undefined ? [] : [check])]);
  return { ok: true, page: page.url, ...(check === undefined ? {} : { check: check.url }), ended };
}

async function run(
  dependencies: AgentDependencies,
  passes: Passes,
  listening: readonly [Listening, ...Listening[]],
): Promise<void> {
  const { settings, access, cluster, log, signal } = dependencies;
  const following = Promise.all([
    follow(settings.changes, dependencies, (parsed) => reload(parsed, log, passes)),
    follow(access.pair?.changes, dependencies, (pair) => renew(pair, listening[0], { log, passes })),
  ]);
  await aborted(signal);
  log.info({}, 'draining');
  const closing = withTimeout(cluster?.close() ?? Promise.resolve(), graceMs);
  await Promise.all([passes.end(graceMs), following, closing, ...listening.map((each) => each.close(graceMs))]);
  log.info({}, 'drained');
}

/** Handles each change, until the signal is aborted. */
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
    log.error({ error }, 'watching files failed: later changes take effect after a restart');
  }
}

/** Keeps the current certificate where the new one cannot be used. */
function renew(
  pair: Pair,
  listening: Listening,
  { log, passes }: { readonly log: Log; readonly passes: Passes },
): void {
  const why = pair.ok ? listening.renew?.(pair.pems) : pair.why;
  if (why === undefined) log.info({}, "the listener's certificate is renewed");
  else log.error({ why }, "the listener's new certificate is refused: the current one stays in use");
  passes.metrics.certificateRenewed(why === undefined ? 'ok' : 'refused');
}

function reload(parsed: ParsedConfig, log: Log, passes: Passes): void {
  if (!parsed.ok) {
    log.error({ problems: parsed.problems }, 'the changed configuration is refused: the current one stays in force');
    passes.metrics.reloaded('refused');
    return;
  }
  const needsRestart = fixedAtStart.filter(
    (key) => JSON.stringify(parsed.config[key]) !== JSON.stringify(passes.config[key]),
  );
  if (needsRestart.length > 0) log.warn({ keys: needsRestart }, 'these changes take effect after a restart');
  passes.adopt(parsed.config);
  passes.metrics.reloaded('ok');
  log.info({ images: parsed.config.images.length }, 'configuration reloaded');
}

type Listeners =
  | { readonly ok: true; readonly page: Listening; readonly check?: Listening }
  | { readonly ok: false; readonly why: string };

async function openListeners(dependencies: AgentDependencies, passes: Passes): Promise<Listeners> {
  const { settings, access, clock, signal, log } = dependencies;
  const { config, version } = settings;
  const source = {
    ledger: () => passes.state.read(),
    now: () => clock.now(),
    version,
    scrape: () => passes.metrics.scrape(),
    draining: () => signal.aborted,
    ...(access.admit === undefined ? {} : { admit: access.admit }),
  };
  const page = await listenOpenly(config.listen, source, access.pair?.first);
  if (!page.ok) return page;
  if (access.admit !== undefined && access.pair === undefined)
    log.warn({}, 'readers send their tokens in clear text: give the listener a certificate (listenTlsCert)');
  if (config.checkListen === 'off') return { ok: true, page: page.value };
  const { checkConcurrency: atOnce, checkBody: bodyBytes } = config;
  const ledger = (): Ledger => passes.state.read();
  const taker = new CheckTaker({
    rehearse: (demands, stop) => counted(dependencies.rehearser.check(demands, stop), passes),
    ledger,
    mostImages: config.perRegistryPass,
    secrets: config.checkSecrets,
    nowMs: () => clock.now(),
  });
  const check = await listenForChecks(config.checkListen, {
    check: (request) => taker.take(request),
    ledger,
    now: () => clock.now(),
    atOnce,
    bodyBytes,
  });
  if (!check.ok) {
    await page.value.close(0);
    return check;
  }
  return { ok: true, page: page.value, check: check.value };
}

/** Requests that a check sends count against the same budgets. */
async function* counted(reports: AsyncIterable<PullReport>, passes: Passes): AsyncGenerator<PullReport> {
  for await (const report of reports) {
    passes.pacing.checked(report);
    yield report;
  }
}
