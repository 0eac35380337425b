/**
 * One of the node's name servers does not answer, or late, while another does: look-ups wait for it now, and fail with the next
 * one. Go asks them in order, each for `timeout:` of resolv.conf, and starts anew with every look-up (net/dnsclient_unix.go
 * tryOneName).
 */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const nameServerDown: ImageRule = { name: 'name-server-down', evaluate };

/** A look-up that takes longer is felt in every connection. */
const slowMs = 1000;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const judged = facts.rehearsal.evidence.filter(({ of }) => of === 'name_server');
  return judged.flatMap((evidence): readonly Prediction[] => {
    const others = judged.filter(({ host, target }) => host === evidence.host && target !== evidence.target);
    if (!others.some(({ outcome, ms }) => outcome.ok && ms < slowMs)) return [];
    if (evidence.outcome.ok) return evidence.ms < slowMs ? [] : [slow(evidence, facts)];
    // That a name is not there is an answer.
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
    remedy: `Mend name server ${target} or take it out of the node's resolv.conf.`,
  };
}

function slow({ target, host, ms }: Evidence, facts: ImageFacts): Prediction {
  return {
    about: target,
    fault: 'dns.timed_out',
    likelihood: 'certain',
    effect: 'delays',
    because: `name server ${target} took ${spanText(ms)} for ${host} and another did not${waitOf(target, facts)}`,
    remedy: `Mend name server ${target} or put a quicker one before it in the node's resolv.conf.`,
  };
}

/** Only who is asked first is waited for at every look-up; with `rotate` it is each in turn. */
function waitOf(target: string, { plan: { resolver } }: ImageFacts): string {
  const [first] = resolver.servers;
  if (first === undefined) return '';
  const isFirst = target === `${first.address}:${first.port}` || target === `[${first.address}]:${first.port}`;
  if (!isFirst && !resolver.rotate) return '';
  const when = isFirst && !resolver.rotate ? 'every look-up' : `one look-up in ${resolver.servers.length}`;
  return `; ${when} waits up to ${spanText(resolver.timeoutMs)} for it`;
}
