/**
 * TLS of the open listener: what it accepts, and how it takes a new certificate without dropping a connection. Certificate and
 * key come as text; which files they are read from is not known here.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Server, ServerOptions } from 'node:https';

export interface Pems {
  /** The listener's own certificate first, then what else of the chain a client needs. */
  readonly cert: string;
  readonly key: string;
}

/** New connections get the new certificate, those that are open keep theirs. Says why where it cannot be used. */
export type Renew = (pems: Pems) => string | undefined;

/** Enough for the chains that are about, and far below what would be worth an attack on the agent's own files. */
const largestPem = 256 * 1024;

/** Node's own ciphers: its list for servers has none that a scanner complains about from TLS 1.2 on. */
export function secureOptions({ cert, key }: Pems): ServerOptions {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    // A client that does not come to an end with its greeting; node's own limit is two minutes.
    handshakeTimeout: 5000,
  };
}

/** Why a pair cannot serve, or undefined. The words hold nothing of the files. */
export function pairProblem({ cert, key }: Pems): string | undefined {
  if (cert.length > largestPem || key.length > largestPem) return `a PEM file is longer than ${largestPem} bytes`;
  const certificate = tried(() => new X509Certificate(cert));
  if (certificate === undefined) return 'the certificate is not PEM, or not whole';
  const own = tried(() => createPrivateKey(key));
  if (own === undefined) return 'the key is not PEM, not whole, or needs a passphrase, which nobody is here to type';
  if (!certificate.checkPrivateKey(own)) return 'the certificate and the key do not belong together';
  return undefined;
}

export function renewing(server: Server): Renew {
  return (pems) => {
    const problem = pairProblem(pems);
    if (problem !== undefined) return problem;
    // What OpenSSL refuses although the pair is whole, such as a key that is too short for its level of security.
    const taken = tried(() => {
      server.setSecureContext(secureOptions(pems));
      return 'taken';
    });
    return taken === undefined ? refusedByTls : undefined;
  };
}

export const refusedByTls = 'the TLS library refuses the certificate or the key';

function tried<T>(what: () => T): T | undefined {
  try {
    return what();
  } catch {
    return undefined;
  }
}
