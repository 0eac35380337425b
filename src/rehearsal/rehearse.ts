/**
 * Walks a PullPlan over the wire in the order the kubelet and its runtime would; returns what happened and decides nothing.
 * The outer loop is the kubelet's (kuberuntime_image.go PullImage): one whole pull a credential, until one succeeds, and
 * never an anonymous one beside them.
 */
import type { PullPlan, Identity } from '#runtime/plan.ts';
import type { Attempt, Rehearsal } from '#report/rehearsal.ts';
import { gatherEvidence } from './evidence.ts';
import { runtimeOf } from '#runtime/runtimes.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Wire } from '#runtime/attempt/wire.ts';

/** Whether an image may be asked for in a lane. */
export type MayEnter = (budgetKey: string) => boolean;

/** `mayEnter` is asked once for each lane; absent: nobody says no. */
export async function rehearse(plan: PullPlan, wire: Wire, mayEnter?: MayEnter): Promise<Rehearsal> {
  const zeroMs = wire.elapsedMs();
  if (!plan.identities.ok || !plan.routes.ok) return { attempts: [], evidence: [], ms: 0 };
  const signal = AbortSignal.timeout(wire.manners.deadlineMs);
  const attempts: Attempt[] = [];
  const gate = mayEnter === undefined ? {} : { mayEnter: once(mayEnter) };
  for (const identity of plan.identities.value) {
    const context: AttemptContext = {
      plan,
      identity,
      routes: plan.routes.value,
      wire,
      signal,
      zeroMs,
      exchanges: [],
      ...gate,
    };
    const attempt = await attemptSafely(context, identity);
    attempts.push(attempt);
    if (attempt.ending.is === 'pulled') break;
  }
  const evidence = wire.manners.evidence ? await gatherEvidence(plan, attempts, wire) : [];
  return { attempts, evidence, ms: wire.elapsedMs() - zeroMs };
}

/** What was said once holds for all credentials: the last of them has no better turn than the first. */
function once(mayEnter: MayEnter): MayEnter {
  const heard = new Map<string, boolean>();
  return (budgetKey) => {
    const may = heard.get(budgetKey) ?? mayEnter(budgetKey);
    heard.set(budgetKey, may);
    return may;
  };
}

/** The safety net around one performance: our own bug makes this image unknown and leaves the others alone. */
async function attemptSafely(context: AttemptContext, identity: Identity): Promise<Attempt> {
  try {
    return await runtimeOf(context.plan.engine.version.name).attempt(context);
  } catch (error) {
    const what =
      error instanceof Error
        ? `${error.name}: ${error.message}`.slice(0, 200)
        : 'something that is no Error was thrown';
    return {
      as: identity.label,
      exchanges: context.exchanges,
      ending: { is: 'undetermined', stage: 'plan', fault: { code: 'agent.bug', where: 'rehearse', what } },
    };
  }
}
