/**
 * The node's file system as it lies below one directory of this machine: the only file of the house that reads node:fs.
 * Every path is the node's own (`/etc/hosts`). Absolute symbolic links start again at the root and `..` stops there, as in
 * a chroot, so nothing outside is ever read. It must not know what any file means.
 */
import { constants } from 'node:fs';
import { lstat, open, opendir, readlink, realpath, stat, statfs } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';
import { codeOf } from '#data/error-code.ts';
import { howToShow } from './distributions/mounts.ts';
import { isWithin, readMountinfo } from './mounts.ts';

/** A directory that holds the whole file system of a node, or one in which only some of the node's directories are mounted. */
export type HostRoot = string | PartialRoot;

export interface PartialRoot {
  readonly path: string;
  /** The node's own paths: `/etc`. Outside of them, that nothing is there says nothing about the node. */
  readonly mounted: readonly string[];
}

export function directoryOf(root: HostRoot): string {
  return typeof root === 'string' ? root : root.path;
}

/** Whether what is missing at this path is missing on the node. */
export function isShown(root: HostRoot, path: string): boolean {
  return typeof root === 'string' || root.mounted.some((mount) => isWithin(path, mount));
}

/**
 * `absent`: there is nothing (Go: os.IsNotExist). `broken`: a program on the node would fail as well, as with a loop of
 * links or a directory in a file's place. `unseen`: only we could not read it (permission, size).
 */
export interface Unread {
  readonly is: 'absent' | 'broken' | 'unseen';
  readonly why: string;
  /** Of `unseen`: what shows it, as a sentence. */
  readonly how?: string;
}
export type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly unread: Unread };

export interface DirEntry {
  readonly name: string;
  /** What the entry itself is: a symbolic link to a directory is a `link`. */
  readonly kind: 'file' | 'dir' | 'link' | 'other';
}

export interface Found {
  /** What stands behind the links. */
  readonly kind: 'file' | 'dir' | 'other';
  readonly modifiedMs: number;
  readonly executable: boolean;
  /** The path with every link followed, as the node would write it. */
  readonly path: string;
}

export const maxFileBytes = 4 * 1024 * 1024;
export const maxDirEntries = 10_000;
/** Linux gives up after 40 links (MAXSYMLINKS). */
const maxLinks = 40;
const maxPathBytes = 4096;

/**
 * The root at a directory of this machine. It is partial where everything in it is a mount or holds one, as in a Pod; a copied
 * tree, or a disk that is mounted whole, with or without its /proc, is the whole node.
 */
export async function openRoot(path: string): Promise<Read<HostRoot>> {
  const at = resolve(path);
  if (at === '/') return { ok: true, value: '/' };
  try {
    const real = await realpath(at);
    if (!(await stat(real)).isDirectory()) return unread('broken', `${path} is not a directory`);
    const mounts = readMountinfo(await ownMountinfo()).map(({ point }) => point);
    const mounted = mounts
      .filter((point) => point !== real && isWithin(point, real))
      .map((point) => point.slice(real.length));
    if (mounts.includes(real) || mounted.length === 0) return { ok: true, value: real };
    for await (const { name } of await opendir(real)) {
      if (!mounted.some((mount) => isWithin(mount, `/${name}`))) return { ok: true, value: real };
    }
    return { ok: true, value: { path: real, mounted } };
  } catch (error) {
    return failed(error, 'open', path);
  }
}

async function ownMountinfo(): Promise<string> {
  const text = await readText('/', '/proc/self/mountinfo');
  return text.ok ? text.value : '';
}

/** Where a path of the node lies on this machine, every link followed. The last part need not exist. */
export async function locate(root: HostRoot, path: string): Promise<Read<string>> {
  const followed = await follow(root, path);
  return followed.ok ? { ok: true, value: join(directoryOf(root), followed.value) } : followed;
}

