/**
 * The order in which Go tries the addresses of one name: RFC 6724 as in net/addrselect.go (Go 1.26), with its rules 1, 2,
 * 5, 6, 8 and 9 (the last for IPv6 only). Deprecated and home addresses and native transport (3, 4, 7) Go leaves out too.
 */
import ipaddr from 'ipaddr.js';

interface Policy {
  readonly precedence: number;
  readonly label: number;
}

/** rfc6724policyTable, longest prefix first. */
const policies: readonly (readonly [network: string, policy: Policy])[] = [
  ['::1/128', { precedence: 50, label: 0 }],
  ['::ffff:0:0/96', { precedence: 35, label: 4 }],
  ['::/96', { precedence: 1, label: 3 }],
  ['2001::/32', { precedence: 5, label: 5 }],
  ['2002::/16', { precedence: 30, label: 2 }],
  ['3ffe::/16', { precedence: 1, label: 12 }],
  ['fec0::/10', { precedence: 1, label: 11 }],
  ['fc00::/7', { precedence: 3, label: 13 }],
  ['::/0', { precedence: 40, label: 1 }],
];

/** classifyScope: link-local, site-local, global. */
type Scope = 0x2 | 0x5 | 0xe;

interface Attributes {
  readonly address: string;
  readonly bytes: readonly number[];
  readonly isV6: boolean;
  readonly policy: Policy;
  readonly scope: Scope;
}

/** An address and the node's own address that the kernel would use towards it; undefined where there is no route. */
export interface Pair {
  readonly address: string;
  readonly source: string | undefined;
}

/** Stable: addresses that no rule orders stay as the server sent them. */
export function sorted(pairs: readonly Pair[]): readonly string[] {
  const candidates = pairs.map(({ address, source }) => ({
    to: attributesOf(address),
    from: source === undefined ? undefined : attributesOf(source),
  }));
  return candidates.toSorted(compare).map(({ to }) => to.address);
}

interface Candidate {
  readonly to: Attributes;
  readonly from: Attributes | undefined;
}

/** byRFC6724.Less; negative: a first. */
function compare(a: Candidate, b: Candidate): number {
  if (a.from === undefined || b.from === undefined) return Number(a.from === undefined) - Number(b.from === undefined);
  const sameScope = Number(b.to.scope === b.from.scope) - Number(a.to.scope === a.from.scope);
  if (sameScope !== 0) return sameScope;
  const sameLabel =
    Number(b.to.policy.label === b.from.policy.label) - Number(a.to.policy.label === a.from.policy.label);
  if (sameLabel !== 0) return sameLabel;
  if (a.to.policy.precedence !== b.to.policy.precedence) return b.to.policy.precedence - a.to.policy.precedence;
  if (a.to.scope !== b.to.scope) return a.to.scope - b.to.scope;
  if (!a.to.isV6 || !b.to.isV6) return 0;
  return commonBits(b.from, b.to) - commonBits(a.from, a.to);
}

/** commonPrefixLen: of IPv6 addresses only the first 64 bits count. */
function commonBits(a: Attributes, b: Attributes): number {
  if (a.isV6 !== b.isV6) return 0;
  for (let i = 0; i < 8; i += 1) {
    const difference = (a.bytes[i] ?? 0) ^ (b.bytes[i] ?? 0);
    if (difference !== 0) return i * 8 + Math.clz32(difference) - 24;
  }
  return 64;
}

function attributesOf(address: string): Attributes {
  const parsed = ipaddr.process(address.replace(/%.*$/, ''));
  const isV6 = parsed instanceof ipaddr.IPv6;
  const mapped = parsed instanceof ipaddr.IPv6 ? parsed : parsed.toIPv4MappedAddress();
  const policy = policies.find(([network]) => mapped.match(ipaddr.IPv6.parseCIDR(network)))?.[1];
  return {
    address,
    bytes: mapped.toByteArray(),
    isV6,
    policy: policy ?? { precedence: 40, label: 1 },
    scope: scopeOf(parsed),
  };
}

function scopeOf(address: ipaddr.IPv4 | ipaddr.IPv6): Scope {
  const range = address.range();
  if (range === 'loopback' || range === 'linkLocal') return 0x2;
  if (address instanceof ipaddr.IPv6 && address.match(ipaddr.IPv6.parseCIDR('fec0::/10'))) return 0x5;
  return 0xe;
}
