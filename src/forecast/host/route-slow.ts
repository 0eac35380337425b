/**
 * A host of the plan costs each object of a pull a timeout, or a slow answer, before the next host serves it: containerd queries the
 * hosts in order for the name, for each manifest and for each blob, and does not remember a dead one (core/remotes/docker
 * fetcher.go, resolver.go).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { rootOf, type FaultCode } from '#report/fault.ts';
import type { Route } from '#runtime/plan.ts';
import type { Content, Exchange } from '#report/rehearsal.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const routeSlow: ImageRule = {
  name: 'route-slow',
  meta: {
    title: 'A mirror or registry slows down every request',
    why: 'containerd queries the hosts in order for the name, each manifest and each layer, and does not remember a dead one. A dead mirror therefore costs its timeout many times over.',
    needs: 'A rehearsal that worked; the delay adds up to at least a minute for the whole pull.',
    remedy: 'Fix the host, give it a shorter `dial_timeout`, or remove it from hosts.toml.',
  },
  evaluate,
};

const feltS = 60;
/** containerd's max_concurrent_downloads. */
const atOnce = 3;
/** An answer that takes longer is slow because of the host, not the network. */
const slowMs = 2000;

function evaluate({ plan, rehearsal }: ImageFacts): readonly Prediction[] {
  const last = rehearsal.attempts.at(-1);
  if (last?.ending.is !== 'pulled' || !plan.routes.ok) return [];
  const { content } = last.ending;
  return plan.routes.value.flatMap((route, index): readonly Prediction[] => {
    const its = last.exchanges.filter((one) => one.route === index && one.act !== 'token' && one.act !== 'layer');
    const cost = costOf(its);
    const rounds = roundsOf(content);
    const lostS = ((cost?.ms ?? 0) / 1000) * rounds;
    if (cost === undefined || lostS < feltS) return [];
    const objects = `${objectsOf(content)} objects${content.depth === 'resolved' ? ' at least' : ''}`;
    return [
      {
        about: route.authority,
        fault: cost.fault,
        likelihood: 'certain',
        effect: 'delays',
        because: `${route.role} ${route.authority} takes ${spanText(cost.ms)} for each request (${cost.fault}) and is queried first for ${objects}: about ${spanText(lostS * 1000)} for the whole pull`,
        remedy: remedyOf(route),
      },
    ];
  });
}

/** The registry itself is not in any configuration that it could be removed from. */
function remedyOf({ role, authority, because }: Route): string {
  return role === 'mirror'
    ? `Fix ${authority}, give it a shorter dial_timeout, or remove it from ${because}.`
    : `Find out what slows down ${authority} or the path to it, or pull through a mirror near the node.`;
}

/** What one request costs there. A rehearsal dials a dead host once, containerd each time. */
function costOf(its: readonly Exchange[]): { readonly ms: number; readonly fault: FaultCode } | undefined {
  const failed = its.flatMap(({ ms, outcome }) => (outcome.ok ? [] : [{ ms, fault: rootOf(outcome.fault).code }]));
  const [worst] = failed.toSorted((a, b) => b.ms - a.ms);
  if (worst !== undefined) return worst;
  const answered = its.map(({ ms, steps }) => ms - steps.reduce((sum, step) => sum + step.ms, 0));
  const ms = answered.toSorted((a, b) => a - b)[Math.floor(answered.length / 2)] ?? 0;
  return ms < slowMs ? undefined : { ms, fault: 'api.timed_out' };
}

/** Sequential steps: name, index and manifest one after another; config and layers three at a time. */
function roundsOf(content: Content): number {
  return 1 + manifestsOf(content) + Math.ceil((1 + content.layers) / atOnce);
}

function objectsOf(content: Content): number {
  return 1 + manifestsOf(content) + 1 + content.layers;
}

function manifestsOf({ mediaType }: Content): number {
  return /(?:index|manifest\.list)\.v\d/.test(mediaType) ? 2 : 1;
}
