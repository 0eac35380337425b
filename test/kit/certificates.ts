/**
 * Imitates a certificate authority (openssl ca): roots, intermediates and what they sign, valid or invalid in one property. PEM
 * texts throughout. Equal options give the same certificate within one test file.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  GeneralNames,
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
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: Uint8Array.from([1, 0, 1]),
} as const;
const dayMs = 86_400_000;

/** A certificate, its key and what it needs to sign as an authority. */
export interface Made {
  /** This certificate alone. */
  readonly cert: string;
  /** With the intermediates that a server has to send. */
  readonly chain: string;
  readonly key: string;
  readonly signs: { readonly certificate: X509Certificate; readonly keys: webcrypto.CryptoKeyPair };
}

export interface Dates {
  /** Days from now, or from `nowMs`. */
  readonly from?: number;
  readonly to?: number;
  readonly nowMs?: number;
}

export interface LeafOptions extends Dates {
  readonly names?: readonly string[];
  readonly ips?: readonly string[];
  /** The name is in the subject only, as before 2000. */
  readonly commonNameOnly?: boolean;
  /** Makes certificates with equal options differ. */
  readonly copy?: number;
  /** A client may present it as well. */
  readonly forClients?: boolean;
  /** Its key usage is that of an authority. */
  readonly forSigning?: boolean;
  /** Its extended key usage. Default: server. */
  readonly usage?: 'client' | 'any';
  /** The type of its key. Default: ECDSA. */
  readonly kind?: 'rsa';
  /** The hash of its signature. Default: SHA-256. */
  readonly hash?: 'SHA-1';
  /** Its authority key identifier has a serial number that the issuer does not have. */
  readonly ofAnotherSerial?: boolean;
  /** It has an unknown critical extension. */
  readonly demanding?: boolean;
  /** Absent: it signs itself. */
  readonly by?: Made;
}

const usages = {
  server: ExtendedKeyUsage.serverAuth,
  client: ExtendedKeyUsage.clientAuth,
  any: '2.5.29.37.0',
} as const;

const made = new Map<string, Promise<Made>>();

/** A root. */
export async function authority(request: Dates & { readonly name?: string } = {}): Promise<Made> {
  const name = request.name ?? 'Test Root';
  return once(['authority', request], () => make({ ...request, subject: `CN=${name}`, extensions: signing }));
}

export interface IntermediateOptions extends Dates {
  readonly name?: string;
  readonly by: Made;
  /** Its basic constraints forbid signing. */
  readonly powerless?: boolean;
  /** Its path length constraint forbids another intermediate. */
  readonly lowest?: boolean;
}

export async function intermediate(request: IntermediateOptions): Promise<Made> {
  const { by, ...rest } = request;
  const subject = `CN=${request.name ?? 'Test Intermediate'}`;
  const lowest = request.lowest === true ? [new BasicConstraintsExtension(true, 0, true)] : signing;
  const extensions = request.powerless === true ? [new BasicConstraintsExtension(false, undefined, true)] : lowest;
  return once(['intermediate', rest, by.cert], () => make({ ...request, subject, extensions }));
}

/** The same name and key, signed by another authority: a new root has this until clients trust it. */
export async function crossSigned(of: Made, request: Dates & { readonly by: Made }): Promise<Made> {
  const subject = of.signs.certificate.subject;
  const { keys } = of.signs;
  return make({ ...request, subject, extensions: signing, keys });
}

export async function leaf(request: LeafOptions): Promise<Made> {
  const { by, ...rest } = request;
  const { names = [], ips = [] } = request;
  const given = [
    ...names.map((value) => ({ type: 'dns', value }) as const),
    ...ips.map((value) => ({ type: 'ip', value }) as const),
  ];
  const extensions = [
    new ExtendedKeyUsageExtension([
      usages[request.usage ?? 'server'],
      ...(request.forClients === true ? [ExtendedKeyUsage.clientAuth] : []),
    ]),
    ...(request.commonNameOnly === true ? [] : [new SubjectAlternativeNameExtension(given)]),
    ...(request.forSigning === true ? [new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)] : []),
    ...(request.demanding === true ? [new Extension('1.2.3.4', true, Uint8Array.from([5, 0]))] : []),
  ];
  const subject = `O=Test, CN=${names[0] ?? ips[0] ?? 'none'}`;
  return once(['leaf', rest, by?.cert], () => make({ ...request, subject, extensions }));
}

