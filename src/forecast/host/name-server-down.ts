/**
 * One of the node's name servers does not answer, or answers late, while another works: lookups wait for it now, and fail when the
 * next one fails too. Go queries them in order, each for `timeout:` of resolv.conf, and starts over with each lookup
 * (net/dnsclient_unix.go tryOneName).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const nameServerDown: ImageRule = {
  name: 'name-server-down',
  meta: {
    title: 'A name server of the node fails',
    why: 'Lookups wait for a dead or slow name server before they ask the next, and fail when that one fails too.',
    needs:
      "At least two name servers in the node's resolv.conf, of which one works. drypull asks each beside the pull.",
    remedy: "Fix the name server, or remove it from the node's resolv.conf.",
  },
  evaluate,
};

/** A lookup that takes longer noticeably delays each connection. */
const slowMs = 1000;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const judged = facts.rehearsal.evidence.filter(({ of }) => of === 'name_server');
  return judged.flatMap((evidence): readonly Prediction[] => {
    const others = judged.filter(({ host, target }) => host === evidence.host && target !== evidence.target);
    if (!others.some(({ outcome, ms }) => outcome.ok && ms < slowMs)) return [];
    if (evidence.outcome.ok) return evidence.ms < slowMs ? [] : [slow(evidence, facts)];
    // "No such name" is an answer.
    return evidence.outcome.fault.code === 'dns.not_found' ? [] : [down(evidence, evidence.outcome.fault.code, facts)];
  });
}

function down({ target, host }: Evidence, fault: Prediction['fault'], facts: ImageFacts): Prediction {
  const waits = waitOf(target, facts);
  return {
    about: target,
    fault,
    likelihood: 'possible',
    effect: 'fails',
    because: `name server ${target} fails for ${host} (${fault}) while another answers${waits}`,
    remedy: `Fix name server ${target} or remove it from the node's resolv.conf.`,
  };
}

function slow({ target, host, ms }: Evidence, facts: ImageFacts): Prediction {
  return {
    about: target,
    fault: 'dns.timed_out',
    likelihood: 'certain',
    effect: 'delays',
    because: `name server ${target} took ${spanText(ms)} for ${host} and another was faster${waitOf(target, facts)}`,
    remedy: `Fix name server ${target} or list a faster one before it in the node's resolv.conf.`,
  };
}

/** Only the first server delays every lookup; with `rotate` each server is first in turn. */
function waitOf(target: string, { plan: { resolver } }: ImageFacts): string {
  const [first] = resolver.servers;
  if (first === undefined) return '';
  const isFirst = target === `${first.address}:${first.port}` || target === `[${first.address}]:${first.port}`;
  if (!isFirst && !resolver.rotate) return '';
  const when = isFirst && !resolver.rotate ? 'every lookup' : `one lookup in ${resolver.servers.length}`;
  return `; ${when} waits up to ${spanText(resolver.timeoutMs)} for it`;
}
