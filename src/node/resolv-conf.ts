/**
 * The node's resolver as Go's net package sets itself up (dnsconfig_unix.go, conf.go, nss.go, hosts.go): resolv.conf, hosts,
 * nsswitch.conf, and whether Go would hand a name over to the C library. Looking names up is done elsewhere.
 */
import type { Doubt, Resolver, Unseen } from './view.ts';
import { bareRecord } from '#data/bare-record.ts';
import { statPath, readText, type Read, type HostRoot } from './host-root.ts';

export interface FoundResolver {
  readonly resolver: Resolver;
  readonly doubts: readonly Doubt[];
  readonly unseen: readonly Unseen[];
}

export interface ResolvConf extends Omit<Resolver, 'path' | 'order' | 'hosts'> {
  /** Something that Go does not know: it leaves such a file to the C library. */
  readonly unknown: boolean;
}

/** One source of a line of nsswitch.conf, with its `[STATUS=action]` criteria. */
export interface NssSource {
  readonly source: string;
  readonly standard: boolean;
}

export async function readResolver(root: HostRoot, env: ReadonlyMap<string, string>): Promise<FoundResolver> {
  const conf = await readText(root, '/etc/resolv.conf');
  const hosts = await readText(root, '/etc/hosts');
  const nss = await readText(root, '/etc/nsswitch.conf');
  const hostname = await readHostname(root);
  const { unknown, ...settings } = parseResolvConf(conf.ok ? conf.value : '', hostname);
  const sources = nss.ok ? parseNsswitch(nss.value) : [];
  const mdnsAllow = (await statPath(root, '/etc/mdns.allow')).ok;
  const libc =
    whyEnvironment(env) ??
    (unknown ? '/etc/resolv.conf has an option that Go does not know' : undefined) ??
    (sources === undefined ? '/etc/nsswitch.conf cannot be parsed' : whySources(sources, mdnsAllow));
  const resolver: Resolver = {
    ...settings,
    path: libc === undefined ? 'go' : 'libc',
    order: orderOf(sources ?? []),
    hosts: hosts.ok ? parseHosts(hosts.value) : bareRecord([]),
  };
  const because =
    libc === undefined ? [] : [`${libc}, so the C library may resolve names; approximated with the same files`];
  const unseen = [conf, hosts, nss].flatMap((read): readonly Unseen[] => {
    if (!isUnseen(read)) return [];
    const { why, how } = read.unread;
    return [
      { about: 'resolver', what: "the node's name servers and hosts", why, ...(how === undefined ? {} : { how }) },
    ];
  });
  const doubts = because.map((text): Doubt => ({ is: 'approximate', about: 'resolver', because: text }));
  return { resolver, doubts, unseen };
}

function isUnseen<T>(read: Read<T>): read is Extract<Read<T>, { ok: false }> {
  return !read.ok && read.unread.is === 'unseen';
}

export async function readHostname(root: HostRoot): Promise<string> {
  for (const path of ['/etc/hostname', '/proc/sys/kernel/hostname']) {
    const text = await readText(root, path);
    const name = text.ok ? (text.value.split('\n', 1)[0] ?? '').trim() : '';
    if (name !== '') return name;
  }
  return '';
}

/** dnsReadConfig: at most three servers, the last of `search` and `domain` counts, and defaults where nothing is said. */
export function parseResolvConf(text: string, hostname: string): ResolvConf {
  const servers: { address: string; port: number }[] = [];
  let search: readonly string[] = [];
  let unknown = false;
  const options = { ndots: 1, timeoutMs: 5000, attempts: 2, rotate: false, useTcp: false, singleRequest: false };
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.startsWith(';')) continue;
    const [token, ...rest] = fieldsOf(line);
    if (token === undefined) continue;
    if (token === 'nameserver') {
      const [address] = rest;
      if (address !== undefined && servers.length < 3 && isAddress(address)) servers.push({ address, port: 53 });
    } else if (token === 'domain') {
      if (rest[0] !== undefined) search = [unrooted(rest[0])];
    } else if (token === 'search') {
      search = rest.map(unrooted).filter((name) => name !== '');
    } else if (token === 'options') {
      for (const option of rest) unknown = !takeOption(options, option) || unknown;
    } else if (token !== 'lookup') {
      unknown = true;
    }
  }
  const named = servers.length > 0 ? servers : ['127.0.0.1', '::1'].map((address) => ({ address, port: 53 }));
  return { ...options, servers: named, search: search.length > 0 ? search : defaultSearch(hostname), unknown };
}

interface Options {
  ndots: number;
  timeoutMs: number;
  attempts: number;
  rotate: boolean;
  useTcp: boolean;
  singleRequest: boolean;
}

/** Whether Go knows the option. */
function takeOption(options: Options, option: string): boolean {
  const number = (from: number): number => Number(/^\d{1,7}/.exec(option.slice(from))?.[0] ?? 0);
  if (option.startsWith('ndots:')) options.ndots = Math.min(15, number(6));
  else if (option.startsWith('timeout:')) options.timeoutMs = Math.max(1, number(8)) * 1000;
  else if (option.startsWith('attempts:')) options.attempts = Math.max(1, number(9));
  else if (option === 'rotate') options.rotate = true;
  else if (option === 'single-request' || option === 'single-request-reopen') options.singleRequest = true;
  else if (option === 'use-vc' || option === 'usevc' || option === 'tcp') options.useTcp = true;
  else return option === 'trust-ad' || option === 'edns0' || option === 'no-reload';
  return true;
}

