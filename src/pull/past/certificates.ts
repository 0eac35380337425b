/** The certificate that a host showed last, and when its predecessors were replaced: the rhythm of a renewal that works. */
import type { TlsFacts } from '../rehearsal.ts';
import { isTime } from './tries.ts';

export interface CertificatePast {
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
export function learnCertificate<T extends { readonly certificate?: CertificatePast }>(
  past: T,
  { leaf, issuer }: TlsFacts,
  atMs: number,
): T {
  if (leaf === undefined) return past;
  const known = past.certificate;
  const notBeforeMs = Date.parse(leaf.notBefore);
  const notAfterMs = Date.parse(leaf.notAfter);
  if (!isTime(notBeforeMs) || !isTime(notAfterMs) || known?.fingerprint === leaf.fingerprint) return past;
  if (known !== undefined && notAfterMs <= known.notAfterMs && known.notAfterMs > atMs) return past;
  const leftS = known === undefined ? [] : [Math.round((known.notAfterMs - notBeforeMs) / 1000)];
  const renewedWithS = [...(known?.renewedWithS ?? []), ...leftS].slice(-mostRenewals);
  const certificate: CertificatePast = {
    fingerprint: leaf.fingerprint,
    issuer,
    notBeforeMs,
    notAfterMs,
    sinceMs: atMs,
    renewedWithS,
  };
  return { ...past, certificate };
}

export function readCertificate(value: unknown): CertificatePast | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  const [fingerprint, issuer, renewed] = [field('fingerprint'), field('issuer'), field('renewedWithS')];
  const [notBeforeMs, notAfterMs, sinceMs] = [field('notBeforeMs'), field('notAfterMs'), field('sinceMs')];
  if (typeof fingerprint !== 'string' || typeof issuer !== 'string') return undefined;
  if (!isTime(notBeforeMs) || !isTime(notAfterMs) || !isTime(sinceMs)) return undefined;
  const renewedWithS = Array.isArray(renewed) ? renewed.filter(isTime).slice(-mostRenewals) : [];
  return { fingerprint, issuer, notBeforeMs, notAfterMs, sinceMs, renewedWithS };
}
