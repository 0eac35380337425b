/** Images that each fit on the disk, and together do not. */
import { bytesText } from '#kubelet/disk.ts';
import type { NodeFacts } from '#forecast/facts.ts';
import { contentOf, loadsOf, needOf, needText, placesOf } from './need.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const pullsOutgrowDisk: NodeRule = { name: 'pulls-outgrow-disk', evaluate };

function evaluate({ view, entries }: NodeFacts): readonly Prediction[] {
  const places = placesOf(view);
  const { config } = view.runtime;
  if (places === undefined || !config.ok) return [];
  const runtime = config.value;
  const wanted = new Map<string, number>();
  for (const { report } of entries) {
    const content = contentOf(report);
    const need = content === undefined ? undefined : needOf(content, runtime);
    if (content !== undefined && need?.isExact === true) wanted.set(content.digest, need.contentBytes);
  }
  if (wanted.size < 2) return [];
  const bytes = [...wanted.values()].reduce((sum, one) => sum + one, 0);
  return loadsOf(places, bytes).flatMap((load): readonly Prediction[] => {
    const { disk, leastBytes, likelyBytes, likelyInodes } = load;
    const isFull = likelyBytes > disk.rootFreeBytes;
    if (!isFull && !(disk.inodes > 0 && likelyInodes > disk.inodesFree)) return [];
    const have = isFull ? `${bytesText(disk.rootFreeBytes)} are` : `${disk.inodesFree} inodes are`;
    return [
      {
        about: disk.path,
        fault: isFull ? 'disk.full' : 'disk.inodes',
        likelihood: isFull && leastBytes > disk.rootFreeBytes ? 'likely' : 'possible',
        effect: 'fails',
        withinS: 0,
        assuming: 'all of them are pulled now, and no two share a layer',
        because: `${wanted.size} images that this node is asked for and does not have want ${needText(bytes)} together; ${have} free on the file system of ${disk.path}`,
        remedy:
          'Free room on the node (`crictl rmi --prune`), give it a larger disk, or spread the Pods over more nodes.',
      },
    ];
  });
}
