/**
 * OpenSSL's handshake errors, as Node names them, into faults with the words of Go's crypto/tls (alert.go alertText,
 * handshake_client.go). OpenSSL writes an alert into its code with the protocol version it dates from, which says nothing.
 */
import type { Fault } from '#report/fault.ts';

/** Alerts about the certificate that we presented, or did not. */
const aboutUs: Readonly<Record<string, string>> = {
  BAD_CERTIFICATE: 'bad certificate',
  UNSUPPORTED_CERTIFICATE: 'unsupported certificate',
  CERTIFICATE_REVOKED: 'revoked certificate',
  CERTIFICATE_EXPIRED: 'expired certificate',
  CERTIFICATE_UNKNOWN: 'unknown certificate',
  UNKNOWN_CA: 'unknown certificate authority',
  ACCESS_DENIED: 'access denied',
  CERTIFICATE_REQUIRED: 'certificate required',
};

const alerts: Readonly<Record<string, string>> = {
  UNEXPECTED_MESSAGE: 'unexpected message',
  BAD_RECORD_MAC: 'bad record MAC',
  DECRYPTION_FAILED: 'decryption failed',
  RECORD_OVERFLOW: 'record overflow',
  DECOMPRESSION_FAILURE: 'decompression failure',
  HANDSHAKE_FAILURE: 'handshake failure',
  ILLEGAL_PARAMETER: 'illegal parameter',
  DECODE_ERROR: 'error decoding message',
  DECRYPT_ERROR: 'error decrypting message',
  EXPORT_RESTRICTION: 'export restriction',
  PROTOCOL_VERSION: 'protocol version not supported',
  INSUFFICIENT_SECURITY: 'insufficient security level',
  INTERNAL_ERROR: 'internal error',
  INAPPROPRIATE_FALLBACK: 'inappropriate fallback',
  USER_CANCELLED: 'user canceled',
  NO_RENEGOTIATION: 'no renegotiation',
  MISSING_EXTENSION: 'missing extension',
  UNSUPPORTED_EXTENSION: 'unsupported extension',
  CERTIFICATE_UNOBTAINABLE: 'certificate unobtainable',
  UNRECOGNIZED_NAME: 'unrecognized name',
  BAD_CERTIFICATE_STATUS_RESPONSE: 'bad certificate status response',
  BAD_CERTIFICATE_HASH_VALUE: 'bad certificate hash value',
  UNKNOWN_PSK_IDENTITY: 'unknown PSK identity',
  NO_APPLICATION_PROTOCOL: 'no application protocol',
};

/** What our own side objects to. */
const ours: Readonly<Record<string, string>> = {
  UNSUPPORTED_PROTOCOL: 'tls: server selected unsupported protocol version',
  NO_SHARED_CIPHER: 'tls: server chose an unconfigured cipher suite',
  WRONG_CIPHER_RETURNED: 'tls: server chose an unconfigured cipher suite',
  UNKNOWN_CIPHER_RETURNED: 'tls: server chose an unconfigured cipher suite',
  DH_KEY_TOO_SMALL: 'tls: server chose a key that is too small',
  EE_KEY_TOO_SMALL: 'tls: server sent a certificate with a key that is too small',
  CA_MD_TOO_WEAK: 'x509: cannot verify signature: insecure algorithm',
  BAD_SIGNATURE: 'tls: invalid signature by the server certificate',
  WRONG_SIGNATURE_TYPE: 'tls: certificate used with invalid signature algorithm',
  DECRYPTION_FAILED_OR_BAD_RECORD_MAC: 'local error: tls: bad record MAC',
};

/** OpenSSL's reasons for a first record that is none: the server does not speak TLS on this port. */
const notTls: ReadonlySet<string> = new Set([
  'WRONG_VERSION_NUMBER',
  'HTTP_REQUEST',
  'HTTPS_PROXY_REQUEST',
  'PACKET_LENGTH_TOO_LONG',
  'RECORD_TOO_SMALL',
]);

/** undefined: not an error of OpenSSL's. */
export function tlsFault(code: string, at: { readonly host: string; readonly port: number }): Fault | undefined {
  const { host, port } = at;
  const reason = /^ERR_SSL_(.+)$/.exec(code)?.[1];
  if (reason === undefined) return undefined;
  if (notTls.has(reason)) return { code: 'tls.not_tls', host, port };
  const alert = /^(?:SSL\/TLS|SSLV3|TLSV1|TLSV11|TLSV12|TLSV13)_(?:ALERT_)?(.+)$/.exec(reason)?.[1];
  if (alert !== undefined && Object.hasOwn(aboutUs, alert))
    return { code: 'tls.client_rejected', host, alert: aboutUs[alert] ?? alert };
  const shown = alert === undefined ? undefined : alerts[alert];
  if (shown !== undefined) return { code: 'tls.handshake_failed', host, why: `remote error: tls: ${shown}` };
  return { code: 'tls.handshake_failed', host, why: ours[reason] ?? `tls: ${lower(alert ?? reason)}` };
}

function lower(reason: string): string {
  return reason.toLowerCase().replaceAll('_', ' ');
}
