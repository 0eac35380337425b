/** Words for the way to a registry: names, proxies, connections. */
import { hostsFile, listed, place, plain, seconds } from './phrases.ts';
import type { About, FaultMessages } from './phrases.ts';
import { allow } from './registries.ts';
import type { FailurePoint } from '#report/fault.ts';

type Codes =
  | 'dns.not_found'
  | 'dns.server_failed'
  | 'dns.timed_out'
  | 'dns.refused'
  | 'dns.malformed'
  | 'proxy.malformed'
  | 'proxy.refused'
  | 'tcp.refused'
  | 'tcp.timed_out'
  | 'tcp.unreachable'
  | 'tcp.reset'
  | 'tcp.closed';

const policies =
  "Pod NetworkPolicies do not touch this, for the kubelet pulls from the node's own network; only an ingress policy on a registry inside the cluster does.";

const during: { readonly [M in FailurePoint]: string } = {
  connecting: 'while connecting',
  handshake: 'during the TLS handshake',
  response: 'before it answered',
  body: 'in the middle of an answer',
};

export const networkMessages: FaultMessages<Codes> = {
  'dns.not_found': {
    meaning: "The node's name servers say that the host does not exist.",
    next: 'correct the host, or its DNS',
    shows: '…: dial tcp: lookup H on 10.0.0.2:53: no such host',
    cause: ({ host, server, asked }) =>
      `The name ${plain(host)} does not exist, says ${plain(server)}${asked.length > 1 ? ` (asked for ${listed(asked)})` : ''}.`,
    remedy: ({ host }, about) => {
      if (isClusterName(host)) return clusterName(host);
      const dns = "the DNS that the node's /etc/resolv.conf names";
      const first =
        about.image === undefined
          ? `Have ${dns} know ${plain(host)}.`
          : `Correct the host${place(about)}, or add the record to ${dns}.`;
      return `${first} ${elsewhereNames}`;
    },
  },
  'dns.server_failed': {
    meaning: 'A name server of the node answers that it failed.',
    next: 'mend the name server',
    shows: '…: dial tcp: lookup H on 10.0.0.2:53: server misbehaving',
    cause: ({ host, server, rcode }) => `The name server ${plain(server)} answers ${plain(rcode)} for ${plain(host)}.`,
    remedy: ({ server, host }) =>
      isClusterName(host)
        ? clusterName(host)
        : `Look at ${plain(server)}: its upstream or DNSSEC validation fails for this name. Until then name a working server in the node's /etc/resolv.conf.`,
  },
  'dns.timed_out': {
    meaning: 'The name servers of the node stay silent.',
    next: 'open port 53 to the name server',
    shows: 'rpc error: code = DeadlineExceeded desc = …: dial tcp: lookup H on 10.0.0.2:53: read udp …: i/o timeout',
    cause: ({ host, server, afterMs }) =>
      `The name server ${plain(server)} gave no answer for ${plain(host)} within ${seconds(afterMs)}.`,
    remedy: ({ server, host }) =>
      `Let the node reach ${plain(server)} on port 53, UDP and TCP, or name a living server in its /etc/resolv.conf.${isClusterName(host) ? ` ${clusterName(host)}` : ''}`,
  },
  'dns.refused': {
    meaning: 'Nothing listens where the node looks for its name server.',
    next: 'start the name server',
    shows: '…: dial tcp: lookup H on 127.0.0.53:53: read udp …: read: connection refused',
    cause: ({ host, server }) =>
      `Nothing answers at the name server ${plain(server)}, so ${plain(host)} cannot be looked up.`,
    remedy: ({ server }) =>
      server.startsWith('127.')
        ? `Start the node's own resolver (\`systemctl restart systemd-resolved\`), or name another server in /etc/resolv.conf.`
        : `Start the name server at ${plain(server)}, or name another one in the node's /etc/resolv.conf.`,
  },
  'dns.malformed': {
    meaning: 'A name server answers, but not in DNS.',
    next: 'replace the name server',
    shows: '…: dial tcp: lookup H on 10.0.0.2:53: cannot unmarshal DNS message',
    cause: ({ host, server, why }) =>
      `The answer of ${plain(server)} for ${plain(host)} cannot be read: ${plain(why)}.`,
    remedy: ({ server }) =>
      `Something else than a name server answers at ${plain(server)}, or changes its answers on the way: look there, or name another server in /etc/resolv.conf.`,
  },
  'proxy.malformed': {
    meaning: "A proxy variable in the runtime's environment cannot be read.",
    next: 'correct the proxy variable',
    shows: '…: invalid proxy address "…": parse …',
    cause: ({ value, why }) => `The proxy setting "${withoutUser(value)}" cannot be read: ${plain(why)}.`,
    remedy: () =>
      `Correct it in ${proxyFile}, ${reload}. The form is http://HOST:PORT, with signs like @ and # in a password written as %40 and %23.`,
  },
  'proxy.refused': {
    meaning: 'The proxy is there, and refuses the connection to the registry.',
    next: 'have the proxy allow the host',
    shows: '…: failed to do request: Head "https://H/v2/…": Forbidden (or: Proxy Authentication Required)',
    cause: ({ proxy, target, status, reason }) =>
      `The proxy ${withoutUser(proxy)} answers ${status}${reason === '' ? '' : ` ${plain(reason, 80)}`} for ${plain(target)}.`,
    remedy: ({ status, target }, about) =>
      status === 407
        ? `Put the proxy's user and password into HTTPS_PROXY in ${proxyFile}, ${reload}.`
        : `Have the proxy allow ${plain(target)}, or add it to NO_PROXY in ${proxyFile} if the node may go there directly, ${reload}.${allow(about.registry)}`,
  },
  'tcp.refused': {
    meaning: 'The host is there, and nothing listens on the port, or a firewall rejects the connection.',
    next: 'start the registry, check its port',
    shows: '…: dial tcp 10.0.0.7:443: connect: connection refused',
    cause: ({ address, port }) => `${at(address, port)} refuses connections.`,
    remedy: ({ port }, about) =>
      `Start the registry, or correct its port${place(about)}: without one, ${port === 80 ? '80' : '443'} is meant. A firewall that rejects looks the same. ${policies}`,
  },
  'tcp.timed_out': {
    meaning: 'No answer to the attempt to connect: a firewall drops it, or the host is gone.',
    next: 'open the firewall',
    shows: 'rpc error: code = DeadlineExceeded desc = …: dial tcp 10.0.0.7:443: i/o timeout',
    cause: ({ address, port, afterMs }) => `${at(address, port)} gives no answer within ${seconds(afterMs)}.`,
    remedy: ({ address, port }, about) =>
      `Allow the node to reach ${at(address, port)}: a firewall, security group or missing route drops it. If it needs a proxy, set HTTPS_PROXY in ${proxyFile}. ${policies}${allow(about.registry)}`,
  },
  'tcp.unreachable': {
    meaning: 'The node has no route to the address.',
    next: 'add a route',
    shows: '…: dial tcp 10.0.0.7:443: connect: no route to host (or: network is unreachable)',
    cause: ({ address, port, why }) => `The node cannot get to ${at(address, port)}: ${plain(why)}.`,
    remedy: ({ address }) =>
      address.includes(':')
        ? `This is an IPv6 address: give the node a route to it, or take the AAAA record away.`
        : `Give the node a route to ${plain(address)} (\`ip route get ${plain(address)}\` shows what it would use), or set a proxy in ${proxyFile}.`,
  },
  'tcp.reset': {
    meaning: 'The other side, or something between, tears the connection down.',
    next: 'ask who resets the connection',
    shows: '…: read tcp …->10.0.0.7:443: read: connection reset by peer',
    cause: ({ address, port, failurePoint }) => `${at(address, port)} reset the connection ${during[failurePoint]}.`,
    remedy: ({ failurePoint }, about) => broken(failurePoint, about),
  },
  'tcp.closed': {
    meaning: 'The other side closes the connection without a word.',
    next: 'ask who closes the connection',
    shows: '…: failed to do request: Head "https://H/v2/…": EOF',
    cause: ({ address, port, failurePoint }) =>
      `${at(address, port)} closed the connection without a word ${during[failurePoint]}.`,
    remedy: ({ failurePoint }, about) => broken(failurePoint, about),
  },
};

