/**
 * The names in a certificate, matched by the rules of Go's crypto/x509 (verify.go, Go 1.26), which differ from Node's: subject
 * alternative names only, and names that are not host names match only exactly.
 */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { withoutBrackets } from '#go/host-port.ts';
import { canonical, namesIn } from './alternative-names.ts';

/** undefined: the certificate is for that host. */
export function wrongName(
  certificate: X509Certificate,
  host: string,
): { readonly names: readonly string[]; readonly commonNameOnly: boolean } | undefined {
  const written = certificate.subjectAltName;
  const names = namesIn(written ?? '');
  const bare = withoutBrackets(host);
  if (isIP(bare) !== 0) {
    const ip = canonical(bare);
    return names.ips.includes(ip) ? undefined : { names: names.ips, commonNameOnly: false };
  }
  if (names.dns.some((name) => matches(name, host))) return undefined;
  const commonNameOnly = written === undefined && matchesHost(commonNameOf(certificate), host);
  return { names: names.dns, commonNameOnly };
}

/** x509.go Certificate.VerifyHostname for one name. */
function matches(name: string, host: string): boolean {
  if (isHostName(host, 'host') && isHostName(name, 'pattern')) return matchesHost(name, host);
  return name !== '' && name !== '.' && host !== '' && host !== '.' && lowerAscii(name) === lowerAscii(host);
}

/** verify.go matchHostnames: a star matches the whole left-most label, and only there. */
function matchesHost(pattern: string, host: string): boolean {
  const wanted = lowerAscii(pattern).split('.');
  const given = lowerAscii(host).replace(/\.$/, '').split('.');
  if (pattern === '' || given.join('') === '' || wanted.length !== given.length) return false;
  return wanted.every((label, i) => (i === 0 && label === '*') || label === given[i]);
}

/** verify.go validHostname. */
function isHostName(text: string, as: 'host' | 'pattern'): boolean {
  const name = as === 'host' ? text.replace(/\.$/, '') : text;
  if (name === '' || name === '*') return false;
  return name
    .split('.')
    .every((label, i) => (as === 'pattern' && i === 0 && label === '*') || /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(label));
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function commonNameOf(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
}

/** Node writes one attribute a line in the certificate's order; Go prints them on one line, the last first. */
export function inARow(name: string): string {
  return name.split('\n').toReversed().join(',');
}

/** First 16 hexadecimal digits of its SHA-256. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase();
}
