/** What waits for the next restart of containerd: a proxy that it will lose or gain, and files newer than what it has read. */
import type { ImageFacts } from '#pull/facts.ts';
import { rootOf } from '#pull/fault.ts';
import type { Foreseen, ImageRule, Unseen } from './rule.ts';

export const restartPending: ImageRule = { name: 'restart-pending', unseen, foresee };

function foresee({ rehearsal, plan: { proxyNext } }: ImageFacts): readonly Foreseen[] {
  if (proxyNext === undefined) return [];
  return rehearsal.evidence.flatMap(({ of, host, target, outcome }): readonly Foreseen[] => {
    // A way that works as well is none to be warned of.
    if (of !== 'after_restart' || outcome.ok) return [];
    const { code } = rootOf(outcome.fault);
    const way = target === 'directly' ? 'without a proxy' : `through ${target}`;
    return [
      {
        about: host,
        fault: code,
        likelihood: 'likely',
        effect: 'fails',
        assuming: 'containerd is restarted, as by an upgrade or a reboot',
        because: `${proxyNext.because}: after a restart it would reach ${host} ${way}, and that fails now (${code})`,
        remedy: `Put the proxy that containerd runs with into its unit (${proxyNext.rules.source}), or open the way that it would take.`,
      },
    ];
  });
}

/** The rehearsal went by the files: what the process has read instead lies nowhere to be seen. */
function unseen({ plan: { doubts } }: ImageFacts): readonly Unseen[] {
  return doubts.flatMap(({ is, about, because }): readonly Unseen[] => {
    if (is !== 'if_restarted' || (about !== 'runtime' && about !== 'roots')) return [];
    const what = about === 'roots' ? 'the trusted certificates' : "containerd's configuration";
    return [
      {
        about: what,
        fault: about === 'roots' ? 'tls.untrusted' : 'runtime.misconfigured',
        because: `${because}: this rehearsal is how pulls go after a restart, and until then they go by what it read before`,
        remedy: 'Restart containerd when it suits you, rather than when it has to be.',
      },
    ];
  });
}
