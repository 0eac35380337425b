/** What of a node's file system the manifests can show, and by which component: what is not shown is named with it. */

interface Shown {
  readonly path: string;
  readonly component: string;
}

/** The most specific path counts. `test/manifests.test.ts` holds these against manifests/. */
export const shownBy: readonly Shown[] = [
  { path: '/etc', component: 'base' },
  { path: '/usr', component: 'base' },
  { path: '/run/systemd/resolve', component: 'base' },
  { path: '/proc', component: 'host-proc' },
  { path: '/var/lib/kubelet', component: 'credential-plugins' },
  { path: '/var/lib/containerd', component: 'host-disk' },
  { path: '/var/lib/rancher', component: 'distribution-k3s' },
  { path: '/var/snap/microk8s', component: 'distribution-microk8s' },
  { path: '/var/lib/k0s/kubelet', component: 'distribution-k0s' },
  { path: '/var/lib/k0s/containerd', component: 'distribution-k0s' },
  { path: '/home/kubernetes', component: 'distribution-gke' },
  { path: '/opt', component: 'host-opt' },
];

export function howToShow(path: string, why: 'not_mounted' | 'denied'): string {
  const component = componentFor(path);
  if (why === 'denied') {
    const runsAsRoot = component === undefined || component === 'base' ? 'read-as-root' : component;
    return `Only root may read ${path}: add the component ${runsAsRoot}, with which the agent runs as root.`;
  }
  if (component === undefined) {
    return `Mount the directory ${directoryFor(path)} of the node, read-only, below the agent's host root (an overlay with a hostPath volume).`;
  }
  return component === 'base'
    ? `Mount ${directoryFor(path)} as the manifests' base does.`
    : `Add the component ${component}: it mounts what holds ${path}.`;
}

/** The component that shows a path; undefined where none does. */
export function componentFor(path: string): string | undefined {
  const holding = shownBy.filter((shown) => path === shown.path || path.startsWith(`${shown.path}/`));
  return holding.toSorted((a, b) => b.path.length - a.path.length)[0]?.component;
}

/** A directory, because a file that is replaced by renaming stays the old one in a mount of its own. */
function directoryFor(path: string): string {
  const end = path.lastIndexOf('/');
  return end <= 0 ? path : path.slice(0, end);
}
