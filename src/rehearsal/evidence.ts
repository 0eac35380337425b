/** What is checked for itself after a rehearsal: name servers, addresses, and the path after a restart. Once for each pass and host. */
import { systemTrust, type PullPlan } from '#runtime/plan.ts';
import { originOf } from '#go/host-port.ts';
import { proxyFor } from '#go/http-proxy.ts';
import type { DnsFacts, Evidence, Exchange, Attempt, StepOf } from '#report/rehearsal.ts';
import type { TlsRule } from '#node/view.ts';
import { judgeNameServers, judgePinned } from '#registry/dns/check-name-servers.ts';
import { judgeAddresses, judgePath, type PathSettings } from '#registry/check-addresses.ts';
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
      if (step.step !== 'dns' || wire.pass.checked.has(step.target)) continue;
      wire.pass.checked.add(step.target);
      found.push(checkHost(step, { plan, wire, exchanges }));
    }
    found.push(checkAfterRestart(exchange, plan, wire));
  }
  return (await Promise.all(found)).flat();
}

interface Surveyed {
  readonly plan: PullPlan;
  readonly wire: Wire;
  readonly exchanges: readonly Exchange[];
}

/** Checks the addresses that any of the name servers gives: the next look-up may return them. */
async function checkHost(step: StepOf<'dns', DnsFacts>, at: Surveyed): Promise<readonly Evidence[]> {
  const { resolver } = at.plan;
  const { elapsedMs } = at.wire;
  const host = step.target;
  const facts = step.outcome.ok ? step.outcome.value : undefined;
  if (facts?.answeredBy === '/etc/hosts') {
    const pinned = await judgePinned(resolver, host, elapsedMs);
    return [...(pinned === undefined ? [] : [pinned]), ...(await checkAll(host, facts.addresses, at))];
  }
  const asked = { host, ...(facts?.fullName === undefined ? {} : { name: facts.fullName }) };
  const isInDoubt = facts === undefined || resolver.servers.length > 1;
  const names = isInDoubt ? await judgeNameServers(resolver, asked, elapsedMs) : [];
  const others = names.flatMap(({ outcome }) => (outcome.ok ? (outcome.value.addresses ?? []) : []));
  return [...names, ...(await checkAll(host, [...new Set([...(facts?.addresses ?? []), ...others])], at))];
}

/** A single address was checked by the pull itself. */
async function checkAll(host: string, addresses: readonly string[], at: Surveyed): Promise<readonly Evidence[]> {
  const { plan, wire, exchanges } = at;
  const steps = exchanges.flatMap((exchange) => exchange.steps);
  const reached = steps.find(
    ({ step, outcome, target }) => step === 'tcp' && outcome.ok && target.startsWith(`${host}:`),
  );
  if (addresses.length < 2 || reached?.step !== 'tcp' || !reached.outcome.ok) return [];
  const { port } = reached.outcome.value;
  const session = exchanges.find((one) => one.steps.some(({ step, target }) => step === 'tls' && target === host));
  const tls = session === undefined ? {} : { tls: ruleOf(session, plan) };
  return judgeAddresses({ host, port, addresses, ...tls }, pathSettings(plan, wire));
}

/** Where a restart of the runtime would change the proxy or the trusted roots of a request, that path is tried as well. */
async function checkAfterRestart(exchange: Exchange, plan: PullPlan, wire: Wire): Promise<readonly Evidence[]> {
  const { proxyNext, rootsNext } = plan;
  if ((proxyNext === undefined && rootsNext === undefined) || !URL.canParse(exchange.url)) return [];
  const url = new URL(exchange.url);
  const to = originOf(url);
  const key = `after a restart ${to.scheme}://${url.host}`;
  if (wire.pass.checked.has(key)) return [];
  wire.pass.checked.add(key);
  const rules = proxyNext?.rules ?? plan.proxy;
  const [today, next] = [proxyFor(plan.proxy, to), proxyFor(rules, to)];
  const shown = (one: typeof today): string => (one.ok ? (one.value?.shown ?? 'directly') : 'nowhere');
  const tls = ruleOf(exchange, plan);
  const trustsOthers = rootsNext !== undefined && to.scheme === 'https' && tls.verify;
  if (shown(today) === shown(next) && !trustsOthers) return [];
  return [await judgePath({ ...to, tls }, rules, { ...pathSettings(plan, wire), roots: rootsNext ?? plan.roots })];
}

function ruleOf({ route }: Exchange, plan: PullPlan): TlsRule {
  return (plan.routes.ok ? plan.routes.value[route]?.tls : undefined) ?? systemTrust;
}

function pathSettings({ resolver, roots, engine }: PullPlan, { now, elapsedMs }: Wire): PathSettings {
  return { resolver, roots, rsaKeyExchange: engine.takesRsaKeyExchange, now, elapsedMs };
}
