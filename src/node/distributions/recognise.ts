/** Which distribution a node is of, from its files and from what its Node object says. */
import type { Distribution, Edit, Edits, FoundDistribution } from '#node/distribution.ts';
import { statPath, readText, type HostRoot } from '../host-root.ts';
import { parseEnvFile } from '../environment-file.ts';
import { readUnit } from '../systemd.ts';
import { distributions } from './distributions.ts';
import type { KnownDistribution } from './known.ts';

/** Of node.status.nodeInfo. */
export interface NodeInfo {
  readonly kubeletVersion?: string;
  readonly osImage?: string;
}

/** Undefined where nothing of any distribution is to be found. */
export async function recognise(root: HostRoot, info: NodeInfo): Promise<FoundDistribution | undefined> {
  const osId = await readOsId(root);
  for (const known of distributions) {
    const because = await traceOf(root, known, { ...info, osId });
    if (because === undefined) continue;
    const { name, title, runtime, kubelet, components } = known;
    const unit = await readUnit(root, runtime.units);
    const edits = editsFor(known, unit?.unit);
    return { distribution: { name, title, runtime, kubelet, components, edits }, because };
  }
  return undefined;
}

/** The same edits for an agent, whose unit has another name than the server's. */
function editsFor({ runtime, edits }: Distribution, unit: string | undefined): Edits {
  const [first = ''] = runtime.units;
  if (unit === undefined || unit === first) return edits;
  const [from, to] = [first, unit].map((name) => name.replace('.service', '')) as [string, string];
  const renamed = (edit: Edit): Edit => ({
    ...edit,
    where: edit.where.replace(first, unit).replace(`/etc/default/${from}`, `/etc/default/${to}`),
    apply: edit.apply.map((command) =>
      command.endsWith(` ${from}`) ? `${command.slice(0, -from.length)}${to}` : command,
    ),
  });
  return {
    registries: renamed(edits.registries),
    trust: renamed(edits.trust),
    proxy: renamed(edits.proxy),
    kubelet: renamed(edits.kubelet),
  };
}

async function traceOf(
  root: HostRoot,
  { traces, kubelet }: KnownDistribution,
  { osId, kubeletVersion = '', osImage = '' }: NodeInfo & { readonly osId: string },
): Promise<string | undefined> {
  if (traces.kubeletVersion !== undefined && kubeletVersion.includes(traces.kubeletVersion))
    return `kubelet ${kubeletVersion}`;
  if (traces.osId?.includes(osId) === true) return `ID=${osId} in os-release`;
  if (traces.osImage !== undefined && osImage.includes(traces.osImage)) return `system ${osImage}`;
  for (const path of traces.files ?? []) if ((await statPath(root, path)).ok) return path;
  for (const unit of traces.units ?? []) {
    const found = await readUnit(root, [unit]);
    if (found !== undefined) return found.files[0] ?? unit;
  }
  if (traces.kubeletCommand === undefined) return undefined;
  const unit = await readUnit(root, kubelet.units);
  const { kubeletCommand } = traces;
  if (unit?.argv?.some((word) => word.includes(kubeletCommand)) !== true) return undefined;
  return `${unit.unit} starts ${unit.argv[0] ?? ''}`;
}

/** os-release(5): /etc before /usr/lib. */
async function readOsId(root: HostRoot): Promise<string> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    const text = await readText(root, path);
    if (text.ok) return new Map(parseEnvFile(text.value)).get('ID') ?? '';
  }
  return '';
}