export async function readBytes(root: HostRoot, path: string, limitBytes = maxFileBytes): Promise<Read<Uint8Array>> {
  const followed = await follow(root, path);
  if (!followed.ok) return followed;
  const at = join(directoryOf(root), followed.value);
  try {
    // O_NONBLOCK: a FIFO in a file's place must not hold us up.
    const file = await open(at, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const about = await file.stat();
      if (about.isDirectory()) return unread('broken', `read ${path}: is a directory`);
      if (!about.isFile()) return unread('unseen', `${path} is not a regular file`);
      // The files of /proc say that they are empty, so the size is not asked.
      const pieces: Uint8Array[] = [];
      let bytes = 0;
      for (;;) {
        const piece = Buffer.allocUnsafe(Math.min(64 * 1024, limitBytes + 1 - bytes));
        const { bytesRead } = await file.read(piece, 0, piece.length, null);
        if (bytesRead === 0) return { ok: true, value: Buffer.concat(pieces) };
        bytes += bytesRead;
        if (bytes > limitBytes) return unread('unseen', `${path} is larger than ${limitBytes} bytes`);
        pieces.push(piece.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    return missing(root, followed.value, failed(error, 'open', path));
  }
}

/** UTF-8 text, its byte order mark kept. Bytes that are not UTF-8 become U+FFFD, as in Go's own string conversions. */
export async function readText(root: HostRoot, path: string, limitBytes = maxFileBytes): Promise<Read<string>> {
  const bytes = await readBytes(root, path, limitBytes);
  return bytes.ok ? { ok: true, value: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.value) } : bytes;
}

/** Sorted by name in byte order, as Go's os.ReadDir. */
export async function listDir(root: HostRoot, path: string): Promise<Read<readonly DirEntry[]>> {
  const followed = await follow(root, path);
  if (!followed.ok) return followed;
  if (!isShown(root, followed.value)) return notShown('open', path, followed.value);
  try {
    const listed: DirEntry[] = [];
    // Entry by entry, so that an endless directory is left as soon as it is too large.
    for await (const entry of await opendir(join(directoryOf(root), followed.value), { bufferSize: 512 })) {
      if (listed.length >= maxDirEntries) return unread('unseen', `${path} has more than ${maxDirEntries} entries`);
      const kind = entry.isDirectory() ? 'dir' : entry.isFile() ? 'file' : entry.isSymbolicLink() ? 'link' : 'other';
      listed.push({ name: entry.name, kind });
    }
    return { ok: true, value: listed.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))) };
  } catch (error) {
    return missing(root, followed.value, failed(error, 'open', path));
  }
}

/** What stands at a path, links followed (Go: os.Stat). */
export async function statPath(root: HostRoot, path: string): Promise<Read<Found>> {
  const followed = await follow(root, path);
  if (!followed.ok) return followed;
  try {
    const about = await stat(join(directoryOf(root), followed.value));
    const kind = about.isDirectory() ? 'dir' : about.isFile() ? 'file' : 'other';
    const executable = (about.mode & 0o111) !== 0;
    return { ok: true, value: { kind, modifiedMs: about.mtimeMs, executable, path: followed.value } };
  } catch (error) {
    return missing(root, followed.value, failed(error, 'stat', path));
  }
}

