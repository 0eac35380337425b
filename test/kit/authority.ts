/** Certificate authorities for tests, made on the spot: what they sign is good, expired, or for another name, as wished. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  cryptoProvider,
  type X509Certificate,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 86_400_000;

export interface KeyPair {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly cert: string;
  readonly issue: (wish: CertificateWish) => Promise<KeyPair>;
}

export interface CertificateWish {
  /** DNS names, or addresses in digits. */
  readonly names: readonly string[];
  /** From now. Default: 90. Negative: expired. */
  readonly endsInDays?: number;
  /** From now. Default: -100. */
  readonly startsInDays?: number;
}

export async function authority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const generated = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    notBefore: inDays(-365),
    notAfter: inDays(3650),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: generated.toString('pem'), issue: (wish) => issue(generated, keys.privateKey, wish) };
}

async function issue(
  parent: X509Certificate,
  signingKey: webcrypto.CryptoKey,
  wish: CertificateWish,
): Promise<KeyPair> {
  const keys = await newKeys();
  const names = wish.names.map((name) => ({
    type: /^[\d.]+$/.test(name) ? ('ip' as const) : ('dns' as const),
    value: name,
  }));
  const generated = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${wish.names[0] ?? 'nobody'}`,
    issuer: parent.subject,
    notBefore: inDays(wish.startsInDays ?? -100),
    notAfter: inDays(wish.endsInDays ?? 90),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false),
      new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']),
      new SubjectAlternativeNameExtension(names),
      await AuthorityKeyIdentifierExtension.create(parent.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: generated.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') };
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(8)))
    .toString('hex')
    .replace(/^[89a-f0]/, '1');
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * dayMs);
}