/** A client certificate. */
export async function client(request: Dates & { readonly name: string; readonly by: Made }): Promise<Made> {
  const { by, ...rest } = request;
  const extensions = [new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth])];
  return once(['client', rest, by.cert], () => make({ ...request, subject: `CN=${request.name}`, extensions }));
}

const signing = [
  new BasicConstraintsExtension(true, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];

async function once(key: unknown, makeIt: () => Promise<Made>): Promise<Made> {
  const name = JSON.stringify(key);
  const known = made.get(name) ?? makeIt();
  made.set(name, known);
  return known;
}

interface CertificateOptions extends Dates {
  readonly subject: string;
  readonly extensions: readonly Extension[];
  readonly by?: Made;
  /** Absent: new ones. */
  readonly keys?: webcrypto.CryptoKeyPair;
  readonly kind?: 'rsa';
  readonly hash?: 'SHA-1';
  readonly ofAnotherSerial?: boolean;
}

async function make(order: CertificateOptions): Promise<Made> {
  const ofKey = order.kind === 'rsa' ? rsa : algorithm;
  const keys = order.keys ?? (await webcrypto.subtle.generateKey(ofKey, true, ['sign', 'verify']));
  const { by, nowMs = Date.now() } = order;
  const issuer = by?.signs ?? { certificate: undefined, keys };
  const certificate = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(
      webcrypto.getRandomValues(new Uint8Array(8)).map((byte, i) => (i === 0 ? 1 : byte)),
    ).toString('hex'),
    subject: order.subject,
    issuer: issuer.certificate?.subject ?? order.subject,
    notBefore: new Date(nowMs + (order.from ?? -30) * dayMs),
    notAfter: new Date(nowMs + (order.to ?? 90) * dayMs),
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { ...algorithm, hash: order.hash ?? algorithm.hash },
    extensions: [
      ...order.extensions,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      order.ofAnotherSerial === true
        ? await AuthorityKeyIdentifierExtension.create({
            name: new GeneralNames([{ type: 'dn', value: issuer.certificate?.subject ?? order.subject }]),
            serialNumber: '0102',
          })
        : await AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
    ],
  });
  const cert = certificate.toString('pem');
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const key = PemConverter.encode(pkcs8, PemConverter.PrivateKeyTag);
  const isSentAlong = by !== undefined && by.signs.certificate.issuer !== by.signs.certificate.subject;
  return { cert, chain: isSentAlong ? `${cert}\n${by.chain}` : cert, key, signs: { certificate, keys } };
}

export interface KeyPair {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

export interface Issuer {
  readonly cert: string;
  readonly issue: (request: IssueOptions) => Promise<KeyPair>;
}

export interface IssueOptions {
  /** DNS names, or IPv4 addresses. */
  readonly names: readonly string[];
  /** From now. Default: 90. Negative: expired. */
  readonly endsInDays?: number;
  /** From now. Default: -100. */
  readonly startsInDays?: number;
}

let issued = 0;

/** An authority for whole clusters and nodes: each certificate is a new one with a key of its own, even with equal options. */
export async function issuer(name: string): Promise<Issuer> {
  const by = await authority({ name, from: -365, to: 3650 });
  return {
    cert: by.cert,
    issue: async ({ names, startsInDays = -100, endsInDays = 90 }) => {
      issued += 1;
      const isAddress = (one: string): boolean => /^[\d.]+$/.test(one);
      const { cert, key } = await leaf({
        names: names.filter((one) => !isAddress(one)),
        ips: names.filter(isAddress),
        from: startsInDays,
        to: endsInDays,
        forClients: true,
        copy: issued,
        by,
      });
      return { cert, key };
    },
  };
}
