/** An image without a build for a platform that other nodes of the cluster have: it fails where a Pod lands next. */
import type { ImageFacts } from '#forecast/facts.ts';
import { kindOfMediaType } from '#image/manifest.ts';
import { formatPlatform, matcherFor, parsePlatform, type Platform } from '#image/platform.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const platformLacking: ImageRule = { name: 'platform-lacking', evaluate, unseen };

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { demand, plan, rehearsal } = facts;
  const ending = rehearsal.attempts.at(-1)?.ending;
  const offered = ending?.is === 'pulled' ? ending.content.offered : undefined;
  // Without an index the runtime asks for no platform: the pull goes through on every node.
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
    // This node has its build.
    effect: 'none',
    assuming: `a Pod of it lands on a node of ${formatPlatform(platform)}`,
    because: `${runtime} has builds for ${offered.join(', ')} and none for ${formatPlatform(platform)}, which nodes of this cluster are`,
    remedy: `Build and push it for ${formatPlatform(platform)} too, or keep its Pods away by a nodeSelector on kubernetes.io/arch.`,
  }));
}

/** Where manifests cost quota, the index is not read. */
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
      remedy: `Look at it once: \`drypull check --spend ${runtime}\`.`,
    },
  ];
}

/** Of the nodes that a Pod of it may land on. */
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
