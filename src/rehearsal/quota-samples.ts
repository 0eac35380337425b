/**
 * Looks at Docker Hub's quota beside the rehearsals: for each account that this node would pull with, and for each address family
 * where it would pull without one. Over the node's own plan: its names, proxy, trust and credentials. Behind a mirror nothing is
 * asked, because the quota that counts is the mirror's.
 */
import { parseImage } from '#image/reference.ts';
import type { Entry } from '#report/ledger.ts';
import { accountOf, loginsOf } from '#kubelet/logins.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { Identity, PullPlan, Route } from '#runtime/plan.ts';
import { proxyFor } from '#go/http-proxy.ts';
import type { QuotaPlace, QuotaSample } from '#report/quota.ts';
import { bucketsOf, dueAtMs, previewImage, requestsPerSample, type LastSample } from '#budget/quota-pace.ts';
import type { Demand, NodeView, ProviderAnswer } from '#node/view.ts';
import { sampleQuota, type Sampled } from '#runtime/containerd/pull/quota-sample.ts';
import type { Wire } from '#runtime/attempt/wire.ts';
import { planFor } from '#runtime/runtimes.ts';

export interface Sampling {
  readonly view: NodeView;
  readonly demands: readonly Demand[];
  /** What the rehearsals found last: whether a mirror serves, and which login works. */
  readonly entries: readonly Entry[];
  readonly history: NodeHistory;
  readonly withSecrets?: (demand: Demand) => Promise<Demand>;
  readonly askProviders: (repository: string) => Promise<readonly ProviderAnswer[]>;
  /** A wire of its own for each family, so that no connection of the other one serves. */
  readonly openWire: (family: 'ipv4' | 'ipv6' | undefined) => Wire & { readonly close: () => Promise<void> };
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Whether so many requests may go to this registry now; absent: always. */
  readonly admit?: (registry: string, requests: number) => boolean;
}

/** What a look would be: whom it asks about, and how many requests it makes. */
export interface SampleRequest {
  readonly place: QuotaPlace;
  readonly requests: number;
}

interface Account {
  readonly name: string;
  readonly identity: Identity;
}

/** Between two looks at what is due, where nothing is close. */
const restMs = 5 * 60_000;
const soonestMs = 60_000;

export class QuotaSampler {
  #samples: readonly LastSample[] = [];
  #restsUntilMs = 0;

  /** Nothing can be due: not worth a look at the node. */
  rests(nowMs: number): boolean {
    return nowMs < this.#restsUntilMs;
  }

  /** What would be asked at `nowMs` of what is known by then. No request is made, no secret is read. */
  sampleRequests(
    { entries, history, view }: Pick<Sampling, 'entries' | 'history' | 'view'>,
    nowMs: number,
  ): readonly SampleRequest[] {
    const plan = previewPlan(view);
    this.#restsUntilMs = nowMs + restMs;
    if (plan === undefined || hubRoute(plan, entries) === undefined) return [];
    const accounts = new Set(
      entries.flatMap(({ report }) => (report.registry === 'docker.io' ? accountIn(report) : [])),
    );
    const known = { quotas: history.quotas, samples: this.#samples };
    const dues = [...accounts]
      .flatMap((account) => bucketsOf(account, isProxied(plan)))
      .map((place) => ({ place, atMs: dueAtMs(place, known, nowMs) }));
    this.#restsUntilMs = Math.min(this.#restsUntilMs, ...dues.map(({ atMs }) => Math.max(atMs, nowMs + soonestMs)));
    return dues.filter(({ atMs }) => atMs <= nowMs).map(({ place }) => ({ place, requests: requestsPerSample }));
  }

  /** One look for each wish that is admitted. */
  async sampleBuckets(sampleRequests: readonly SampleRequest[], sampling: Sampling): Promise<readonly QuotaSample[]> {
    const plan = previewPlan(sampling.view);
    const route = plan === undefined ? undefined : hubRoute(plan, sampling.entries);
    if (plan === undefined || route === undefined || sampleRequests.length === 0) return [];
    const accounts = await accountsOf(sampling);
    const samples: QuotaSample[] = [];
    for (const { place, requests } of sampleRequests) {
      const account = accounts.find(({ name }) => name === place.account);
      if (account === undefined || sampling.signal.aborted) continue;
      if (sampling.admit?.(place.registry, requests) === false) continue;
      const sampled = await readView({ plan, route, account, place }, sampling);
      if (sampled.is === 'reported') samples.push(sampled.sample);
      this.#note({ ...place, atMs: sampling.nowMs(), ended: endOf(sampled) });
    }
    return samples;
  }

  #note(readView: LastSample): void {
    const isSame = (one: LastSample): boolean => one.account === readView.account && one.family === readView.family;
    this.#samples = [readView, ...this.#samples.filter((one) => !isSame(one))].slice(0, 64);
  }
}

