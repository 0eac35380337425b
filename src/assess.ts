/** The whole product in one function: plan → rehearse → forecast → judge → PullReport. */
import { damp } from '#forecast/damping.ts';
import type { Fault } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Image } from '#image/reference.ts';
import { judge, judgeUnplanned } from '#report/judge.ts';
import { aggregate, earlyEventText, pullEventText } from '#kubelet/event-text.ts';
import { loginsOf } from '#kubelet/logins.ts';
import { demandId } from '#report/ledger.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { heldOf } from '#forecast/history/damped.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Rehearsal } from '#report/rehearsal.ts';
import type { KubeletText, PublicPlan, PullReport } from '#report/report.ts';
import { formatPlatform } from '#image/platform.ts';
import type { Verdict } from '#report/verdict.ts';
import type { NodeView } from '#node/view.ts';
import { rehearseRestart, type Restarted } from '#rehearsal/restart.ts';
import { forecastImage } from '#forecast/rules.ts';
import { rehearse } from '#rehearsal/rehearse.ts';
import type { Wire } from '#runtime/attempt/wire.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { planFor, runtimeOf } from '#runtime/runtimes.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { ProviderAnswer } from '#kubelet/view.ts';

export interface Dependencies {
  readonly wire: Wire;
  /** Runs the node's credential provider plugins for a repository. */
  readonly askProviders: (repository: string) => Promise<readonly ProviderAnswer[]>;
  /** Reads the pull secrets that a demand names, right before they are used; they are not kept longer than that. */
  readonly withSecrets?: (demand: Demand) => Promise<Demand>;
  /** What is remembered now; absent: nothing. */
  readonly history?: () => NodeHistory;
  /** What the next start of the node's programs changes; absent: nothing that is known. */
  readonly restarted?: Restarted;
  /** Whether requests for an image may count against a budget key now; absent: always. */
  readonly mayRequest?: (id: string, budgetKey: string) => boolean;
}

async function assess(view: NodeView, given: Demand, dependencies: Dependencies): Promise<PullReport> {
  const { wire } = dependencies;
  const demand = dependencies.withSecrets === undefined ? given : await dependencies.withSecrets(given);
  const { image } = demand;
  if (!image.ok) return report(view, demand, { verdict: judgeUnplanned(image), now: wire.now() });
  const answers = await dependencies.askProviders(image.value.repository);
  const plan = planFor(view, { ...demand, image }, answers);
  const id = demandId(demand);
  const rehearsal = await rehearsalOf({ ...demand, image }, plan, dependencies);
  const history = dependencies.history?.() ?? emptyNodeHistory;
  const now = wire.now();
  const found = forecastImage({ now, view, demand, plan, rehearsal, history });
  const forecasts = damp(heldOf(history.damped, id), found, now.getTime());
  const verdict = judge(plan, demand, rehearsal, forecasts);
  const by = rehearsal.attempts.map(({ as }) => as);
  wire.memory.tags.judged(image.value.runtime, by, verdict.is === 'pulls');
  return report(view, demand, { plan, rehearsal, forecasts, verdict, now });
}

/** What a pull meets now, and after the next start of the node's programs. */
async function rehearsalOf(
  demand: Demand & { readonly image: Good<Image> },
  plan: PullPlan,
  { wire, mayRequest, restarted }: Dependencies,
): Promise<Rehearsal> {
  const id = demandId(demand);
  const mayRequestFor =
    mayRequest === undefined ? undefined : (budgetKey: string): boolean => mayRequest(id, budgetKey);
  const isPulled = demand.policy !== 'Never';
  const pull = isPulled ? await rehearse(plan, wire, mayRequestFor) : { attempts: [], evidence: [], ms: 0 };
  const later = restarted === undefined ? [] : await rehearseRestart(plan, demand, restarted);
  return { ...pull, evidence: [...pull.evidence, ...later] };
}

/** Many images in one pass, at most `atOnce` at a time; yields reports as they are ready. */
export async function* assessAll(
  view: NodeView,
  demands: readonly Demand[],
  dependencies: Dependencies & { readonly atOnce: number; readonly signal: AbortSignal },
): AsyncGenerator<PullReport> {
  const waiting = [...demands.entries()];
  const running = new Map<number, Promise<{ readonly index: number; readonly report: PullReport }>>();
  const start = (): void => {
    const next = dependencies.signal.aborted ? undefined : waiting.shift();
    if (next === undefined) return;
    const [index, demand] = next;
    running.set(
      index,
      assessSafely(view, demand, dependencies).then((ready) => ({ index, report: ready })),
    );
  };
  for (let i = 0; i < dependencies.atOnce; i += 1) start();
  while (running.size > 0) {
    const { index, report: ready } = await Promise.race(running.values());
    running.delete(index);
    start();
    yield ready;
  }
}

