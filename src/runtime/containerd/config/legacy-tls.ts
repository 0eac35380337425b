/** `registry.configs.<host>.tls` of containerd 1.x (pkg/cri/server/image_pull.go getTLSConfig): its files, read as Go would. */
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { TlsRule } from '#node/view.ts';
import type { PemFile } from '#report/certificate.ts';
import type { LegacyTls } from './image-settings.ts';
import { readText, type HostRoot } from '#node/host-root.ts';
import { certificatesIn } from '#node/pem.ts';
import { factsIn, readClient, unreadable } from '#node/tls-files.ts';

export async function readLegacyTls(
  root: HostRoot,
  settings: ReadonlyMap<string, LegacyTls>,
): Promise<readonly (readonly [string, Outcome<TlsRule>])[]> {
  const read: (readonly [string, Outcome<TlsRule>])[] = [];
  for (const [host, tls] of settings) read.push([host, await readOne(root, tls)]);
  return read;
}

async function readOne(root: HostRoot, { skipVerify, ca, cert, key }: LegacyTls): Promise<Outcome<TlsRule>> {
  if (cert !== '' && key === '') return bad(halfPair(cert, 'no corresponding key file was specified'));
  if (cert === '' && key !== '') return bad(halfPair(key, 'no corresponding cert file was specified'));
  const client = cert === '' ? undefined : await readClient(root, cert, key);
  if (client?.ok === false) return client;
  const clients = client === undefined ? [] : [client.value];
  if (ca === '') return good({ verify: !skipVerify, extraRoots: [], clients });
  const text = await readText(root, ca);
  if (!text.ok) return bad(unreadable(text.unread, ca, 'hosts.ca_unreadable'));
  // Unlike hosts.toml, a file without any certificate is no error here.
  const extraRoots: readonly PemFile[] =
    certificatesIn(text.value).length > 0 ? [{ path: ca, pem: text.value, certificates: factsIn(text.value) }] : [];
  return good({ verify: !skipVerify, extraRoots, clients });
}

function halfPair(file: string, why: string) {
  return { code: 'hosts.client_unreadable', file, why } as const;
}
