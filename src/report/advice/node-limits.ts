/** Words for what the node runs out of: room on its disks, the kubelet's turns, and time. */
import { bytesText } from '#kubelet/disk.ts';
import { listed, plain, seconds } from './phrases.ts';
import type { FaultMessages } from './phrases.ts';

type Codes =
  | 'blob.stalled'
  | 'blob.slow'
  | 'disk.full'
  | 'disk.inodes'
  | 'disk.pressure'
  | 'kubelet.qps_exceeded'
  | 'kubelet.pulls_queued';

const free =
  'Free room: `crictl rmi --prune` deletes every image that no container uses, and `journalctl --vacuum-size=500M` old logs';

export const nodeLimitMessages: FaultMessages<Codes> = {
  'blob.stalled': {
    meaning: 'A host is silent for longer than the runtime waits between two bytes of a pull.',
    next: 'raise the progress timeout',
    shows: 'rpc error: code = Canceled desc = failed to pull and unpack image "X": context canceled',
    cause: ({ host, silentMs, timeoutMs }) =>
      `${plain(host)} sends nothing for ${seconds(silentMs)}, and containerd gives a pull up after ${seconds(timeoutMs)} without a byte.`,
    remedy: ({ host }) =>
      `Raise image_pull_progress_timeout in containerd's config.toml and restart containerd, or find out why ${plain(host)} is so slow to begin.`,
  },
  'blob.slow': {
    meaning: 'The layers come so slowly that the Pod is late: a rollout, a Job or the Pod itself has a deadline.',
    next: 'use a nearer mirror',
    shows: 'nothing of its own: the Pod stays in ContainerCreating, and its Deployment says ProgressDeadlineExceeded',
    cause: ({ host, bytes, bytesPerS }) =>
      `${plain(host)} sends about ${bytesText(bytesPerS)} a second, and ${bytesText(bytes)} are missing on this node.`,
    remedy: ({ host }) =>
      `Pull through a mirror near the node, make the image smaller, or pull it before it is needed; look at what limits the way to ${plain(host)}.`,
  },
  'disk.full': {
    meaning: 'The file system that the runtime keeps images on has no room for this pull.',
    next: 'free room on the node',
    shows:
      '…: failed to extract layer sha256:…: …: no space left on device: unknown (or: failed to copy: write /var/lib/containerd/…: no space left on device)',
    cause: ({ path, wantsBytes, freeBytes }) =>
      `The pull wants ${bytesText(wantsBytes)}, and the file system of ${plain(path)} has ${bytesText(freeBytes)} free.`,
    remedy: () => `${free}. Or give the node a larger disk.`,
  },
  'disk.inodes': {
    meaning: 'The file system that the runtime keeps images on has no inodes left for this pull.',
    next: 'free inodes on the node',
    shows: '…: failed to extract layer sha256:…: …: no space left on device: unknown',
    cause: ({ path, wantsInodes, freeInodes }) =>
      `The pull wants about ${wantsInodes} inodes, and the file system of ${plain(path)} has ${freeInodes} free: bytes may be left, and "no space left on device" is said all the same.`,
    remedy: () => `${free}. \`df -i\` shows inodes; ext4 gets more only when it is made anew (mkfs.ext4 -i).`,
  },
  'disk.pressure': {
    meaning: 'The node has DiskPressure: the kubelet starts no new Pods on it, though pulls would work.',
    next: 'free room on the node',
    shows: 'The node had condition: [DiskPressure]. ',
    cause: ({ signal, path }) =>
      signal === ''
        ? `The Node says DiskPressure, so the kubelet refuses new Pods (taint node.kubernetes.io/disk-pressure).`
        : `${plain(path)} is below the kubelet's eviction threshold ${plain(signal)}, so the kubelet refuses new Pods (taint node.kubernetes.io/disk-pressure).`,
    remedy: () =>
      `${free}. The condition stays for evictionPressureTransitionPeriod (5 minutes where nobody says otherwise) after there is room.`,
  },
  'kubelet.qps_exceeded': {
    meaning:
      'More pulls begin at once than the kubelet lets through. The rest fail and are tried again after a back-off.',
    next: 'raise registryBurst',
    shows: 'pull QPS exceeded',
    cause: ({ pulls, qps, burst }) =>
      `${pulls} pulls may begin at once, and the kubelet lets ${burst} through and ${qps} a second after that.`,
    remedy: () =>
      "Raise registryPullQPS and registryBurst in the kubelet's configuration, or set maxParallelImagePulls; the registry is not the trouble.",
  },
  'kubelet.pulls_queued': {
    meaning: 'Pulls wait for one another: the kubelet makes one at a time, or a few.',
    next: 'allow parallel pulls',
    shows:
      'nothing of its own: the Pod stays in ContainerCreating, and "Successfully pulled image" says how long it waited',
    cause: ({ pulls, atOnce }) => `${pulls} pulls wait for their turns, ${atOnce} at a time.`,
    remedy: () =>
      `Set ${listed(['serializeImagePulls: false', 'maxParallelImagePulls: 5'])} in the kubelet's configuration and restart it.`,
  },
};
