/**
 * Certificates and keys that the runtime's configuration names, read as Go would: crypto/x509 AppendCertsFromPEM and
 * crypto/tls X509KeyPair. What cannot be used is a fault, because containerd then gives up the whole registry.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { Secret } from '#report/secret.ts';
import type { ClientPair, TlsRule } from './view.ts';
import type { CertificateFacts, PemFile } from '#report/certificate.ts';
import { readText, type Unread, type HostRoot } from './host-root.ts';
import { certificatesIn, pemBlocks } from './pem.ts';

export interface TlsPaths {
  readonly skipVerify: boolean;
  readonly cas: readonly string[];
  /** An absent key is looked for in the certificate's own file. */
  readonly clients: readonly { readonly cert: string; readonly key?: string }[];
}

/** containerd's updateTLSConfigFromHost (hosts.go). */
export async function readTls(root: HostRoot, paths: TlsPaths): Promise<Outcome<TlsRule>> {
  const extraRoots: PemFile[] = [];
  for (const path of paths.cas) {
    const ca = await readCa(root, path);
    if (!ca.ok) return ca;
    extraRoots.push(ca.value);
  }
  const clients: ClientPair[] = [];
  for (const { cert, key } of paths.clients) {
    const client = await readClient(root, cert, key);
    if (!client.ok) return client;
    clients.push(client.value);
  }
  return good({ verify: !paths.skipVerify, extraRoots, clients });
}

async function readCa(root: HostRoot, path: string): Promise<Outcome<PemFile>> {
  const text = await readText(root, path);
  if (!text.ok) return bad(unreadable(text.unread, path, 'hosts.ca_unreadable'));
  if (!certificatesIn(text.value).some(isCertificate)) {
    return bad({ code: 'hosts.ca_unreadable', file: path, why: 'it holds no certificate that can be read' });
  }
  return good({ path, pem: text.value, certificates: factsIn(text.value) });
}

/** Both files, and whether they belong together. An absent key is expected in the certificate's file. */
export async function readClient(root: HostRoot, certPath: string, keyPath?: string): Promise<Outcome<ClientPair>> {
  const cert = await readText(root, certPath);
  if (!cert.ok) return bad(unreadable(cert.unread, certPath, 'hosts.client_unreadable'));
  const key = keyPath === undefined ? cert : await readText(root, keyPath);
  if (!key.ok) return bad(unreadable(key.unread, keyPath ?? certPath, 'hosts.client_unreadable'));
  const why = whyNoPair(cert.value, key.value);
  if (why !== undefined) return bad({ code: 'hosts.client_unreadable', file: certPath, why });
  const [certificate] = factsIn(cert.value);
  return good({
    certPath,
    cert: cert.value,
    key: new Secret(key.value),
    ...(certificate === undefined ? {} : { certificate }),
  });
}

function whyNoPair(cert: string, key: string): string | undefined {
  const leaf = certificatesIn(cert)[0];
  if (leaf === undefined) return 'tls: failed to find any PEM data in certificate input';
  const block = pemBlocks(key).find(({ type }) => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY'));
  if (block === undefined) return 'tls: failed to find any PEM data in key input';
  try {
    const privateKey = createPrivateKey(block.pem);
    return new X509Certificate(leaf).checkPrivateKey(privateKey)
      ? undefined
      : 'tls: private key does not match public key';
  } catch {
    return 'the certificate or its private key cannot be parsed';
  }
}

/** Whose they are and when they end; what cannot be parsed is passed over, as by Go. */
export function factsIn(pem: string): readonly CertificateFacts[] {
  return certificatesIn(pem).flatMap((block): readonly CertificateFacts[] => {
    try {
      const { subject, validFrom, validTo } = new X509Certificate(block);
      const [notBefore, notAfter] = [new Date(validFrom).toISOString(), new Date(validTo).toISOString()];
      return [{ subject: subject.split('\n').toReversed().join(','), notBefore, notAfter }];
    } catch {
      return [];
    }
  });
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== '';
  } catch {
    return false;
  }
}

export function cannotSee(what: string, { why, how }: Unread): Fault {
  return { code: 'agent.cannot_see', what, why, ...(how === undefined ? {} : { how }) };
}

export function unreadable(
  unread: Unread,
  file: string,
  code: 'hosts.ca_unreadable' | 'hosts.client_unreadable' | 'hosts.unreadable',
): Fault {
  // What only we may not read, the runtime may: that is no fault of the node's.
  if (unread.is === 'unseen') return cannotSee(file, unread);
  return { code, file, why: unread.why };
}
