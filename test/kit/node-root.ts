/** A node's file system for tests: an object literal `{path: text}` becomes a temporary directory tree. */
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type NodeEntry =
  | string
  | Uint8Array
  /** A symbolic link with exactly this text. */
  | { readonly link: string }
  /** A directory, empty where nothing is put into it; its time holds where it comes after what lies in it. */
  | { readonly dir: true; readonly modified?: Date }
  /** A file with a mode or a time of its own. */
  | { readonly text: string; readonly mode?: number; readonly modified?: Date };

export type NodeTree = Readonly<Record<string, NodeEntry>>;

export interface NodeRoot {
  readonly path: string;
  readonly add: (tree: NodeTree) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Use with `await using`: the tree is gone when the test ends. */
export async function nodeRoot(tree: NodeTree = {}): Promise<NodeRoot> {
  const path = await mkdtemp(join(tmpdir(), 'node-root-'));
  const add = async (more: NodeTree): Promise<void> => {
    for (const [name, entry] of Object.entries(more)) await place(join(path, name), entry);
  };
  await add(tree);
  return {
    path,
    add,
    remove: (name) => rm(join(path, name), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

async function place(path: string, entry: NodeEntry): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (typeof entry === 'string' || entry instanceof Uint8Array) {
    await writeFile(path, entry);
  } else if ('link' in entry) {
    await symlink(entry.link, path);
  } else if ('dir' in entry) {
    await mkdir(path, { recursive: true });
    if (entry.modified !== undefined) await utimes(path, entry.modified, entry.modified);
  } else {
    await writeFile(path, entry.text);
    if (entry.mode !== undefined) await chmod(path, entry.mode);
    if (entry.modified !== undefined) await utimes(path, entry.modified, entry.modified);
  }
}
