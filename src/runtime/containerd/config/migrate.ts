/** How containerd 2.x carries old configuration over, in memory: plugin names of version 1, and the CRI plugin's image half. */
import { asTable, type TomlTable } from './toml.ts';

export const oldCri = 'io.containerd.grpc.v1.cri';
export const images = 'io.containerd.cri.v1.images';

/** v1MigratePluginName, as far as it decides about the CRI plugin: names with a dot stay. */
export function migratePluginNames(name: string): string {
  return name.includes('.') ? name : `io.containerd.grpc.v1.${name}`;
}

/**
 * configMigration and migrateConfig (plugins/cri/images/plugin.go). A key of the old section replaces the new section's. The
 * snapshotter and its two neighbours are carried over only where `containerd.runtimes` is written.
 */
export function migratePlugins(plugins: TomlTable): TomlTable {
  const source = asTable(plugins[oldCri]);
  if (source === undefined) return plugins;
  const target = new Map(Object.entries(asTable(plugins[images]) ?? {}));
  if (Object.hasOwn(source, 'sandbox_image')) {
    target.set('pinned_images', { ...asTable(target.get('pinned_images')), sandbox: source['sandbox_image'] });
  }
  copy(source, target, [
    'registry',
    'max_concurrent_downloads',
    'image_pull_progress_timeout',
    'image_pull_with_sync_fs',
  ]);
  const containerd = asTable(source['containerd']);
  if (containerd !== undefined && Object.hasOwn(containerd, 'runtimes')) {
    copy(containerd, target, ['snapshotter', 'disable_snapshot_annotations', 'discard_unpacked_layers']);
  }
  return { ...plugins, [images]: Object.fromEntries(target) };
}

function copy(from: TomlTable, to: Map<string, unknown>, names: readonly string[]): void {
  for (const name of names) if (Object.hasOwn(from, name)) to.set(name, from[name]);
}