/** Blocks and inodes of the file system that holds a path. */
export interface FileSystemSpace {
  readonly blockBytes: number;
  readonly blocks: number;
  /** For root, and for everybody. */
  readonly blocksFree: number;
  readonly blocksAvailable: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** statfs of a path of this machine (see `locate`). */
export async function spaceAt(path: string): Promise<Read<FileSystemSpace>> {
  try {
    const about = await statfs(path);
    return {
      ok: true,
      value: {
        blockBytes: about.bsize,
        blocks: about.blocks,
        blocksFree: about.bfree,
        blocksAvailable: about.bavail,
        inodes: about.files,
        inodesFree: about.ffree,
      },
    };
  } catch (error) {
    return failed(error, 'statfs', path);
  }
}

/** The text of a link, unfollowed. */
export async function linkText(root: HostRoot, path: string): Promise<Read<string>> {
  const parent = await follow(root, posix.dirname(posix.join('/', path)));
  if (!parent.ok) return parent;
  try {
    return { ok: true, value: await readlink(join(directoryOf(root), parent.value, posix.basename(path))) };
  } catch (error) {
    return missing(root, posix.join(parent.value, posix.basename(path)), failed(error, 'readlink', path));
  }
}

/** Walks a path part by part, as a chrooted process would. Gives the node's path without any link in it. */
async function follow(root: HostRoot, path: string): Promise<Read<string>> {
  if (path.includes('\0')) return unread('broken', 'the path holds a NUL byte');
  if (path.length > maxPathBytes) return unread('broken', `${path.slice(0, 200)}…: file name too long`);
  const waiting = path.split('/').reverse();
  let at = '/';
  let links = 0;
  while (waiting.length > 0) {
    const part = waiting.pop() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      at = posix.dirname(at);
      continue;
    }
    const next = posix.join(at, part);
    if (next.length > maxPathBytes) return unread('broken', `${path.slice(0, 200)}…: file name too long`);
    const link = await linkAt(join(directoryOf(root), next));
    if (link.is === 'failed') return missing(root, next, failed(link.error, 'stat', path));
    if (link.is === 'not_a_link') {
      at = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) return unread('broken', `stat ${path}: too many levels of symbolic links`);
    waiting.push(...link.text.split('/').reverse());
    if (link.text.startsWith('/')) at = '/';
  }
  return { ok: true, value: at };
}

type LinkAt =
  | { readonly is: 'not_a_link' }
  | { readonly is: 'link'; readonly text: string }
  | { readonly is: 'failed'; readonly error: unknown };

async function linkAt(path: string): Promise<LinkAt> {
  try {
    const about = await lstat(path);
    return about.isSymbolicLink() ? { is: 'link', text: await readlink(path) } : { is: 'not_a_link' };
  } catch (error) {
    // A missing last part is for the caller to meet; a missing middle part fails at the next step all the same.
    return codeOf(error) === 'ENOENT' ? { is: 'not_a_link' } : { is: 'failed', error };
  }
}

type Failed = { readonly ok: false; readonly unread: Unread };

/** What is not there may be there on the node; what may not be read is there for root. */
function missing(root: HostRoot, at: string, error: Failed): Failed {
  if (typeof root === 'string') return error;
  if (error.unread.is === 'absent' && !isShown(root, at)) return { ok: false, unread: hidden(error.unread.why, at) };
  const isDenied = error.unread.is === 'unseen' && isShown(root, at);
  return isDenied ? { ok: false, unread: { ...error.unread, how: howToShow(at, 'denied') } } : error;
}

function notShown(verb: string, path: string, at: string): Failed {
  return { ok: false, unread: hidden(`${verb} ${path}`, at) };
}

function hidden(why: string, at: string): Unread {
  const [what = ''] = why.split(': no such');
  return { is: 'unseen', why: `${what}: this directory of the node is not mounted`, how: howToShow(at, 'not_mounted') };
}

function unread(is: Unread['is'], why: string): Failed {
  return { ok: false, unread: { is, why } };
}

function failed(error: unknown, verb: string, path: string): Failed {
  const code = codeOf(error) || 'unknown error';
  const [is, text] = reasons[code] ?? ['unseen', code];
  return unread(is, `${verb} ${path}: ${text}`);
}

/** Linux's own words, as Go prints them. */
const reasons: Readonly<Record<string, readonly [Unread['is'], string]>> = {
  ENOENT: ['absent', 'no such file or directory'],
  ENOTDIR: ['broken', 'not a directory'],
  EISDIR: ['broken', 'is a directory'],
  ELOOP: ['broken', 'too many levels of symbolic links'],
  ENAMETOOLONG: ['broken', 'file name too long'],
  EACCES: ['unseen', 'permission denied'],
  EPERM: ['unseen', 'operation not permitted'],
  EIO: ['broken', 'input/output error'],
};
