/**
 * Walks a PullPlan over the wire in the order the kubelet and its runtime would; returns what happened and decides nothing.
 * The outer loop is the kubelet's (kuberuntime_image.go PullImage): one whole pull a credential, until one succeeds, and
 * never an anonymous one beside them.
 */
import type { PullPlan, Identity } from '#pull/plan.ts';
import type { Evidence, Performance, Rehearsal } from '#pull/rehearsal.ts';
import { judgeAddresses, judgeNameServers } from './registry/evidence.ts';
import { perform } from './stage/perform.ts';
import type { Scene } from './stage/scene.ts';
import type { Wire } from './stage/wire.ts';

export async function rehearse(plan: PullPlan, wire: Wire): Promise<Rehearsal> {
  const zeroMs = wire.elapsedMs();
  if (!plan.identities.ok || !plan.routes.ok) return { performances: [], evidence: [], ms: 0 };
  const signal = AbortSignal.timeout(wire.manners.deadlineMs);
  const performances: Performance[] = [];
  for (const identity of plan.identities.value) {
    const scene: Scene = { plan, identity, routes: plan.routes.value, wire, signal, zeroMs, exchanges: [] };
    const performance = await performSafely(scene, identity);
    performances.push(performance);
    if (performance.ending.is === 'pulled') break;
  }
  const evidence = wire.manners.evidence ? await gatherEvidence(plan, performances, wire) : [];
  return { performances, evidence, ms: wire.elapsedMs() - zeroMs };
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

/** Each name server, and each address of the hosts that were looked up, judged for itself: once a pass and host. */
async function gatherEvidence(
  plan: PullPlan,
  performances: readonly Performance[],
  wire: Wire,
): Promise<readonly Evidence[]> {
  const steps = performances.flatMap(({ exchanges }) => exchanges.flatMap((exchange) => exchange.steps));
  const found: Promise<readonly Evidence[]>[] = [];
  for (const step of steps) {
    if (step.step !== 'dns' || wire.judged.has(step.target)) continue;
    wire.judged.add(step.target);
    const direct = step.outcome.ok && step.outcome.value.addresses.length > 1 ? step.outcome.value.addresses : [];
    const port = steps.find(
      (other) => other.step === 'tcp' && other.outcome.ok && other.target.startsWith(`${step.target}:`),
    );
    if (!step.outcome.ok || plan.resolver.servers.length > 1)
      found.push(judgeNameServers(plan.resolver, step.target, wire.elapsedMs));
    if (direct.length > 0 && port?.step === 'tcp' && port.outcome.ok)
      found.push(
        judgeAddresses({ host: step.target, port: port.outcome.value.port, addresses: direct }, wire.elapsedMs),
      );
  }
  return (await Promise.all(found)).flat();
}
