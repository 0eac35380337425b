/**
 * Whether a request may go where an answer of a registry points. containerd sends a credential to whatever URL a challenge names
 * and follows every redirect; the agent does not where that leads into the node itself, to a metadata service, or from HTTPS to
 * plain HTTP. The reasons are those of go-containerregistry's validateRealmURL, which judges the text of the URL alone; addresses
 * are judged here as well.
 */
import type { FaultOf } from '#report/fault.ts';
import { withoutBrackets } from '#go/host-port.ts';
import { contains, isV4, parseAddress, parseNetwork, sameAddress, type Address, type Network } from '#go/ip.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';

export interface RealmAsker {
  readonly scheme: string;
  readonly host: string;
  /** The registry's host where it is an address, and the addresses that it resolved to. */
  readonly addresses: readonly string[];
}

/** By the text of the realm's URL alone; `inwardAddress` judges what its name resolves to. */
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
  return withoutBrackets(host).replace(/\.$/, '');
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

/** Within this machine or a private network, as far as an address or a name shows it. */
export function isInward(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || isIn(host, inward);
}

/** Linux connects 0.0.0.0 and :: to the machine itself. */
const loopback = networks('127.0.0.0/8', '0.0.0.0/8', '::/127');
/**
 * Link-local addresses, where the metadata services of most clouds are, and those of AWS (fd00:ec2::254), Google (fd20:ce::254)
 * and Alibaba Cloud (100.100.100.200) that are not link-local.
 */
const metadata = networks('169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32', 'fd20:ce::254/128', '100.100.100.200/32');
/** RFC 6052: the last four bytes are an IPv4 address. */
const nat64 = networks('64:ff9b::/96');

const kinds = {
  metadata: 'a link-local address, where metadata services live',
  loopback: 'a loopback address, while the registry does not',
  own: 'an address of this node, while the registry does not',
} as const;

type Kind = keyof typeof kinds;

export interface InwardCheck {
  /** What the name in the URL resolves to: all of these may be connected to. */
  readonly addresses: readonly string[];
  /** What the registry's name resolves to. */
  readonly registry: readonly string[];
  /** The addresses of the node's own interfaces; empty: they are not refused. */
  readonly own: readonly string[];
}

/** Why the first address that must not be connected to is refused; undefined: all may be. */
export function inwardAddress({ addresses, registry, own }: InwardCheck): string | undefined {
  const allowed = new Set(registry.map((address) => networkOf(kindOf(address, own))));
  for (const address of addresses) {
    const kind = kindOf(address, own);
    if (kind !== undefined && !allowed.has(networkOf(kind))) return `it resolves to ${address}, ${kinds[kind]}`;
  }
  return undefined;
}

/** A registry on this machine may name any address of it. */
function networkOf(kind: Kind | undefined): 'metadata' | 'machine' | undefined {
  return kind === 'loopback' || kind === 'own' ? 'machine' : kind;
}

function kindOf(text: string, own: readonly string[]): Kind | undefined {
  const address = embedded(parseAddress(withoutZone(text)));
  if (address === undefined) return undefined;
  if (isWithinAny(address, metadata)) return 'metadata';
  if (isWithinAny(address, loopback)) return 'loopback';
  const isOwn = own.some((one) => sameAddress(address, parseAddress(withoutZone(one)) ?? []));
  return isOwn ? 'own' : undefined;
}

/** The IPv4 address inside a NAT64 address; any other address as it is. */
function embedded(address: Address | undefined): Address | undefined {
  if (address === undefined || isV4(address) || !isWithinAny(address, nat64)) return address;
  return [...Array.from({ length: 10 }, () => 0), 0xff, 0xff, ...address.slice(12)];
}

function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? address;
}

function isIn(host: string, within: readonly Network[]): boolean {
  const address: Address | undefined = parseAddress(host);
  return address !== undefined && isWithinAny(address, within);
}

function isWithinAny(address: Address, within: readonly Network[]): boolean {
  return within.some((network) => contains(network, address));
}

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? []);
}
