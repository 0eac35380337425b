/**
 * Failures that wait for the next start of containerd or the kubelet: a proxy that is lost or gained, changed trusted certificates,
 * and files that are newer than what the running programs have read.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { rootOf, ownerOf, type Fault } from '#report/fault.ts';
import { wasChallenged } from '#report/judge.ts';
import type { Pending } from '#node/view.ts';
import { hostOf } from '#forecast/history/hosts.ts';
import type { Evidence } from '#report/rehearsal.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';
import { exchangesOf, othersThan, standIns } from '#forecast/host/role.ts';

export const restartPending: ImageRule = {
  name: 'restart-pending',
  meta: {
    title: 'A failure waits for the next restart',
    why: 'containerd and the kubelet read some files only when they start. When a proxy is missing from the unit, or config.toml, the trusted certificates or the credential providers changed, pulls work until the next restart (an upgrade, a reboot) and fail afterwards.',
    needs:
      "The runtime's process (component `host-proc`) for the proxy. For changed files, an agent that saw the file before the change; an agent that started later reports `unknown`.",
    remedy: 'Correct or revert the change before the restart, or restart at a planned time.',
  },
  unseen,
  evaluate,
};

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const found = facts.rehearsal.evidence.flatMap((one) => {
    if (one.of === 'after_restart') return ofConnection(one, facts);
    return one.of === 'next_start' ? ofPull(one, facts) : [];
  });
  return [...new Map(found.map((one) => [`${one.about} ${one.fault}`, one])).values()];
}

/** One host as containerd would reach it after a restart. */
function ofConnection({ host, target, outcome }: Evidence, facts: ImageFacts): readonly Prediction[] {
  const { proxyNext } = facts.plan;
  const trusted = pendingOf(facts).filter(({ about }) => about === 'roots');
  const reasons = [proxyNext, ...trusted].flatMap((one) => (one === undefined ? [] : [one.because]));
  if (reasons.length === 0) return [];
  const now = faultsOf(host, facts);
  if (outcome.ok) {
    const fixed = now.find(({ code }) => code === 'tls.untrusted' || code === 'tls.expired');
    const isFixed = !worksNow(facts) && fixed !== undefined && trusted.length > 0;
    return isFixed ? [fixes(host, fixed, { of: 'containerd', because: reasons.join(', and ') })] : [];
  }
  const { code } = rootOf(outcome.fault);
  // With other roots alone only trust can differ; and a failure that happens now already is not reported.
  const isOther = proxyNext !== undefined || (code.startsWith('tls.') && !now.some((fault) => fault.code === code));
  if (!isOther) return [];
  const how =
    proxyNext === undefined
      ? 'with these certificates'
      : target === 'directly'
        ? 'without a proxy'
        : `through ${target}`;
  const others = othersThan(facts.plan, host);
  return [
    {
      about: host,
      fault: code,
      likelihood: others.length > 0 ? 'possible' : 'likely',
      effect: 'fails',
      assuming: 'containerd is restarted, as by an upgrade or a reboot',
      because: `${reasons.join(', and ')}: after a restart it would reach ${host} ${how}, and that fails now (${code})${standIns(others)}`,
      remedy:
        proxyNext === undefined
          ? `Put the authority that signs for ${host} back into the node's trust store, or into a ca file of its hosts.toml.`
          : `Put the proxy that containerd runs with into its unit (${proxyNext.rules.source}), or allow the connection that it would make.`,
    },
  ];
}

/** The whole pull as it would happen after a restart. */
function ofPull({ host, outcome }: Evidence, facts: ImageFacts): readonly Prediction[] {
  const pending = pendingOf(facts).filter(({ about }) => about !== 'roots');
  const change = { of: programsIn(pending), because: pending.map(({ because }) => because).join(', and ') };
  if (outcome.ok) {
    const [fault] = lastFaults(facts);
    return fault === undefined ? [] : [fixes(host, fault, change)];
  }
  const { code } = rootOf(outcome.fault);
  if (!worksNow(facts) || ownerOf(code) === 'agent') return [];
  return [
    {
      about: host,
      fault: code,
      likelihood: 'likely',
      effect: 'fails',
      assuming: `${change.of} restarted, as by an upgrade or a reboot`,
      because: `${change.because}: pulls work until the next start, and then fail (${code}${whyOf(outcome.fault)})`,
      remedy: 'Correct the change, or revert it, before that; `drypull check` on the node uses the new files.',
    },
  ];
}