async function assessSafely(view: NodeView, demand: Demand, dependencies: Dependencies): Promise<PullReport> {
  try {
    return await assess(view, demand, dependencies);
  } catch (error) {
    if (demand.image.ok) dependencies.wire.memory.tags.judged(demand.image.value.runtime, [], false);
    return bugReport(view, demand, { where: 'assess', error, now: dependencies.wire.now() });
  }
}

/** A crash of drypull as an unknown verdict. */
function bugReport(
  view: NodeView,
  demand: Demand,
  crash: { readonly where: string; readonly error: unknown; readonly now: Date },
): PullReport {
  const what =
    crash.error instanceof Error
      ? `${crash.error.name}: ${crash.error.message}`.slice(0, 200)
      : 'something that is no Error was thrown';
  const fault: Fault = { code: 'agent.bug', where: crash.where, what };
  return report(view, demand, { verdict: judgeUnplanned({ ok: false, fault }), now: crash.now });
}

interface Findings {
  readonly verdict: Verdict;
  readonly now: Date;
  readonly plan?: PullPlan;
  readonly rehearsal?: Rehearsal;
  readonly forecasts?: readonly Forecast[];
}

function report(view: NodeView, demand: Demand, found: Findings): PullReport {
  const { verdict, plan, rehearsal, forecasts = [] } = found;
  const image = demand.image.ok ? demand.image.value : undefined;
  const kubelet = verdict.is === 'fails' ? kubeletText(demand, verdict.fault, { plan, rehearsal }) : undefined;
  const about = {
    image: demand.written,
    requestedBy: demand.requestedBy,
    ...(image === undefined ? {} : { reference: image.runtime, registry: image.registry }),
  };
  const advice = 'fault' in verdict ? adviceFor(verdict.fault, about) : undefined;
  return {
    version: 1,
    node: view.name,
    at: found.now.toISOString(),
    ms: rehearsal?.ms ?? 0,
    image: demand.written,
    ...(demand.id === undefined ? {} : { id: demand.id }),
    ...(image === undefined ? {} : { reference: image.runtime, registry: image.registry }),
    policy: demand.policy,
    ...(demand.present === 'unknown' ? {} : { present: demand.present }),
    requestedBy: demand.requestedBy,
    verdict,
    ...(kubelet === undefined ? {} : { kubelet }),
    ...(advice === undefined ? {} : { advice }),
    forecasts,
    ...(plan === undefined ? {} : { plan: publicPlan(plan) }),
    attempts: rehearsal?.attempts ?? [],
    evidence: rehearsal?.evidence ?? [],
    warnings: plan?.warnings ?? view.warnings,
  };
}

function kubeletText(
  demand: Demand,
  fault: Fault,
  at: { readonly plan: PullPlan | undefined; readonly rehearsal: Rehearsal | undefined },
): KubeletText {
  // The kubelet has read this reference: only the runtime can refuse it.
  const isRefusedLate = fault.code === 'image.malformed' && at.plan !== undefined;
  const early = isRefusedLate ? undefined : earlyEventText(demand.written, fault);
  if (early !== undefined || at.plan === undefined) return early ?? pullEventText(demand.written, '');
  const { plan } = at;
  const texts = at.rehearsal?.attempts.flatMap(({ ending }) => (ending.is === 'failed' ? [ending.shown] : [])) ?? [];
  if (texts.length > 0) return pullEventText(demand.written, aggregate(texts));
  return pullEventText(demand.written, runtimeOf(plan.engine.version.name).refused(fault, plan));
}

function publicPlan(plan: PullPlan): PublicPlan {
  const logins = loginsOf(plan);
  return {
    runtime: `${plan.engine.version.name} ${plan.engine.version.text}`,
    engine: plan.engine.kind,
    platform: formatPlatform(plan.platform),
    identities: plan.identities.ok ? plan.identities.value.map(({ label }) => label) : [],
    ...(logins.length === 0 ? {} : { logins }),
    ...(plan.unusedSecrets.length === 0 ? {} : { unusedSecrets: plan.unusedSecrets }),
    routes: plan.routes.ok
      ? plan.routes.value.map((route) => ({
          url: `${route.scheme}://${route.authority}${route.path}`,
          role: route.role,
          resolves: route.mayPull && route.mayResolve,
          tls: route.scheme === 'http' ? 'none' : route.tls.verify ? 'verified' : 'unverified',
          because: route.because,
        }))
      : [],
    doubts: plan.doubts,
  };
}
