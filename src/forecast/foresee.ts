/** Door: runs every rule. A rule that throws becomes one forecast of ours, and the rest go on. */
import type { ImageFacts, NodeFacts } from '#pull/facts.ts';
import { byUrgency, type Forecast } from '#pull/forecast.ts';
import { addressDown } from './address-down.ts';
import { certificateByLuck } from './certificate-by-luck.ts';
import { blobHostFlaky, blobHostNew } from './blob-hosts.ts';
import { certificateExpires } from './certificate-expires.ts';
import { certificateFileExpires } from './certificate-file-expires.ts';
import { clockSkews } from './clock-skews.ts';
import { diskFills } from './disk-fills.ts';
import { diskPressure } from './disk-pressure.ts';
import { pullOutlastsDeadline } from './pull-outlasts-deadline.ts';
import { pullStalls } from './pull-stalls.ts';
import { pullsQueue } from './pulls-queue.ts';
import { pullOutgrowsDisk } from './pull-outgrows-disk.ts';
import { pullTripsEviction } from './pull-trips-eviction.ts';
import { pullsOutgrowDisk } from './pulls-outgrow-disk.ts';
import { hostComesAndGoes } from './host-comes-and-goes.ts';
import { hostsFileOutdated } from './hosts-file-outdated.ts';
import { nameServerDown } from './name-server-down.ts';
import { nameServersDisagree } from './name-servers-disagree.ts';
import { namesSearched } from './names-searched.ts';
import { rateLimitNears } from './rate-limit-nears.ts';
import { restartPending } from './restart-pending.ts';
import { credentialExpires } from './credential-expires.ts';
import { credentialPrecedes } from './credential-precedes.ts';
import { loginNearsLock } from './login-nears-lock.ts';
import { providerFails } from './provider-fails.ts';
import { quotaRunsOut } from './quota-runs-out.ts';
import { quotaShort } from './quota-short.ts';
import { quotaUnseen } from './quota-unseen.ts';
import { registryLimited } from './registry-limited.ts';
import { rootLeaves } from './root-leaves.ts';
import { routeDown } from './route-down.ts';
import { routeSlow } from './route-slow.ts';
import type { ImageRule, NodeRule, Rule } from './rule.ts';
import { secretMatchesNothing } from './secret-matches-nothing.ts';
import { platformLacking } from './platform-lacking.ts';
import { registryAnnounces } from './registry-announces.ts';
import { registryDeprecated } from './registry-deprecated.ts';
import { tagFlickers } from './tag-flickers.ts';
import { tagMoved } from './tag-moved.ts';
import { tagVanished } from './tag-vanished.ts';

/** About one image. */
export const imageRules: readonly ImageRule[] = [
  certificateExpires,
  certificateFileExpires,
  certificateByLuck,
  rootLeaves,
  rateLimitNears,
  routeDown,
  routeSlow,
  restartPending,
  hostComesAndGoes,
  addressDown,
  nameServerDown,
  nameServersDisagree,
  namesSearched,
  hostsFileOutdated,
  clockSkews,
  pullOutgrowsDisk,
  pullTripsEviction,
  pullOutlastsDeadline,
  pullStalls,
  credentialExpires,
  credentialPrecedes,
  providerFails,
  loginNearsLock,
  quotaRunsOut,
  registryLimited,
  tagVanished,
  tagFlickers,
  tagMoved,
  platformLacking,
  registryDeprecated,
  registryAnnounces,
  blobHostNew,
  blobHostFlaky,
];

/** About the node, whatever the image. */
export const nodeRules: readonly NodeRule[] = [
  secretMatchesNothing,
  quotaShort,
  quotaUnseen,
  diskFills,
  diskPressure,
  pullsOutgrowDisk,
  pullsQueue,
];

/** Most urgent first. */
export function foreseeImage(facts: ImageFacts): readonly Forecast[] {
  return apply(imageRules, facts);
}

/** Most urgent first. */
export function foreseeNode(facts: NodeFacts): readonly Forecast[] {
  return apply(nodeRules, facts);
}

function apply<Facts>(rules: readonly Rule<Facts>[], facts: Facts): readonly Forecast[] {
  return rules.flatMap((rule) => applyOne(rule, facts)).toSorted(byUrgency);
}

function applyOne<Facts>(rule: Rule<Facts>, facts: Facts): readonly Forecast[] {
  try {
    const unseen = (rule.unseen?.(facts) ?? []).map((one): Forecast => ({
      rule: rule.name,
      likelihood: 'unknown',
      effect: 'fails',
      ...one,
    }));
    return [...rule.foresee(facts).map((one): Forecast => ({ rule: rule.name, ...one })), ...unseen];
  } catch (error) {
    const what = error instanceof Error ? error.name : 'unknown';
    return [
      {
        rule: rule.name,
        about: 'drypull',
        fault: 'agent.bug',
        likelihood: 'unknown',
        effect: 'fails',
        because: `the rule itself failed (${what})`,
        remedy: 'Report this to the drypull project.',
      },
    ];
  }
}
