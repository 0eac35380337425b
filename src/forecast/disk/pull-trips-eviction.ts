/**
 * An image that fits on the disk, and leaves less free than the kubelet's eviction threshold: the pull works, and the node has
 * DiskPressure afterwards. Where image garbage collection may come to help, that is a delay; where it is off or was seen to
 * free nothing, the Pod is at risk.
 */
import { amountText, freeOf } from '#kubelet/disk.ts';
import { garbageCollectionOf, isMet, thresholdsOf, type Threshold } from '#kubelet/eviction.ts';
import type { ImageFacts } from '#forecast/facts.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import { isFutile } from './image-gc.ts';
import { contentOf, loadsOf, needOf, needText, placesOf, type Load } from './need.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const pullTripsEviction: ImageRule = { name: 'pull-trips-eviction', evaluate, unseen };

/** Without the thresholds this share of the disk is worth a word: the kubelet's own default for image file systems. */
const usualShare = 0.15;

function loads({ view, rehearsal }: ImageFacts): readonly (Load & { readonly bytes: number })[] {
  const content = contentOf(rehearsal);
  const { config } = view.runtime;
  const places = placesOf(view);
  if (content === undefined || places === undefined || !config.ok) return [];
  const need = needOf(content, config.value);
  if (need?.isExact !== true) return [];
  return loadsOf(places, need.contentBytes).map((load) => ({ ...load, bytes: need.contentBytes }));
}

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { config } = facts.view.kubelet;
  if (config?.ok !== true) return [];
  return loads(facts).flatMap((load): readonly Prediction[] => {
    // What does not fit at all is the other forecast; what is met already is the node's.
    if (load.likelyBytes > load.disk.rootFreeBytes) return [];
    const thresholds = thresholdsOf(load.disk, config.value).filter((one) => !isMet(one, load.disk));
    const tripped = thresholds.find((one) => one.floor > leftBy(load, one));
    return tripped === undefined ? [] : [predicted(facts, { load, tripped, config: config.value })];
  });
}

function leftBy({ disk, likelyBytes, likelyInodes }: Load, { measure }: Threshold): number {
  return freeOf(disk, measure) - (measure === 'bytes' ? likelyBytes : likelyInodes);
}

function predicted(
  { now, history }: ImageFacts,
  at: { readonly load: Load & { readonly bytes: number }; readonly tripped: Threshold; readonly config: KubeletConfig },
): Prediction {
  const { load, tripped, config } = at;
  const { disk, leastBytes } = load;
  const collection = garbageCollectionOf(disk, config);
  const helps = collection !== undefined && !isFutile(history.disks[disk.path], collection, now);
  const isCertain = tripped.measure === 'bytes' && tripped.floor > disk.freeBytes - leastBytes;
  const { signal, written, floor, measure, kind } = tripped;
  return {
    about: disk.path,
    fault: 'disk.pressure',
    likelihood: isCertain ? 'likely' : 'possible',
    effect: helps ? 'delays' : 'fails',
    withinS: 0,
    assuming: 'the pull begins now, and image garbage collection frees nothing before it ends',
    because: `this pull wants ${needText(load.bytes)} and leaves the file system of ${disk.path} below the ${kind} eviction threshold ${signal}<${written} (${amountText(floor, measure)}; ${amountText(freeOf(disk, measure), measure)} are free now): it would work, and the kubelet would refuse new Pods for ${config.evictionPressureTransitionS} s at least`,
    remedy: 'Free room on the node (`crictl rmi --prune`) before this image is pulled, or give it a larger disk.',
  };
}

/** The kubelet's thresholds were not seen, and with its usual ones this pull would matter. */
function unseen(facts: ImageFacts): readonly Unseen[] {
  if (facts.view.kubelet.config?.ok === true) return [];
  return loads(facts)
    .filter(({ disk, likelyBytes }) => disk.freeBytes - likelyBytes < disk.capacityBytes * usualShare)
    .map(({ disk, bytes }) => ({
      about: disk.path,
      fault: 'disk.pressure',
      because: `this pull wants ${needText(bytes)} on the file system of ${disk.path}, and the kubelet's eviction thresholds were not seen`,
      remedy: "Let drypull see the kubelet's configuration (the component host-disk).",
    }));
}
