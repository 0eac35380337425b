/** Words for TLS: whom the node trusts, and whether the other side may be trusted. */
import type { FaultOf } from '#report/fault.ts';
import { hostIn, hostsFile, listed, live, plain, restart, seconds } from './phrases.ts';
import type { FaultMessages } from './phrases.ts';

type Codes =
  | 'tls.untrusted'
  | 'tls.expired'
  | 'tls.not_yet_valid'
  | 'tls.wrong_name'
  | 'tls.not_tls'
  | 'tls.client_rejected'
  | 'tls.handshake_failed'
  | 'tls.timed_out';

export const tlsMessages: FaultMessages<Codes> = {
  'tls.untrusted': {
    meaning:
      "The certificate was issued by an authority that the node does not trust, or the server leaves out the authority's intermediate certificate.",
    next: 'add the CA to the node',
    shows: '…: tls: failed to verify certificate: x509: certificate signed by unknown authority',
    cause: whyUntrusted,
    remedy: ({ host }) =>
      `Put the authority's certificate beside ${hostsFile(host)} and name it there: ca = "ca.crt"; ${live}. Or add it to the node's trust store (update-ca-certificates, update-ca-trust), ${restart}. If only an intermediate is missing, have the server send it.`,
  },
  'tls.expired': {
    meaning: "The server's certificate has expired.",
    next: 'renew the certificate',
    shows: '…: x509: certificate has expired or is not yet valid: current time T is after T2',
    cause: ({ host, subject, notAfter, now }) =>
      `The certificate of ${plain(host)} (${plain(subject)}) expired at ${plain(notAfter)}; the node's clock says ${plain(now)}.`,
    remedy: ({ host }) =>
      `Renew the certificate at ${plain(host)}, with its whole chain. If the node's clock is wrong, set it (\`timedatectl\`).`,
  },
  'tls.not_yet_valid': {
    meaning: "The server's certificate is not valid yet, mostly because the node's clock is behind.",
    next: "set the node's clock",
    shows: '…: x509: certificate has expired or is not yet valid: current time T is before T2',
    cause: ({ host, subject, notBefore, now }) =>
      `The certificate of ${plain(host)} (${plain(subject)}) is valid from ${plain(notBefore)} on; the node's clock says ${plain(now)}.`,
    remedy: ({ host }) =>
      `Compare the node's clock (\`timedatectl\`) and set it. If it is right, have ${plain(host)} use a certificate that is valid already.`,
  },
  'tls.wrong_name': {
    meaning: 'The certificate is for other hosts.',
    next: 'use a name of the certificate',
    shows: '…: x509: certificate is valid for A, B, not H',
    cause: ({ host, names, commonNameOnly }) =>
      commonNameOnly
        ? `The certificate of ${plain(host)} names it in its Common Name only, which containerd does not read.`
        : `The certificate of ${plain(host)} is valid for ${listed(names, 'no name at all')}, not for ${plain(host)}.`,
    remedy: ({ host }) =>
      `Issue a certificate with ${plain(host)} among its Subject Alternative Names, or use one of the names that it has. If it is somebody else's certificate, the DNS or a proxy leads to the wrong server.`,
  },
  'tls.not_tls': {
    meaning: 'The server speaks plain HTTP where HTTPS is expected.',
    next: 'use HTTPS, or write http:// in hosts.toml',
    shows: '…: http: server gave HTTP response to HTTPS client',
    cause: ({ host, port }) => `${plain(host)} speaks plain HTTP on port ${port}, and containerd expects HTTPS.`,
    remedy: ({ host, port }) =>
      `Have the registry speak TLS, or correct the port. If plain HTTP is meant, write [host."http://${hostPort(host, port)}"] with capabilities = ["pull", "resolve"] into ${hostsFile(hostPort(host, port))}; ${live}.`,
  },
  'tls.client_rejected': {
    meaning: 'The server wants a client certificate, and got none or one that it does not accept.',
    next: 'configure a client certificate',
    shows: '…: remote error: tls: certificate required (or: bad certificate)',
    cause: ({ host, alert }) =>
      `${plain(host)} refuses the node's client certificate, or that it has none: ${plain(alert)}.`,
    remedy: ({ host }) =>
      `Put a client certificate and key that it accepts beside ${hostsFile(host)} and name them there: client = [["client.cert", "client.key"]]; ${live}.`,
  },
  'tls.handshake_failed': {
    meaning: 'The TLS handshake fails for another reason, mostly protocol versions or ciphers.',
    next: 'mend the TLS settings of the server',
    shows: '…: remote error: tls: handshake failure',
    cause: ({ host, why }) => `The TLS handshake with ${plain(host)} fails: ${plain(why)}.`,
    remedy: ({ host }) =>
      `Have ${plain(host)} offer TLS 1.2 or 1.3 with current ciphers, and check that no proxy between intercepts the connection.`,
  },
  'tls.timed_out': {
    meaning: 'The connection stands, and the TLS handshake does not come to an end.',
    next: 'look for a firewall or an MTU problem',
    shows: '…: net/http: TLS handshake timeout',
    cause: ({ host, afterMs }) =>
      `${plain(host)} accepts connections and does not finish the TLS handshake within ${seconds(afterMs)}.`,
    remedy: ({ host }) =>
      `Look for a firewall that swallows it, for packets too large for the way (\`ping -M do -s 1400 ${hostIn(host).replace(/:\d+$/, '')}\`), and for load on the registry.`,
  },
};

function hostPort(host: string, port: number): string {
  const name = hostIn(host);
  return /:\d+$/.test(name) || port === 443 || port === 80 ? name : `${name}:${port}`;
}

function whyUntrusted({ host, subject, issuer, trustedFrom, nearMiss }: FaultOf<'tls.untrusted'>): string {
  const who = `The certificate of ${plain(host)}`;
  if (nearMiss !== undefined)
    return `${who} is issued by ${plain(issuer)}; there is a certificate of the name ${plain(nearMiss.authority)}, which is not its issuer (${plain(nearMiss.why)}).`;
  const files = listed(trustedFrom, 'any file that containerd reads');
  return subject === issuer
    ? `${who} is self-signed (${plain(subject)}) and not in ${files}.`
    : `${who} is issued by ${plain(issuer)}, which is not in ${files}.`;
}
