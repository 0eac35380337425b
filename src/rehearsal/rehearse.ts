/**
 * Walks a PullPlan over the wire in the order the kubelet and its runtime would; returns what happened and decides nothing.
 * The outer loop is the kubelet's (kuberuntime_image.go PullImage): one whole pull a credential, until one succeeds, and
 * never an anonymous one beside them.
 */
import type { PullPlan, Identity } from '#runtime/plan.ts';
import type { Performance, Rehearsal } from '#report/rehearsal.ts';
import { gatherEvidence } from './evidence.ts';
import { perform } from '#runtime/containerd/pull/attempt.ts';
import type { Scene } from '#runtime/attempt/context.ts';
import type { Wire } from '#runtime/attempt/wire.ts';

/** Whether an image may be asked for in a lane. */
export type MayEnter = (lane: string) => boolean;

/** `mayEnter` is asked once for each lane; absent: nobody says no. */
export async function rehearse(plan: PullPlan, wire: Wire, mayEnter?: MayEnter): Promise<Rehearsal> {
  const zeroMs = wire.elapsedMs();
  if (!plan.identities.ok || !plan.routes.ok) return { performances: [], evidence: [], ms: 0 };
  const signal = AbortSignal.timeout(wire.manners.deadlineMs);
  const performances: Performance[] = [];
  const gate = mayEnter === undefined ? {} : { mayEnter: once(mayEnter) };
  for (const identity of plan.identities.value) {
    const scene: Scene = { plan, identity, routes: plan.routes.value, wire, signal, zeroMs, exchanges: [], ...gate };
    const performance = await performSafely(scene, identity);
    performances.push(performance);
    if (performance.ending.is === 'pulled') break;
  }
  const evidence = wire.manners.evidence ? await gatherEvidence(plan, performances, wire) : [];
  return { performances, evidence, ms: wire.elapsedMs() - zeroMs };
}

/** What was said once holds for all credentials: the last of them has no better turn than the first. */
function once(mayEnter: MayEnter): MayEnter {
  const said = new Map<string, boolean>();
  return (lane) => {
    const may = said.get(lane) ?? mayEnter(lane);
    said.set(lane, may);
    return may;
  };
}

/** The safety net around one performance: our own bug makes this image unknown and leaves the others alone. */
async function performSafely(scene: Scene, identity: Identity): Promise<Performance> {
  try {
    return await perform(scene);
  } catch (error) {
    const what =
      error instanceof Error
        ? `${error.name}: ${error.message}`.slice(0, 200)
        : 'something that is no Error was thrown';
    return {
      as: identity.label,
      exchanges: scene.exchanges,
      ending: { is: 'untold', stage: 'plan', fault: { code: 'agent.bug', where: 'rehearse', what } },
    };
  }
}
