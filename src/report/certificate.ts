/** Certificates that lie in files of the node, and what they say. */

export interface CertificateFacts {
  readonly subject: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}

export interface PemFile {
  readonly path: string;
  /** PEM text as read. */
  readonly pem: string;
  /** What its certificates say, in the file's order; absent where nobody read them. */
  readonly certificates?: readonly CertificateFacts[];
}
