/**
 * Follows a PullPlan over the wire in the order of the kubelet and its runtime; returns what happened and decides nothing. The outer loop is
 * the kubelet's (kuberuntime_image.go PullImage): one whole pull for each credential until one succeeds, and no anonymous pull beside them.
 */
import type { Identity } from '#kubelet/credential.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Attempt, Rehearsal } from '#report/rehearsal.ts';
import { gatherEvidence } from './evidence.ts';
import { runtimeOf } from '#runtime/runtimes.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Wire } from '#runtime/attempt/wire.ts';

/** Whether requests for an image may count against a budget key. */
type MayRequest = (budgetKey: string) => boolean;

/** `mayRequest` is called once for each budget key; absent: every request is allowed. */
export async function rehearse(plan: PullPlan, wire: Wire, mayRequest?: MayRequest): Promise<Rehearsal> {
  const startMs = wire.elapsedMs();
  if (!plan.identities.ok || !plan.routes.ok) return { attempts: [], evidence: [], ms: 0 };
  const signal = AbortSignal.timeout(wire.options.deadlineMs);
  const attempts: Attempt[] = [];
  const gate = mayRequest === undefined ? {} : { mayRequest: once(mayRequest) };
  for (const identity of plan.identities.value) {
    const context: AttemptContext = {
      plan,
      identity,
      routes: plan.routes.value,
      wire,
      signal,
      startMs,
      exchanges: [],
      ...gate,
    };
    const attempt = await attemptSafely(context, identity);
    attempts.push(attempt);
    if (attempt.ending.is === 'pulled') break;
  }
  const evidence = wire.options.evidence ? await gatherEvidence(plan, attempts, wire) : [];
  return { attempts, evidence, ms: wire.elapsedMs() - startMs };
}

/** Decide once per rehearsal; later credentials of the same image reuse the decision. */
function once(mayRequest: MayRequest): MayRequest {
  const decided = new Map<string, boolean>();
  return (budgetKey) => {
    const may = decided.get(budgetKey) ?? mayRequest(budgetKey);
    decided.set(budgetKey, may);
    return may;
  };
}

/** A bug of drypull makes this image's verdict unknown and leaves the others alone. */
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
