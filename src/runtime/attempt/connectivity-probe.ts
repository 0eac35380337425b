/** Opens a connection to every host that a pull uses: names, TCP, proxies, TLS, and no request. Each host once. */
import { budgetKeyOf } from '#budget/key.ts';
import type { ConnectivityProbe, ProbeKind } from '#budget/connectivity-probe.ts';
import type { PullPlan, Route } from '#runtime/plan.ts';
import { isInward } from '#registry/http/token-realm.ts';
import type { TlsRule } from '#node/view.ts';
import type { Connections } from '#registry/http/connections.ts';
import type { RequestCause } from '#registry/wire.ts';

interface ProbeOptions {
  readonly connections: Connections;
  readonly signal: AbortSignal;
  /** Connections at one time. */
  readonly atOnce: number;
}

/** One image's plan, and what its last rehearsal found beside its routes. */
interface ProbeTarget {
  readonly id: string;
  readonly plan: PullPlan;
  /** `https://auth.docker.io`. */
  readonly learned: readonly string[];
}

/** A probe waits no longer; the rehearsal finds the cause of anything slower. */
const maxDialMs = 10_000;

interface Place {
  readonly url: URL;
  readonly tls: TlsRule;
  readonly dialTimeoutMs: number;
  /** Set where an answer of the registry named the URL. */
  readonly cause?: RequestCause;
}

type Probed = Pick<ConnectivityProbe, 'is' | 'isPrivate'>;

export async function probeConnectivity(
  targets: readonly ProbeTarget[],
  probing: ProbeOptions,
): Promise<ReadonlyMap<string, readonly ConnectivityProbe[]>> {
  const probed = new Map<string, Probed>();
  const places = new Map<string, Place>();
  for (const target of targets) for (const { place } of hostsOf(target)) places.set(keyOf(place), place);
  const waiting = places.entries();
  const walk = async (): Promise<void> => {
    for (const [key, place] of waiting) {
      if (probing.signal.aborted) return;
      probed.set(key, await probeOnce(place, probing));
    }
  };
  await Promise.all(Array.from({ length: probing.atOnce }, walk));
  const results = targets.map((target) => [target.id, resultOf(target, probed)] as const);
  return new Map(results);
}

function resultOf(target: ProbeTarget, probed: ReadonlyMap<string, Probed>): readonly ConnectivityProbe[] {
  return hostsOf(target).flatMap(({ place, budgetKey, resolves }) => {
    const found = probed.get(keyOf(place));
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
  const others = learned.filter((text) => origin !== undefined && URL.canParse(text));
  if (origin === undefined) return routes;
  const cause: RequestCause = { by: 'realm', registry: origin.host };
  const learnedHosts = others.map((text) => ({ place: { ...placeOf(text, origin), cause }, resolves: false }));
  return [...routes, ...learnedHosts];
}

/** The runtime reaches token services and blob hosts with the registry's own client (docker/authorizer.go, net/http redirects). */
function placeOf(text: string, { tls, dialTimeoutMs }: Route): Place {
  return { url: new URL(text), tls, dialTimeoutMs: Math.min(dialTimeoutMs, maxDialMs) };
}

async function probeOnce(place: Place, { connections, signal }: ProbeOptions): Promise<Probed> {
  const { steps, outcome } = await connections.probe({ ...place, signal });
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
