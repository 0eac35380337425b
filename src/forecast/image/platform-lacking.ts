/** An image has no build for a platform that other nodes of the cluster have: a Pod that lands there fails. */
import type { ImageFacts } from '#forecast/facts.ts';
import { kindOfMediaType } from '#image/manifest.ts';
import { formatPlatform, matcherFor, parsePlatform, type Platform } from '#image/platform.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const platformLacking: ImageRule = {
  name: 'platform-lacking',
  meta: {
    title: 'An image has no build for other nodes of the cluster',
    why: 'A Pod that moves to a node of another architecture fails with `manifest.no_platform` when its image has no build for it. Pulls of this node are not affected.',
    needs:
      "The platforms of the cluster's nodes (`clusterPlatforms`, or the component `catalog-nodes`) and the image's index. Where reading the index costs quota the forecast is `unknown` until you run `drypull check --spend` once.",
    remedy:
      'Build and push the image for that platform too, or keep its Pods off those nodes with a nodeSelector on `kubernetes.io/arch`.',
  },
  evaluate,
  unseen,
};

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { demand, plan, rehearsal } = facts;
  const ending = rehearsal.attempts.at(-1)?.ending;
  const offered = ending?.is === 'pulled' ? ending.content.offered : undefined;
  // Without an index the runtime selects no platform: the pull succeeds on every node.
  if (offered === undefined || !demand.image.ok) return [];
  const builds = offered.flatMap(platformOf);
  const lacking = othersOf(facts).filter((platform) => {
    const { match } = matcherFor(platform, plan.engine.platforms);
    return !builds.some(match);
  });
  const { runtime } = demand.image.value;
  return lacking.map((platform) => ({
    about: runtime,
    fault: 'manifest.no_platform',
    likelihood: 'possible',
    // There is a build for this node.
    effect: 'none',
    assuming: `a Pod that uses it lands on a ${formatPlatform(platform)} node`,
    because: `${runtime} has builds for ${offered.join(', ')} and none for ${formatPlatform(platform)}, a platform of nodes in this cluster`,
    remedy: `Build and push it for ${formatPlatform(platform)} too, or keep its Pods off those nodes with a nodeSelector on kubernetes.io/arch.`,
  }));
}

/** When reading a manifest costs quota, the index is not read. */
function unseen(facts: ImageFacts): readonly Unseen[] {
  const { demand, rehearsal } = facts;
  const ending = rehearsal.attempts.at(-1)?.ending;
  if (!demand.image.ok || ending?.is !== 'pulled' || othersOf(facts).length === 0) return [];
  const { mediaType, depth } = ending.content;
  if (depth !== 'resolved' || kindOfMediaType(mediaType) !== 'index') return [];
  const { runtime } = demand.image.value;
  return [
    {
      about: runtime,
      fault: 'manifest.no_platform',
      because: `the index of ${runtime} was not read, because that would spend the registry's pull quota`,
      remedy: `Check it once: \`drypull check --spend ${runtime}\`.`,
    },
  ];
}

/** Platforms of the nodes that its Pods may land on. */
function othersOf({ view, plan, demand: { architectures } }: ImageFacts): readonly Platform[] {
  const own = formatPlatform(plan.platform);
  return (view.clusterPlatforms ?? [])
    .flatMap(platformOf)
    .filter((platform) => formatPlatform(platform) !== own)
    .filter(({ architecture }) => architectures === undefined || architectures.includes(architecture));
}

function platformOf(text: string): readonly Platform[] {
  const read = parsePlatform(text);
  return read.ok ? [read.platform] : [];
}
