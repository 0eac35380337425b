/** From plan and rehearsal to the verdict: pulls, at risk, fails, or unknown. Pure, and the only place that decides. */
import { rootOf, ownerOf, type Fault, type FaultCode } from './fault.ts';
import { threatens, type Forecast } from '#forecast/forecast.ts';
import type { Bad } from './outcome.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Content, Attempt, Rehearsal, Stage } from './rehearsal.ts';
import type { Confidence, Verdict } from './verdict.ts';
import type { Doubt, Unseen } from '#node/view.ts';
import type { Demand } from '#kubelet/demand.ts';

type Bare = { readonly is: 'pulls' } | { readonly is: 'stops'; readonly fault: Fault; readonly stage: Stage };

export function judge(plan: PullPlan, demand: Demand, rehearsal: Rehearsal, forecasts: readonly Forecast[]): Verdict {
  const bare = decide(plan, demand, rehearsal);
  const confidence = confidenceOf({ ...plan, doubts: [...plan.doubts, ...proofDoubts(demand)] }, rehearsal, bare);
  const threats = forecasts.filter(threatens);
  if (bare.is === 'pulls')
    return threats.length === 0 ? { is: 'pulls', confidence } : { is: 'at_risk', forecasts: threats, confidence };
  return stopped(bare.fault, bare.stage, confidence);
}

/** The verdict for a demand that never became a plan. */
export function judgeUnplanned(refused: Bad): Verdict {
  return stopped(refused.fault, 'plan', { is: 'exact', because: [] });
}

function stopped(fault: Fault, stage: Stage, confidence: Confidence): Verdict {
  return { is: ownerOf(fault.code) === 'agent' ? 'unknown' : 'fails', fault, stage, confidence };
}

/** A failure that rests on what could not be seen is not known to be one. */
function decide(plan: PullPlan, demand: Demand, rehearsal: Rehearsal): Bare {
  const bare = decideSeen(plan, demand, rehearsal);
  if (bare.is === 'pulls' || ownerOf(bare.fault.code) === 'agent') return bare;
  const hidden = plan.unseen.find(({ about }) => mayDecide(about, bare.fault));
  if (hidden === undefined) return bare;
  const { what, why, how } = hidden;
  return { ...bare, fault: { code: 'agent.cannot_see', what, why, ...(how === undefined ? {} : { how }) } };
}

/** What another proxy, name server, certificate store or configuration of the runtime could change. */
function mayDecide(about: Unseen['about'], fault: Fault): boolean {
  const root = rootOf(fault);
  const [area = ''] = root.code.split('.');
  switch (about) {
    case 'runtime':
      return !['image', 'credential', 'disk', 'kubelet'].includes(area);
    case 'proxy':
      return (
        ['dns', 'tcp', 'tls', 'proxy', 'blob'].includes(area) ||
        ['api.timed_out', 'api.not_a_registry'].includes(root.code)
      );
    case 'resolver':
      return ['dns', 'tcp'].includes(area);
    case 'roots':
      return root.code === 'tls.untrusted';
    case 'credentials':
    case 'platform':
    case 'content':
    case 'policy':
      return false;
  }
}

function decideSeen(plan: PullPlan, demand: Demand, rehearsal: Rehearsal): Bare {
  if (demand.policy === 'Never') return decideNever(plan, demand);
  if (!plan.identities.ok) return { is: 'stops', fault: plan.identities.fault, stage: 'plan' };
  if (!plan.routes.ok) return { is: 'stops', fault: plan.routes.fault, stage: 'plan' };
  const { attempts } = rehearsal;
  const last = attempts.at(-1);
  if (last === undefined)
    return { is: 'stops', fault: { code: 'agent.bug', where: 'judge', what: 'nothing was rehearsed' }, stage: 'plan' };
  const unseen = unseenMatters(plan, attempts);
  if (last.ending.is === 'pulled') return unseen === undefined || last.as !== 'anonymous' ? { is: 'pulls' } : unseen;
  const untold = attempts.find(({ ending }) => ending.is === 'undetermined');
  if (untold?.ending.is === 'undetermined')
    return { is: 'stops', fault: untold.ending.fault, stage: untold.ending.stage };
  if (unseen !== undefined) return unseen;
  const bare = worst(plan, attempts);
  if (bare.is === 'stops' && bare.stage === 'auth' && plan.unseenProvider !== undefined)
    return { is: 'stops', fault: plan.unseenProvider, stage: 'auth' };
  // Nobody logged in, and perhaps the kubelet would.
  const mayLogIn = bare.is === 'stops' && bare.stage === 'auth' && last.as === 'anonymous';
  return mayLogIn && plan.unseenFile !== undefined ? { is: 'stops', fault: plan.unseenFile, stage: 'auth' } : bare;
}

