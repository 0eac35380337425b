/**
 * containerd's configuration as the running containerd has read it, and as the next one would: it reads config.toml at its start, and certs.d
 * at every pull.
 */
import type { Seen } from '#report/outcome.ts';
import type { RuntimeConfig } from '#node/view.ts';
import { changeText, doubtsOf, unchanged, type AsStarted, type Started } from '#node/as-started.ts';
import { Held, type AtStart } from '#node/at-start.ts';
import { newerFile } from '#node/proxy.ts';
import { filesOf, interpretFiles, loadContainerd, type ContainerdFiles, type ReadContainerd } from './read.ts';

/** What containerd's files were at its start, for each memory of the node. */
const atItsStart = new WeakMap<AtStart, Held<ContainerdFiles>>();

export async function readAsStarted(
  options: ReadContainerd,
  { running, atStart }: Started,
): Promise<AsStarted<Seen<RuntimeConfig>>> {
  const files = await loadContainerd(options);
  const { load } = files;
  const newer = await newerFile(options.root, filesOf(files), running?.startedMs);
  // A running containerd has read neither an invalid file nor an absent one that it requires.
  const isOld = newer === undefined && (load.is === 'loaded' || load.is === 'none');
  const was = heldOf(atStart).compare(running, { of: options.version.text, value: files, isOld });
  if (was.is !== 'other') {
    const now = await interpretFiles(options, files);
    return { now, pending: [], doubts: doubtsOf(was, { newer, of: 'containerd', about: 'runtime' }) };
  }
  const now = await interpretFiles(options, was.value);
  if (load.is === 'unseen') return unchanged(now);
  const next = await interpretFiles({ ...options, warn: () => undefined }, files);
  const because = changeText({ newer, of: 'containerd', file: files.path });
  return { now, next, pending: [{ of: 'containerd', about: 'runtime', because }], doubts: [] };
}

function heldOf(atStart: AtStart): Held<ContainerdFiles> {
  const held = atItsStart.get(atStart) ?? new Held<ContainerdFiles>();
  atItsStart.set(atStart, held);
  return held;
}
