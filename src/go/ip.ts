/**
 * Addresses as Go's net package reads them (Go 1.26 net/ip.go ParseIP, ParseCIDR; net/netip ParseAddr; net/ipsock.go
 * SplitHostPort). An address is 16 bytes; IPv4 stands in them as ::ffff:a.b.c.d, as in Go.
 */
export type Address = readonly number[];

export interface Network {
  readonly address: Address;
  /** Over all 16 bytes. */
  readonly bits: number;
}

const v4Prefix: Address = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const longest = 64;

/** ParseIP: no zone, no leading zeros in IPv4, no brackets. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > longest) return undefined;
  return text.includes(':') ? parseV6(text) : parseV4In16(text);
}

export function isV4(address: Address): boolean {
  return v4Prefix.every((byte, i) => address[i] === byte);
}

export function isLoopback(address: Address): boolean {
  if (isV4(address)) return address[12] === 127;
  return address.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

export function sameAddress(one: Address, other: Address): boolean {
  return one.every((byte, i) => other[i] === byte);
}

/** ParseCIDR: the network, its host bits cleared. */
export function parseNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const written = text.slice(0, slash);
  const length = text.slice(slash + 1);
  const address = parseAddress(written);
  if (address === undefined || !/^\d{1,6}$/.test(length)) return undefined;
  const width = written.includes(':') ? 128 : 32;
  if (Number(length) > width) return undefined;
  const bits = Number(length) + 128 - width;
  return { address: address.map((byte, i) => byte & maskByte(bits, i)), bits };
}

/** IPNet.Contains: a network holds only addresses of its own family. */
export function contains(network: Network, address: Address): boolean {
  if (isV4(network.address) !== isV4(address)) return false;
  return network.address.every((byte, i) => byte === ((address[i] ?? 0) & maskByte(network.bits, i)));
}

/** SplitHostPort: undefined where Go reports an error, such as a missing port or too many colons. */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return undefined;
  const port = text.slice(colon + 1);
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end < 0 || end + 1 !== colon) return undefined;
    const host = text.slice(1, end);
    return /[[]/.test(host) || /[[\]]/.test(port) ? undefined : { host, port };
  }
  const host = text.slice(0, colon);
  return /[:[\]]/.test(host) || /[[\]]/.test(port) ? undefined : { host, port };
}

function maskByte(bits: number, index: number): number {
  const inByte = Math.min(Math.max(bits - index * 8, 0), 8);
  return (0xff << (8 - inByte)) & 0xff;
}

function parseV4In16(text: string): Address | undefined {
  const v4 = parseV4(text);
  return v4 === undefined ? undefined : [...v4Prefix, ...v4];
}

function parseV4(text: string): readonly number[] | undefined {
  const fields = text.split('.');
  if (fields.length !== 4) return undefined;
  if (!fields.every((field) => /^(?:0|[1-9]\d{0,2})$/.test(field) && Number(field) <= 255)) return undefined;
  return fields.map(Number);
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = '', tail] = halves;
  const left = readGroups(head, tail === undefined ? 'last' : 'inner');
  const right = tail === undefined ? [] : readGroups(tail, 'last');
  if (left === undefined || right === undefined) return undefined;
  const missing = 16 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...left, ...Array.from({ length: missing }, () => 0), ...right];
}

/** Colon-separated groups as bytes; only the address's last group may be dotted IPv4. */
function readGroups(text: string, place: 'inner' | 'last'): readonly number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const v4 = place === 'last' && i === groups.length - 1 ? parseV4(group) : undefined;
      if (v4 === undefined) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