function previewPlan(view: NodeView): PullPlan | undefined {
  const image = parseImage(previewImage);
  if (!image.ok) return undefined;
  const asked = { written: previewImage, policy: 'Always', requestedBy: [], secrets: [], present: 'no' } as const;
  return planFor(view, { ...asked, image }, []);
}

/**
 * The route that leads to Docker Hub itself, where pulls take it: the first that serves content, or the last after mirrors that
 * were all passed over when an image of it was last rehearsed.
 */
function hubRoute({ routes }: PullPlan, entries: readonly Entry[]): number | undefined {
  if (!routes.ok) return undefined;
  const hub = routes.value.findIndex(({ role, authority }) => role === 'origin' && isHub(authority));
  if (hub < 0) return undefined;
  const mirrors = routes.value.slice(0, hub).filter(({ mayPull }) => mayPull);
  if (mirrors.length === 0) return hub;
  // Of a mirror that may not resolve, a rehearsal of Docker Hub's images sees nothing.
  const passedOver = mirrors.every(({ mayResolve }) => mayResolve) && entries.some((entry) => isResolvedBy(entry, hub));
  return passedOver ? hub : undefined;
}

function isHub(authority: string): boolean {
  return /(^|\.)docker\.io(:\d+)?$/.test(authority);
}

function isResolvedBy({ report }: Entry, route: number): boolean {
  const ending = report.attempts.at(-1)?.ending;
  return report.registry === 'docker.io' && ending?.is === 'pulled' && ending.content.resolvedBy === route;
}

/** The account that the last rehearsal got on with; none where its login failed. */
function accountIn({ attempts, plan }: Entry['report']): readonly string[] {
  const last = attempts.at(-1);
  if (last === undefined || ('fault' in last.ending && last.ending.fault.code.startsWith('auth.'))) return [];
  return [accountOf(plan?.logins ?? [], last.as)];
}

function isProxied({ proxy, routes }: PullPlan): boolean {
  const hub: Route | undefined = routes.ok ? routes.value.find(({ authority }) => isHub(authority)) : undefined;
  if (hub === undefined) return false;
  const proxied = proxyFor(proxy, hub);
  return proxied.ok && proxied.value !== null;
}

/** The logins that the kubelet would offer for the images of Docker Hub, each account once. */
async function accountsOf({ view, demands, withSecrets, askProviders }: Sampling): Promise<readonly Account[]> {
  const found = new Map<string, Account>();
  const seen = new Set<string>();
  for (const demand of demands) {
    if (!demand.image.ok || demand.image.value.registry !== 'docker.io') continue;
    const { image, secrets } = demand;
    const key = JSON.stringify([
      secrets.map(({ namespace, name }) => [namespace, name]),
      image.value.path.split('/')[0],
    ]);
    if (seen.has(key)) continue;
    seen.add(key);
    const read = withSecrets === undefined ? demand : await withSecrets(demand);
    const plan = planFor(view, { ...read, image }, await askProviders(image.value.repository));
    const logins = loginsOf(plan);
    for (const identity of plan.identities.ok ? plan.identities.value : []) {
      const name = accountOf(logins, identity.label);
      if (!found.has(name)) found.set(name, { name, identity });
    }
  }
  return [...found.values()];
}

async function readView(
  at: { readonly plan: PullPlan; readonly route: number; readonly account: Account; readonly place: QuotaPlace },
  { openWire, signal }: Sampling,
): Promise<Sampled> {
  const { plan, route, account, place } = at;
  const { family } = place;
  const wire = openWire(family === 'ipv4' || family === 'ipv6' ? family : undefined);
  try {
    const { identity } = account;
    const routes = plan.routes.ok ? plan.routes.value : [];
    const both = AbortSignal.any([signal, AbortSignal.timeout(wire.manners.deadlineMs)]);
    const context = { plan, identity, routes, wire, signal: both, zeroMs: wire.elapsedMs(), exchanges: [] };
    return await sampleQuota(context, route, place);
  } finally {
    await wire.close();
  }
}

function endOf(sampled: Sampled): LastSample['ended'] {
  if (sampled.is === 'failed') return /^(dns|tcp)\./.test(sampled.fault.code) ? 'unreachable' : 'refused';
  return sampled.sample.limit?.remaining === undefined ? 'reported_nothing' : 'reported';
}
