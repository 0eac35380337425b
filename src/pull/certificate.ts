/** What a certificate says that lies in a file of the node. */
export interface CertificateFacts {
  readonly subject: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}
