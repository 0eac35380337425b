/** What is judged for itself after a rehearsal: name servers, addresses, and the way that a restart would open. Once a pass and host. */
import type { PullPlan } from '#runtime/plan.ts';
import { proxyFor } from '#go/http-proxy.ts';
import type { DnsFacts, Evidence, Exchange, Attempt, StepOf } from '#report/rehearsal.ts';
import { verified } from '#runtime/containerd/hosts.ts';
import type { TlsRule } from '#node/view.ts';
import { judgeNameServers, judgePinned } from '#registry/dns/check-name-servers.ts';
import { judgeAddresses, judgePath, type PathDependencies } from '#registry/check-addresses.ts';
import type { Wire } from '#runtime/attempt/wire.ts';

export async function gatherEvidence(
  plan: PullPlan,
  attempts: readonly Attempt[],
  wire: Wire,
): Promise<readonly Evidence[]> {
  const exchanges = attempts.flatMap((attempt) => attempt.exchanges);
  const found: Promise<readonly Evidence[]>[] = [];
  for (const exchange of exchanges) {
    for (const step of exchange.steps) {
      if (step.step !== 'dns' || wire.judged.has(step.target)) continue;
      wire.judged.add(step.target);
      found.push(judgeHost(step, { plan, wire, exchanges }));
    }
    found.push(judgeAfterRestart(exchange, plan, wire));
  }
  return (await Promise.all(found)).flat();
}

interface Scenery {
  readonly plan: PullPlan;
  readonly wire: Wire;
  readonly exchanges: readonly Exchange[];
}

/** Addresses that any of the name servers gives are worth a look: the next look-up may be theirs. */
async function judgeHost(step: StepOf<'dns', DnsFacts>, scenery: Scenery): Promise<readonly Evidence[]> {
  const { resolver } = scenery.plan;
  const { elapsedMs } = scenery.wire;
  const host = step.target;
  const facts = step.outcome.ok ? step.outcome.value : undefined;
  if (facts?.answeredBy === '/etc/hosts') {
    const pinned = await judgePinned(resolver, host, elapsedMs);
    return [...(pinned === undefined ? [] : [pinned]), ...(await judgeAll(host, facts.addresses, scenery))];
  }
  const asked = { host, ...(facts?.fullName === undefined ? {} : { name: facts.fullName }) };
  const isWorthIt = facts === undefined || resolver.servers.length > 1;
  const names = isWorthIt ? await judgeNameServers(resolver, asked, elapsedMs) : [];
  const heard = names.flatMap(({ outcome }) => (outcome.ok ? (outcome.value.addresses ?? []) : []));
  return [...names, ...(await judgeAll(host, [...new Set([...(facts?.addresses ?? []), ...heard])], scenery))];
}

/** One alone was judged by the pull itself. */
async function judgeAll(host: string, addresses: readonly string[], scenery: Scenery): Promise<readonly Evidence[]> {
  const { plan, wire, exchanges } = scenery;
  const steps = exchanges.flatMap((exchange) => exchange.steps);
  const reached = steps.find(
    ({ step, outcome, target }) => step === 'tcp' && outcome.ok && target.startsWith(`${host}:`),
  );
  if (addresses.length < 2 || reached?.step !== 'tcp' || !reached.outcome.ok) return [];
  const { port } = reached.outcome.value;
  const session = exchanges.find((one) => one.steps.some(({ step, target }) => step === 'tls' && target === host));
  const tls = session === undefined ? {} : { tls: ruleOf(session, plan) };
  return judgeAddresses({ host, port, addresses, ...tls }, pathDependencies(plan, wire));
}

/** Where a restart of the runtime would change the proxy of a request, or whom it trusts, that way is tried as well. */
async function judgeAfterRestart(exchange: Exchange, plan: PullPlan, wire: Wire): Promise<readonly Evidence[]> {
  const { proxyNext, rootsNext } = plan;
  if ((proxyNext === undefined && rootsNext === undefined) || !URL.canParse(exchange.url)) return [];
  const url = new URL(exchange.url);
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  const host = url.hostname.replace(/^\[(.+)\]$/, '$1');
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  const key = `after a restart ${scheme}://${url.host}`;
  if (wire.judged.has(key)) return [];
  wire.judged.add(key);
  const to = { scheme, host, port } as const;
  const rules = proxyNext?.rules ?? plan.proxy;
  const [today, next] = [proxyFor(plan.proxy, to), proxyFor(rules, to)];
  const shown = (one: typeof today): string => (one.ok ? (one.value?.shown ?? 'directly') : 'nowhere');
  const tls = ruleOf(exchange, plan);
  const trustsOthers = rootsNext !== undefined && scheme === 'https' && tls.verify;
  if (shown(today) === shown(next) && !trustsOthers) return [];
  return [await judgePath({ ...to, tls }, rules, { ...pathDependencies(plan, wire), roots: rootsNext ?? plan.roots })];
}

function ruleOf({ route }: Exchange, plan: PullPlan): TlsRule {
  return (plan.routes.ok ? plan.routes.value[route]?.tls : undefined) ?? verified;
}

function pathDependencies({ resolver, roots, engine }: PullPlan, { now, elapsedMs }: Wire): PathDependencies {
  return { resolver, roots, rsaKeyExchange: engine.takesRsaKeyExchange, now, elapsedMs };
}
