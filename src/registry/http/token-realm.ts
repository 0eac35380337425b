/**
 * Whether a credential may go to a token service at all. containerd sends it to whatever URL the challenge names; we do
 * not follow where the challenge points into the node itself or its metadata service, or drops TLS that the registry has.
 * The reasons are those of go-containerregistry's validateRealmURL.
 */
import type { FaultOf } from '#report/fault.ts';
import { contains, parseAddress, parseNetwork, type Address, type Network } from '#go/ip.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';

export interface RealmAsker {
  readonly scheme: string;
  readonly host: string;
  /** What the registry's host is, or resolved to. */
  readonly addresses: readonly string[];
}

export function trustRealm(realm: URL, registry: RealmAsker): Outcome<true> {
  const refuse = (why: string): Outcome<true> =>
    bad({ code: 'agent.distrusts_realm', realm: realm.host, why } satisfies FaultOf<'agent.distrusts_realm'>);
  const host = bare(realm.hostname);
  if (host === bare(registry.host)) return good(true);
  if (realm.protocol === 'http:' && registry.scheme === 'https')
    return refuse('it is plain HTTP while the registry is HTTPS');
  if (isLinkLocal(host)) return refuse('it is a link-local address, where metadata services live');
  if (isInward(host) && !registry.addresses.some((address) => isInward(bare(address))))
    return refuse('it points into a private network while the registry does not');
  return good(true);
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

const linkLocal = networks('169.254.0.0/16', 'fe80::/10');
const inward = networks(
  '0.0.0.0/8',
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
);

function isLinkLocal(host: string): boolean {
  return host === 'metadata.google.internal' || isIn(host, linkLocal);
}

/** Within this machine or a private network, as far as an address or a name says it by itself. */
export function isInward(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isIn(host, inward);
}

function isIn(host: string, within: readonly Network[]): boolean {
  const address: Address | undefined = parseAddress(host);
  return address !== undefined && within.some((network) => contains(network, address));
}

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? []);
}
