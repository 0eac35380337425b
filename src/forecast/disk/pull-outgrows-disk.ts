/** The missing layers of an image do not fit on the disk: the pull fails with "no space left on device". */
import { bytesText } from '#kubelet/disk.ts';
import type { ImageFacts } from '#forecast/facts.ts';
import { contentOf, loadsOf, needOf, needText, placesOf, type Load, type Need } from './need.ts';
import type { Prediction, ImageRule, Unseen } from '#forecast/rule.ts';

export const pullOutgrowsDisk: ImageRule = {
  name: 'pull-outgrows-disk',
  meta: {
    title: 'An image does not fit on the disk',
    why: 'When the missing layers, unpacked, need more space or inodes than the file system has free, the pull fails with "no space left on device". Manifests give compressed sizes only, so the unpacked size is an estimate (×2.5).',
    needs:
      "Free space of the node's file systems (component `host-disk`). Which layers the node already has is seen only as root; otherwise the forecast is `unknown`.",
    remedy: 'Free space, use a larger disk, or make the image smaller.',
  },
  evaluate,
  unseen,
};

interface Pressed {
  readonly need: Need;
  readonly load: Load;
  readonly of: 'bytes' | 'inodes';
}

/** containerd runs as root, so space reserved for root counts as free. */
function pressed({ view, demand, rehearsal }: ImageFacts): readonly Pressed[] {
  const content = contentOf(rehearsal);
  const { config } = view.runtime;
  const places = placesOf(view);
  if (content === undefined || places === undefined || !config.ok) return [];
  const need = needOf(content, config.value);
  // A tag that moved is both on the node and missing: only an exact count of missing layers can decide.
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
      const needs =
        of === 'bytes'
          ? `${needText(need.contentBytes)}; ${bytesText(disk.rootFreeBytes)} are free`
          : `about ${likelyInodes} inodes (estimated from this file system's own files); ${disk.inodesFree} are free`;
      return {
        about: disk.path,
        fault: of === 'bytes' ? 'disk.full' : 'disk.inodes',
        likelihood: of === 'bytes' && leastBytes > disk.rootFreeBytes ? 'likely' : 'possible',
        effect: 'fails',
        withinS: 0,
        assuming: 'the pull begins now, and image garbage collection frees nothing before it ends',
        because: `on the file system of ${disk.path} this pull needs ${needs}`,
        remedy: 'Free space on the node (`crictl rmi --prune`), give it a larger disk, or make the image smaller.',
      };
    });
}

/** All layers together would not fit, and which of them are on the node was not seen. */
function unseen(facts: ImageFacts): readonly Unseen[] {
  return pressed(facts)
    .filter(({ need }) => !need.isExact)
    .map(({ need, load, of }) => ({
      about: load.disk.path,
      fault: of === 'bytes' ? 'disk.full' : 'disk.inodes',
      because: `all layers together need ${needText(need.contentBytes)}, more than the file system of ${load.disk.path} has free, and which of them the node already has was not seen`,
      remedy: "Give drypull access to containerd's content store (the component host-disk, as root).",
    }));
}
