/** The certificate that a host showed last, and when its predecessors were replaced: the rhythm of a renewal that works. */
import type { TlsFacts } from '#report/rehearsal.ts';
import { fieldsOf, isNumber, numberIn, numbersIn, textIn } from './tolerant.ts';

export interface CertificateHistory {
  /** First 16 hexadecimal digits of the SHA-256 of the leaf. */
  readonly fingerprint: string;
  readonly issuer: string;
  /** The leaf's own dates. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly sinceMs: number;
  /** Of the last ones that were replaced, oldest first: seconds that each had left when its successor began. */
  readonly renewedWithS: readonly number[];
}

const mostRenewals = 6;

/**
 * One that ends later replaces what is known; one that ends earlier is another server's of the same host, which has not been
 * renewed or was rolled back, and teaches no rhythm.
 */
export function learnCertificate<T extends { readonly certificate?: CertificateHistory }>(
  history: T,
  { leaf, issuer }: TlsFacts,
  atMs: number,
): T {
  if (leaf === undefined) return history;
  const known = history.certificate;
  const notBeforeMs = Date.parse(leaf.notBefore);
  const notAfterMs = Date.parse(leaf.notAfter);
  if (!isNumber(notBeforeMs) || !isNumber(notAfterMs) || known?.fingerprint === leaf.fingerprint) return history;
  if (known !== undefined && notAfterMs <= known.notAfterMs && known.notAfterMs > atMs) return history;
  const leftS = known === undefined ? [] : [Math.round((known.notAfterMs - notBeforeMs) / 1000)];
  const renewedWithS = [...(known?.renewedWithS ?? []), ...leftS].slice(-mostRenewals);
  const certificate: CertificateHistory = {
    fingerprint: leaf.fingerprint,
    issuer,
    notBeforeMs,
    notAfterMs,
    sinceMs: atMs,
    renewedWithS,
  };
  return { ...history, certificate };
}

export function readCertificate(value: unknown): CertificateHistory | undefined {
  const fields = fieldsOf(value);
  const [fingerprint, issuer] = [textIn(fields, 'fingerprint'), textIn(fields, 'issuer')];
  const [notBeforeMs, notAfterMs, sinceMs] = ['notBeforeMs', 'notAfterMs', 'sinceMs'].map((name) =>
    numberIn(fields, name),
  );
  if (fingerprint === undefined || issuer === undefined) return undefined;
  if (notBeforeMs === undefined || notAfterMs === undefined || sinceMs === undefined) return undefined;
  const renewedWithS = numbersIn(fields, 'renewedWithS').slice(-mostRenewals);
  return { fingerprint, issuer, notBeforeMs, notAfterMs, sinceMs, renewedWithS };
}
