/** Knocks at every host that a pull would use: names, TCP, proxies, TLS, and not one request. Each host once. */
import { budgetKeyOf } from '#budget/key.ts';
import type { ConnectivityProbe, ProbeKind } from '#budget/connectivity-probe.ts';
import type { PullPlan, Route } from '#runtime/plan.ts';
import { isInward } from '#registry/http/token-realm.ts';
import type { TlsRule } from '#node/view.ts';
import type { Connections } from '#registry/http/connections.ts';

export interface ProbeOptions {
  readonly connections: Connections;
  readonly signal: AbortSignal;
  /** At one time. */
  readonly atOnce: number;
}

/** One image's plan, and what its last rehearsal found beside its routes. */
export interface ProbeTarget {
  readonly id: string;
  readonly plan: PullPlan;
  /** `https://auth.docker.io`. */
  readonly learned: readonly string[];
}

/** A knock waits no longer: what is slower is told apart by the rehearsal. */
const patienceMs = 10_000;

interface Place {
  readonly url: URL;
  readonly tls: TlsRule;
  readonly dialTimeoutMs: number;
}

type Heard = Pick<ConnectivityProbe, 'is' | 'isPrivate'>;

export async function probeConnectivity(
  targets: readonly ProbeTarget[],
  probing: ProbeOptions,
): Promise<ReadonlyMap<string, readonly ConnectivityProbe[]>> {
  const heard = new Map<string, Heard>();
  const places = new Map<string, Place>();
  for (const target of targets) for (const { place } of hostsOf(target)) places.set(keyOf(place), place);
  const waiting = places.entries();
  const walk = async (): Promise<void> => {
    for (const [key, place] of waiting) {
      if (probing.signal.aborted) return;
      heard.set(key, await probeOnce(place, probing));
    }
  };
  await Promise.all(Array.from({ length: probing.atOnce }, walk));
  const results = targets.map((target) => [target.id, resultOf(target, heard)] as const);
  return new Map(results);
}

function resultOf(target: ProbeTarget, heard: ReadonlyMap<string, Heard>): readonly ConnectivityProbe[] {
  return hostsOf(target).flatMap(({ place, budgetKey, resolves }) => {
    const found = heard.get(keyOf(place));
    if (found === undefined) return [];
    return [{ origin: originOf(place.url), ...(budgetKey === undefined ? {} : { budgetKey }), resolves, ...found }];
  });
}

function hostsOf({ plan, learned }: ProbeTarget): readonly {
  readonly place: Place;
  readonly budgetKey?: string;
  readonly resolves: boolean;
}[] {
  if (!plan.routes.ok || plan.policy === 'Never') return [];
  const routes = plan.routes.value.flatMap((route) => {
    const text = `${route.scheme}://${route.authority}`;
    if (!URL.canParse(text)) return [];
    const resolves = route.mayPull && (route.mayResolve || plan.image.digest !== undefined);
    return [{ place: placeOf(text, route), budgetKey: budgetKeyOf(plan.image.registry, route), resolves }];
  });
  const [origin] = plan.routes.value.toReversed();
  const beside = learned.filter((text) => origin !== undefined && URL.canParse(text));
  const others = origin === undefined ? [] : beside.map((text) => ({ place: placeOf(text, origin), resolves: false }));
  return [...routes, ...others];
}

/** Token services and blob hosts are asked with the registry's own client (docker/authorizer.go, net/http redirects). */
function placeOf(text: string, { tls, dialTimeoutMs }: Route): Place {
  return { url: new URL(text), tls, dialTimeoutMs: Math.min(dialTimeoutMs, patienceMs) };
}

async function probeOnce({ url, tls, dialTimeoutMs }: Place, { connections, signal }: ProbeOptions): Promise<Heard> {
  const { steps, outcome } = await connections.probe({ url, tls, dialTimeoutMs, signal });
  const direct = steps.some((step) => step.step === 'tcp' && step.outcome.ok && isInward(step.outcome.value.address));
  const isPrivate = direct && !steps.some(({ step }) => step === 'proxy');
  const is: ProbeKind = outcome.ok ? 'opened' : outcome.fault.code;
  return { is, isPrivate };
}

function keyOf({ url, tls }: Place): string {
  const clients = tls.clients.map(({ certPath }) => certPath).join();
  return [originOf(url), tls.verify, tls.extraRoots.map(({ path }) => path).join(), clients].join(' ');
}

function originOf(url: URL): string {
  return `${url.protocol}//${url.host}`;
}