/** kubelet images/image_manager.go: Never looks at the node alone. */
function decideNever(plan: PullPlan, demand: Demand): Bare {
  switch (demand.present) {
    case 'yes':
      return { is: 'pulls' };
    case 'no':
      return { is: 'stops', fault: { code: 'image.never_pulled', image: demand.written }, stage: 'plan' };
    case 'unknown': {
      const fault: Fault = {
        code: 'agent.cannot_see',
        what: `whether ${plan.image.runtime} is on the node`,
        why: 'imagePullPolicy Never asks for nothing else',
      };
      return { is: 'stops', fault, stage: 'plan' };
    }
  }
}

/** pullmanager MustAttemptImagePull, k8s v1.36: what it keeps from a Pod ends as if the image were not there. */
function proofDoubts({ policy, present, needsProof }: Demand): readonly Doubt[] {
  if (policy !== 'Never' || present !== 'yes' || needsProof !== true) return [];
  const because = `the kubelet keeps what it pulled itself from a Pod whose credentials have not proved access, and with pull policy Never that ends in ErrImageNeverPull`;
  return [{ is: 'approximate', about: 'policy', because }];
}

/** A secret that nobody let us read would matter once a host has asked who is there. */
function unseenMatters(plan: PullPlan, attempts: readonly Attempt[]): Bare | undefined {
  const [secret] = plan.unseenSecrets;
  if (secret === undefined || !attempts.some(wasChallenged)) return undefined;
  return {
    is: 'stops',
    fault: { code: 'agent.not_allowed', what: `read pull secret ${secret.namespace}/${secret.name} (${secret.why})` },
    stage: 'auth',
  };
}

export function wasChallenged({ exchanges }: Attempt): boolean {
  return exchanges.some(({ act, outcome }) => act === 'token' || (outcome.ok && outcome.value.status === 401));
}

/** The fault to name where every credential failed: what the last one met, or what kept the right one away. */
function worst(plan: PullPlan, attempts: readonly Attempt[]): Bare {
  const failures = attempts.flatMap(({ ending }) => (ending.is === 'failed' ? [ending] : []));
  const beyondLogin = failures.find(({ fault }) => fault.code !== 'auth.rejected');
  const shown = beyondLogin ?? failures[0];
  if (shown === undefined)
    return { is: 'stops', fault: { code: 'agent.bug', where: 'judge', what: 'no failure' }, stage: 'plan' };
  const absent = plan.warnings.find(({ code }) => absences.has(code));
  if (shown.fault.code === 'auth.required' && absent !== undefined)
    return { is: 'stops', fault: absent, stage: 'auth' };
  return { is: 'stops', fault: shown.fault, stage: shown.stage };
}

/** Warnings that explain why nobody logged in. */
const absences: ReadonlySet<FaultCode> = new Set([
  'credential.secret_missing',
  'credential.secret_ignored',
  'credential.provider_failed',
  'credential.provider_misconfigured',
]);

function confidenceOf(plan: PullPlan, rehearsal: Rehearsal, bare: Bare): Confidence {
  const challenged = rehearsal.attempts.some(wasChallenged);
  const doubts = [
    ...plan.doubts,
    ...contentDoubts(plan, rehearsal, bare),
    ...hiddenFileDoubts(plan, rehearsal, bare),
  ].filter(({ about }) => about !== 'credentials' || challenged);
  const approximate = doubts.filter(({ is }) => is === 'approximate');
  const because = [...new Set(doubts.map((doubt) => doubt.because))];
  if (approximate.length > 0) return { is: 'approximate', because };
  return doubts.length > 0 ? { is: 'exact-if-restarted', because } : { is: 'exact', because: [] };
}

/** A file at one of these places would log in, where a login is missing. */
function hiddenFileDoubts({ hiddenFiles }: PullPlan, rehearsal: Rehearsal, bare: Bare): readonly Doubt[] {
  const isAnonymous = rehearsal.attempts.at(-1)?.as === 'anonymous';
  if (hiddenFiles.length === 0 || bare.is === 'pulls' || bare.stage !== 'auth' || !isAnonymous) return [];
  const because = `the kubelet would also read ${hiddenFiles.join(', ')}, which are not mounted`;
  return [{ is: 'approximate', about: 'credentials', because }];
}

function contentDoubts(plan: PullPlan, rehearsal: Rehearsal, bare: Bare): readonly Doubt[] {
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (bare.is !== 'pulls' || ending?.is !== 'pulled') return [];
  const content: Content = ending.content;
  if (content.depth !== 'resolved') return [];
  const because = `platform and layers of ${plan.image.runtime} were not looked at: asking would spend the registry's pull quota (--spend asks)`;
  return [{ is: 'approximate', about: 'content', because }];
}