/** dnsDefaultSearch: what follows the first dot of the host's own name. */
function defaultSearch(hostname: string): readonly string[] {
  const dot = hostname.indexOf('.');
  const domain = dot === -1 ? '' : unrooted(hostname.slice(dot + 1));
  return domain === '' ? [] : [domain];
}

/** Go keeps names with their last dot; here they stand without it. */
function unrooted(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

function fieldsOf(line: string): readonly string[] {
  return line.split(/[ \t\r]+/).filter((part) => part !== '');
}

/** netip.ParseAddr: IPv4 without leading zeros, or IPv6 with an optional zone. */
export function isAddress(text: string): boolean {
  if (!text.includes(':')) return /^(?:(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/.test(text);
  const [address = '', zone] = text.split('%', 2);
  return zone !== '' && /^[0-9a-fA-F:.]+$/.test(address) && URL.canParse(`http://[${address}]/`);
}

/** readHosts: names in lower case, addresses gathered over all lines in their order. */
export function parseHosts(text: string): Resolver['hosts'] {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = fieldsOf(line.split('#', 1)[0] ?? '');
    if (address === undefined || !isAddress(address)) continue;
    for (const written of names) {
      const name = unrooted(written.toLowerCase());
      const addresses = hosts.get(name);
      if (addresses === undefined) hosts.set(name, [address]);
      else addresses.push(address);
    }
  }
  return bareRecord(hosts);
}

/** nss.go parseNSSConf: the sources of `hosts`; undefined where Go cannot parse the file. */
export function parseNsswitch(text: string): readonly NssSource[] | undefined {
  const sources: NssSource[] = [];
  for (const raw of text.split('\n')) {
    const line = (raw.split('#', 1)[0] ?? '').trim();
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon === -1) return undefined;
    const parsed = parseSources(line.slice(colon + 1).trim());
    if (parsed === undefined) return undefined;
    if (line.slice(0, colon).trim() === 'hosts') sources.push(...parsed);
  }
  return sources;
}

function parseSources(text: string): readonly NssSource[] | undefined {
  const sources: NssSource[] = [];
  let rest = text;
  while (rest !== '') {
    const source = /^[^\s[]*/.exec(rest)?.[0] ?? '';
    rest = rest.slice(source.length).trimStart();
    let criteria: readonly string[] = [];
    if (rest.startsWith('[')) {
      const end = rest.indexOf(']');
      if (end === -1) return undefined;
      criteria = fieldsOf(rest.slice(1, end).toLowerCase());
      // Go refuses a criterion shorter than `a=b`.
      if (criteria.some((criterion) => criterion.replace(/^!/, '').length < 3)) return undefined;
      rest = rest.slice(end + 1).trimStart();
    }
    sources.push({
      source,
      standard: criteria.every((text, index) => isStandard(text, index === criteria.length - 1)),
    });
  }
  return sources;
}

/** standardStatusAction: what every resolver does by itself, which Go can do as well. */
function isStandard(criterion: string, isLast: boolean): boolean {
  const [status = '', action = ''] = criterion.split('=', 2);
  if (!['success', 'notfound', 'unavail', 'tryagain'].includes(status)) return false;
  if (isLast && action === 'return') return true;
  return action === (status === 'success' ? 'return' : 'continue');
}

/** conf.go initConfVal. containerd's releases are built with cgo, so the C library is there to be asked. */
function whyEnvironment(env: ReadonlyMap<string, string>): string | undefined {
  if (env.has('LOCALDOMAIN')) return 'LOCALDOMAIN is set for the runtime';
  const name = ['RES_OPTIONS', 'HOSTALIASES'].find((variable) => (env.get(variable) ?? '') !== '');
  if (name !== undefined) return `${name} is set for the runtime`;
  return /(?:^|,)netdns=(?:\d\+)?cgo/.test(env.get('GODEBUG') ?? '') ? 'GODEBUG asks for the C library' : undefined;
}

/** hostLookupOrder for a registry's name: neither local, nor the node's own, nor below `.local`. */
function whySources(sources: readonly NssSource[], mdnsAllow: boolean): string | undefined {
  for (const { source, standard } of sources) {
    if (source === 'files' || source === 'dns') {
      if (!standard) return `/etc/nsswitch.conf gives ${source} criteria of its own`;
    } else if (source.startsWith('mdns')) {
      if (mdnsAllow) return 'there is an /etc/mdns.allow';
    } else if (source !== 'myhostname') {
      return `/etc/nsswitch.conf names ${source}`;
    }
  }
  return undefined;
}

/** A source that only the C library knows stands for DNS where the file names none. */
function orderOf(sources: readonly NssSource[]): Resolver['order'] {
  const order: ('files' | 'dns')[] = [];
  const hasDns = sources.some(({ source }) => source === 'dns');
  for (const { source } of sources) {
    const kind = source === 'files' ? 'files' : source === 'dns' || (!hasDns && isForeign(source)) ? 'dns' : undefined;
    if (kind !== undefined && !order.includes(kind)) order.push(kind);
  }
  return order.length > 0 ? order : ['files', 'dns'];
}

function isForeign(source: string): boolean {
  return source !== 'myhostname' && !source.startsWith('mdns');
}