export const proxyFile = '/etc/systemd/system/containerd.service.d/http-proxy.conf';
/** A changed unit must be read by systemd before containerd can start with it. */
export const reload =
  'then `systemctl daemon-reload && systemctl restart containerd`: it reads this only when it starts';
const elsewhereNames = 'The kubelet and containerd use that DNS, not the one that Pods use.';

function broken(failurePoint: FailurePoint, about: About): string {
  const culprit =
    failurePoint === 'handshake'
      ? 'A firewall that reads the TLS server name often does this: have it allow the host.'
      : 'A firewall, proxy or overloaded load balancer often does this: look at its log, and at the registry.';
  return `${culprit}${allow(about.registry)}`;
}

function isClusterName(host: string): boolean {
  return /\.svc(?:\.|$)|\.cluster\.local\.?$/.test(host.replace(/:\d+$/, ''));
}

function clusterName(host: string): string {
  return `${plain(host)} is a Service of the cluster. The kubelet and containerd do not use cluster DNS, only the node's. Name a host that the node can look up (an Ingress, a LoadBalancer, or localhost with a NodePort), or point to one in ${hostsFile(host)}.`;
}

function at(address: string, port: number): string {
  return address.includes(':') ? `[${plain(address)}]:${port}` : `${plain(address)}:${port}`;
}

/** A proxy's address without the user and password that may stand in it, however wrongly. */
export function withoutUser(proxy: string): string {
  return plain(proxy.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1'));
}
