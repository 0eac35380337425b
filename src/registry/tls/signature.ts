/**
 * Whether one certificate signed another, as Go's crypto/x509 sees it (x509.go CheckSignatureFrom, checkSignature; verify.go
 * isValid; Go 1.26), and what Go says where it did not. Names and key identifiers decide nothing there, unlike in OpenSSL.
 */
import type { X509Certificate } from 'node:crypto';

/** undefined: it did. The issuer's name is taken to be right. */
export function objection(issuer: X509Certificate, of: X509Certificate): string | undefined {
  if (!issuer.ca && !isBeforeExtensions(issuer))
    return 'x509: invalid signature: parent certificate cannot sign this kind of certificate';
  const algorithm = algorithmOf(of);
  const weak = weakAlgorithms[algorithm];
  if (weak !== undefined) return `x509: cannot verify signature: insecure algorithm ${weak}`;
  const key = issuer.publicKey;
  const [wanted, given] = [kindOfSignature(algorithm), key.asymmetricKeyType];
  if (wanted === undefined) return 'x509: cannot verify signature: algorithm unimplemented';
  if (wanted.type !== given) {
    const type = kinds.find((kind) => kind.type === given)?.goType ?? 'unknown';
    return `x509: signature algorithm specifies an ${wanted.name} public key, but have public key of type ${type}`;
  }
  return of.verify(key) ? undefined : wanted.failure;
}

/** One before version 3 does not say so, and serves as a root alone. */
export function maySignBelow(intermediate: X509Certificate): boolean {
  return intermediate.ca;
}

const weakAlgorithms: Readonly<Record<string, string>> = {
  '2a864886f70d010102': 'MD2-RSA',
  '2a864886f70d010104': 'MD5-RSA',
  '2a864886f70d010105': 'SHA1-RSA',
  '2a8648ce3d0401': 'ECDSA-SHA1',
};

const kinds = [
  {
    oid: '2a864886f70d0101',
    type: 'rsa',
    name: 'RSA',
    goType: '*rsa.PublicKey',
    failure: 'crypto/rsa: verification error',
  },
  {
    oid: '2a8648ce3d04',
    type: 'ec',
    name: 'ECDSA',
    goType: '*ecdsa.PublicKey',
    failure: 'x509: ECDSA verification failure',
  },
  {
    oid: '2b6570',
    type: 'ed25519',
    name: 'Ed25519',
    goType: 'ed25519.PublicKey',
    failure: 'x509: Ed25519 verification failure',
  },
] as const;

function kindOfSignature(algorithm: string): (typeof kinds)[number] | undefined {
  return kinds.find(({ oid }) => algorithm.startsWith(oid));
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … } */
function algorithmOf({ raw }: X509Certificate): string {
  const body = contentsAt(raw, 0);
  const tbs = contentsAt(raw, body.start);
  const oid = contentsAt(raw, contentsAt(raw, tbs.end).start);
  return raw.subarray(oid.start, oid.end).toString('hex');
}

/** TBSCertificate begins with [0] { version } from version 2 on. */
function isBeforeExtensions({ raw }: X509Certificate): boolean {
  return raw[contentsAt(raw, contentsAt(raw, 0).start).start] !== 0xa0;
}

/** Where the value of the DER element at an offset begins and ends (X.690 §8.1.3). OpenSSL has parsed all of it before. */
function contentsAt(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = der[at + 1] ?? 0;
  const longer = first < 0x80 ? 0 : first & 0x7f;
  const length = longer === 0 ? first : der.readUIntBE(at + 2, Math.min(longer, 6));
  const start = at + 2 + longer;
  return { start, end: start + length };
}
