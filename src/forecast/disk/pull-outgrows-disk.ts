/** An image whose missing layers do not fit on the disk: the pull ends with "no space left on device". */
import { bytesText } from '#kubelet/disk.ts';
import type { ImageFacts } from '#forecast/facts.ts';
import { contentOf, loadsOf, needOf, needText, placesOf, type Load, type Need } from './need.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const pullOutgrowsDisk: ImageRule = { name: 'pull-outgrows-disk', evaluate, unseen };

interface Pressed {
  readonly need: Need;
  readonly load: Load;
  readonly of: 'bytes' | 'inodes';
}

/** containerd runs as root, so what is kept for root counts as free. */
function pressed({ view, demand, rehearsal }: ImageFacts): readonly Pressed[] {
  const content = contentOf(rehearsal);
  const { config } = view.runtime;
  const places = placesOf(view);
  if (content === undefined || places === undefined || !config.ok) return [];
  const need = needOf(content, config.value);
  // A tag that moved is on the node and missing at once: only what was looked up can tell.
  if (need === undefined || (demand.present === 'yes' && !need.isExact)) return [];
  return loadsOf(places, need.contentBytes).flatMap((load): readonly Pressed[] => {
    if (load.likelyBytes > load.disk.rootFreeBytes) return [{ need, load, of: 'bytes' }];
    return load.disk.inodes > 0 && load.likelyInodes > load.disk.inodesFree ? [{ need, load, of: 'inodes' }] : [];
  });
}

function evaluate(facts: ImageFacts): readonly Prediction[] {
  return pressed(facts)
    .filter(({ need }) => need.isExact)
    .map(({ need, load, of }): Prediction => {
      const { disk, leastBytes, likelyInodes } = load;
      const wants =
        of === 'bytes'
          ? `${needText(need.contentBytes)}; ${bytesText(disk.rootFreeBytes)} are free`
          : `about ${likelyInodes} inodes (by what this file system's own files take); ${disk.inodesFree} are free`;
      return {
        about: disk.path,
        fault: of === 'bytes' ? 'disk.full' : 'disk.inodes',
        likelihood: of === 'bytes' && leastBytes > disk.rootFreeBytes ? 'likely' : 'possible',
        effect: 'fails',
        withinS: 0,
        assuming: 'the pull begins now, and image garbage collection frees nothing before it ends',
        because: `on the file system of ${disk.path} this pull wants ${wants}`,
        remedy: 'Free room on the node (`crictl rmi --prune`), give it a larger disk, or make the image smaller.',
      };
    });
}

/** With all layers it would not fit, and nobody saw which of them are on the node. */
function unseen(facts: ImageFacts): readonly Unseen[] {
  return pressed(facts)
    .filter(({ need }) => !need.isExact)
    .map(({ need, load, of }) => ({
      about: load.disk.path,
      fault: of === 'bytes' ? 'disk.full' : 'disk.inodes',
      because: `all layers together want ${needText(need.contentBytes)}, more than the file system of ${load.disk.path} has free, and which of them the node has already was not seen`,
      remedy: "Let drypull see containerd's content store (the component host-disk, as root).",
    }));
}
