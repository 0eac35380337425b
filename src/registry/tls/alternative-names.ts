/** The subject alternative names of a certificate, from the text that Node makes of them. */
import ipaddr from 'ipaddr.js';

interface Names {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** Node writes `DNS:a.example, IP Address:10.0.0.1`, and ambiguous values as JSON strings. */
export function namesIn(subjectAltName: string): Names {
  const dns: string[] = [];
  const ips: string[] = [];
  for (const [, kind = '', value = ''] of subjectAltName.matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const text = value.startsWith('"') ? unquote(value) : value;
    if (kind === 'DNS') dns.push(text);
    if (kind === 'IP Address') ips.push(canonical(text));
  }
  return { dns, ips };
}

function unquote(json: string): string {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : json;
  } catch {
    return json;
  }
}

/** One spelling for each address. An IPv4-mapped IPv6 address equals the IPv4 address, as in Go's IP.Equal. */
export function canonical(address: string): string {
  const plain = address.replace(/%.*$/, '');
  return ipaddr.isValid(plain) ? ipaddr.process(plain).toString() : address;
}
