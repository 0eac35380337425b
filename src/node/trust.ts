/**
 * The system's trust as Go loads it (crypto/x509 root_unix.go loadSystemRoots, root_linux.go): the first readable bundle of a
 * list, and every file of two directories. SSL_CERT_FILE and SSL_CERT_DIR of the runtime's own environment replace both.
 */
import { posix } from 'node:path';
import type { SystemRoots } from './view.ts';
import type { PemFile } from '#report/certificate.ts';
import { linkText, listDir, readText, type HostRoot, type Unread } from './host-root.ts';
import { pemBlocks } from './pem.ts';

export const bundleFiles: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
export const bundleDirs: readonly string[] = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

export interface FoundRoots {
  readonly roots: SystemRoots;
  /** Bundle and directories that Go read once, when the process first needed them. */
  readonly files: readonly string[];
  /** What stands in a place that Go reads, and we could not. */
  readonly unread: readonly string[];
  /** Why, where that is known to be ours. */
  readonly hidden: readonly Unread[];
}

/** A host has one bundle of some 150 certificates; this is many times that. */
const maxTotalBytes = 16 * 1024 * 1024;

export async function readRoots(root: HostRoot, env: ReadonlyMap<string, string>): Promise<FoundRoots> {
  const store = new Store();
  const file = env.get('SSL_CERT_FILE') ?? '';
  for (const path of file === '' ? bundleFiles : [file]) {
    // The first that can be read is the only one, whatever it holds.
    if (!(await store.take(root, path))) continue;
    store.files.push(path);
    break;
  }
  const dir = env.get('SSL_CERT_DIR') ?? '';
  for (const path of dir === '' ? bundleDirs : dir.split(':')) await takeDir(root, path, store);
  return { roots: { pems: store.pems }, files: store.files, unread: [...new Set(store.unread)], hidden: store.hidden };
}

/** readUniqueDirectoryEntries: a link to a neighbour in the same directory is passed over. */
async function takeDir(root: HostRoot, dir: string, store: Store): Promise<void> {
  const listed = await listDir(root, dir);
  if (!listed.ok) {
    if (listed.unread.is === 'unseen') store.hide(dir, listed.unread);
    return;
  }
  store.files.push(dir);
  for (const { name, kind } of listed.value) {
    const path = posix.join(dir, name);
    const link = kind === 'link' ? await linkText(root, path) : undefined;
    if (kind === 'dir' || (link?.ok === true && !link.value.includes('/'))) continue;
    await store.take(root, path);
  }
}

/** Gathers certificates, each once: the directories mostly repeat what the bundle says. */
class Store {
  readonly pems: PemFile[] = [];
  readonly files: string[] = [];
  readonly unread: string[] = [];
  readonly hidden: Unread[] = [];
  readonly #seen = new Set<string>();
  #bytes = 0;

  hide(path: string, unread: Unread): void {
    this.unread.push(path);
    this.hidden.push(unread);
  }

  /** Whether the file could be read. */
  async take(root: HostRoot, path: string): Promise<boolean> {
    const text = await readText(root, path);
    if (!text.ok) {
      if (text.unread.is === 'unseen') this.hide(path, text.unread);
      return false;
    }
    const fresh: string[] = [];
    for (const { type, body, pem } of pemBlocks(text.value)) {
      if (type !== 'CERTIFICATE' || body.includes(':') || this.#seen.has(body)) continue;
      if (this.#bytes + pem.length > maxTotalBytes) {
        this.unread.push(path);
        break;
      }
      this.#seen.add(body);
      this.#bytes += pem.length;
      fresh.push(pem);
    }
    if (fresh.length > 0) this.pems.push({ path, pem: `${fresh.join('\n')}\n` });
    return true;
  }
}