function fixes(about: string, { code }: Fault, change: { readonly of: string; readonly because: string }): Prediction {
  const of = change.of.replace(/ (is|are)$/, '');
  return {
    about,
    fault: code,
    likelihood: 'certain',
    effect: 'none',
    assuming: `${of} keeps running`,
    because: `${change.because}: with what the program has read, this pull fails (${code}); after a restart it would work`,
    remedy: `Restart ${of}.`,
  };
}

function pendingOf({ view }: ImageFacts): readonly Pending[] {
  return view.next?.pending ?? [];
}

function programsIn(pending: readonly Pending[]): string {
  const names = [...new Set(pending.map(({ of }) => of))];
  return `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'}`;
}

function whyOf(fault: Fault): string {
  return 'why' in fault && typeof fault.why === 'string' ? `: ${fault.why}` : '';
}

function worksNow({ rehearsal: { attempts } }: ImageFacts): boolean {
  return attempts.at(-1)?.ending.is === 'pulled';
}

/** Why the pull fails now. */
function lastFaults({ rehearsal: { attempts }, plan }: ImageFacts): readonly Fault[] {
  const ending = attempts.at(-1)?.ending;
  if (ending?.is === 'failed') return [ending.fault];
  return ending === undefined && !plan.routes.ok ? [plan.routes.fault] : [];
}

function faultsOf(host: string, { rehearsal }: ImageFacts): readonly Fault[] {
  return exchangesOf(rehearsal).flatMap(({ url, outcome }) =>
    !outcome.ok && hostOf(url) === host ? [rootOf(outcome.fault)] : [],
  );
}

/** The rehearsal used the files: what the running process has read instead cannot be seen. */
function unseen(facts: ImageFacts): readonly Unseen[] {
  const waiting = facts.plan.doubts.flatMap(({ is, about, because }): readonly Unseen[] => {
    if (is !== 'if_restarted') return [];
    switch (about) {
      case 'runtime':
        return [uncertain({ what: "containerd's configuration", fault: 'runtime.misconfigured', because })];
      case 'roots':
        return [uncertain({ what: 'the trusted certificates', fault: 'tls.untrusted', because })];
      case 'credentials':
        return facts.rehearsal.attempts.some(wasChallenged)
          ? [uncertain({ what: "the kubelet's credential providers", fault: 'auth.required', because })]
          : [];
      case 'proxy':
      case 'resolver':
      case 'platform':
      case 'content':
      case 'policy':
        return [];
    }
  });
  return [...waiting, ...unseenPulls(facts)];
}

function uncertain({ what, fault, because }: { readonly what: string } & Pick<Unseen, 'fault' | 'because'>): Unseen {
  const program = fault === 'auth.required' ? 'the kubelet' : 'containerd';
  return {
    about: what,
    fault,
    because: `${because}: this rehearsal shows pulls after a restart; until then they use what was read before`,
    remedy: `Restart ${program} at a planned time.`,
  };
}

function unseenPulls({ rehearsal: { evidence } }: ImageFacts): readonly Unseen[] {
  return evidence.flatMap(({ of, host, outcome }): readonly Unseen[] => {
    if (of !== 'next_start' || outcome.ok || ownerOf(outcome.fault.code) !== 'agent') return [];
    const { code } = outcome.fault;
    const because = `whether pulls work after the next start could not be determined (${code}${whyOf(outcome.fault)})`;
    return [{ about: host, fault: code, because, remedy: 'Run `drypull check` on the node before it is restarted.' }];
  });
}
