/** Runs every forecast rule. A rule that throws becomes one `agent.bug` forecast, and the other rules still run. */
import type { ImageFacts, NodeFacts } from './facts.ts';
import { byUrgency, type Forecast } from './forecast.ts';
import { addressDown } from '#forecast/host/address-down.ts';
import { certificateByLuck } from '#forecast/certificate/certificate-by-luck.ts';
import { blobHostFlaky, blobHostNew } from '#forecast/host/blob-hosts.ts';
import { certificateExpires } from '#forecast/certificate/certificate-expires.ts';
import { certificateFileExpires } from '#forecast/certificate/certificate-file-expires.ts';
import { clockSkews } from '#forecast/node/clock-skews.ts';
import { diskFills } from '#forecast/disk/disk-fills.ts';
import { diskPressure } from '#forecast/disk/disk-pressure.ts';
import { pullOutlastsDeadline } from '#forecast/host/pull-outlasts-deadline.ts';
import { pullStalls } from '#forecast/host/pull-stalls.ts';
import { pullsQueue } from '#forecast/node/pulls-queue.ts';
import { pullOutgrowsDisk } from '#forecast/disk/pull-outgrows-disk.ts';
import { pullTripsEviction } from '#forecast/disk/pull-trips-eviction.ts';
import { pullsOutgrowDisk } from '#forecast/disk/pulls-outgrow-disk.ts';
import { hostComesAndGoes } from '#forecast/host/host-comes-and-goes.ts';
import { hostsFileOutdated } from '#forecast/host/hosts-file-outdated.ts';
import { nameServerDown } from '#forecast/host/name-server-down.ts';
import { nameServersDisagree } from '#forecast/host/name-servers-disagree.ts';
import { namesSearched } from '#forecast/host/names-searched.ts';
import { rateLimitNears } from '#forecast/quota/rate-limit-nears.ts';
import { restartPending } from '#forecast/node/restart-pending.ts';
import { credentialExpires } from '#forecast/credential/credential-expires.ts';
import { credentialPrecedes } from '#forecast/credential/credential-precedes.ts';
import { loginNearsLock } from '#forecast/credential/login-nears-lock.ts';
import { providerFails } from '#forecast/credential/provider-fails.ts';
import { quotaRunsOut } from '#forecast/quota/quota-runs-out.ts';
import { quotaShort } from '#forecast/quota/quota-short.ts';
import { quotaUnseen } from '#forecast/quota/quota-unseen.ts';
import { registryLimited } from '#forecast/quota/registry-limited.ts';
import { leavingRoots } from '#forecast/certificate/distrusted-roots.ts';
import { rootLeavesBy } from '#forecast/certificate/root-leaves.ts';
import { routeDown } from '#forecast/host/route-down.ts';
import { routeSlow } from '#forecast/host/route-slow.ts';
import type { ImageRule, NodeRule, Rule } from './rule.ts';
import { secretMatchesNothing } from '#forecast/credential/secret-matches-nothing.ts';
import { platformLacking } from '#forecast/image/platform-lacking.ts';
import { registryAnnounces } from '#forecast/registry/registry-announces.ts';
import { registryDeprecated } from '#forecast/registry/registry-deprecated.ts';
import { tagFlickers } from '#forecast/image/tag-flickers.ts';
import { tagMoved } from '#forecast/image/tag-moved.ts';
import { tagVanished } from '#forecast/image/tag-vanished.ts';

/** Rules about one image. */
export const imageRules: readonly ImageRule[] = [
  certificateExpires,
  certificateFileExpires,
  certificateByLuck,
  rootLeavesBy(leavingRoots),
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

/** Rules about the node, independent of any image. */
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
export function forecastImage(facts: ImageFacts): readonly Forecast[] {
  return apply(imageRules, facts);
}

/** Most urgent first. */
export function forecastNode(facts: NodeFacts): readonly Forecast[] {
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
    return [...rule.evaluate(facts).map((one): Forecast => ({ rule: rule.name, ...one })), ...unseen];
  } catch (error) {
    const what = error instanceof Error ? error.name : 'unknown';
    return [
      {
        rule: rule.name,
        about: 'drypull',
        fault: 'agent.bug',
        likelihood: 'unknown',
        effect: 'fails',
        because: `the forecast rule itself failed (${what})`,
        remedy: 'Report this to the drypull project.',
      },
    ];
  }
}
