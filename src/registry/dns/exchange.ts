/**
 * One query to one name server, as Go sends it (net/dnsclient_unix.go exchange, dnsPacketRoundTrip, dnsStreamRoundTrip,
 * checkHeader, skipToAnswer, Go 1.26): over UDP and, where the answer was truncated, over TCP. A message that does not answer
 * the query is ignored as a possible forgery, so that a server that sends nothing else times out.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import dnsPacket, { type DecodedPacket } from 'dns-packet';
import { ByteBuffer } from '#data/byte-buffer.ts';
import { codeOf } from '#data/error-code.ts';

/** maxDNSPacketSize: announced with EDNS(0). A longer message is read up to there and does not parse. */
const mostUdpBytes = 1232;

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

export interface Question {
  /** Fully qualified, with the final dot. */
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

export interface QueryOptions {
  readonly timeoutMs: number;
  /** resolv.conf `use-vc`. */
  readonly useTcp: boolean;
  readonly signal: AbortSignal;
}

/** `absent` ends the search among servers; after each of the later ones Go tries the next server. */
export type Reply =
  | { readonly is: 'addresses'; readonly addresses: readonly string[] }
  | { readonly is: 'absent' }
  | { readonly is: 'failed'; readonly rcode: string }
  | { readonly is: 'malformed'; readonly why: string }
  | { readonly is: 'silent' }
  | { readonly is: 'refused' }
  /** The system did not send, or the connection broke. */
  | { readonly is: 'broken'; readonly why: string };

type Read =
  | { readonly is: 'answer'; readonly packet: DecodedPacket; readonly hasMore: boolean }
  | Exclude<Reply, { is: 'addresses' | 'absent' }>;

export async function queryServer(server: NameServer, question: Question, options: QueryOptions): Promise<Reply> {
  const id = randomInt(0, 65_536);
  const packet = dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: question.type, name: question.name.replace(/\.$/, '') }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: mostUdpBytes,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  const query = { server, question, options, packet, id };
  if (!options.useTcp) {
    const read = await overUdp(query);
    if (read.is !== 'answer' || !read.packet.flag_tc) return replyOf(read, question);
  }
  return replyOf(await overTcp(query), question);
}

interface Query {
  readonly server: NameServer;
  readonly question: Question;
  readonly options: QueryOptions;
  readonly packet: Buffer;
  readonly id: number;
}

async function overUdp(query: Query): Promise<Read> {
  const { server, options } = query;
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const settle = (read: Read): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onTimeout);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      resolve(read);
    };
    const onTimeout = (): void => settle({ is: 'silent' });
    const timer = setTimeout(onTimeout, options.timeoutMs);
    options.signal.addEventListener('abort', onTimeout);
    socket.on('error', (error) => settle(brokenBy(error)));
    socket.on('message', (message) => {
      const read = readMessage(message.subarray(0, mostUdpBytes), query);
      if (read !== undefined) settle(read);
    });
    // Only a connected socket reports that the port is closed.
    socket.on('connect', () => socket.send(query.packet));
    socket.connect(server.port, server.address);
    if (options.signal.aborted) onTimeout();
  });
}

async function overTcp(query: Query): Promise<Read> {
  const { server, options } = query;
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port, autoSelectFamily: false });
    const held = new ByteBuffer(2 + 0xffff);
    const settle = (read: Read): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', onTimeout);
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
      resolve(read);
    };
    const onTimeout = (): void => settle({ is: 'silent' });
    const timer = setTimeout(onTimeout, options.timeoutMs);
    options.signal.addEventListener('abort', onTimeout);
    socket.on('error', (error) => settle(brokenBy(error)));
    socket.on('end', () => settle({ is: 'broken', why: 'EOF' }));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.packet.length);
      socket.write(Buffer.concat([length, query.packet]));
    });
    socket.on('data', (chunk) => {
      held.add(chunk);
      const bytes = Buffer.from(held.bytes());
      const wanted = bytes.length < 2 ? Infinity : 2 + bytes.readUInt16BE();
      if (bytes.length < wanted) return;
      settle(readMessage(bytes.subarray(2, wanted), query) ?? { is: 'malformed', why: 'invalid DNS response' });
    });
    if (options.signal.aborted) onTimeout();
  });
}

/** undefined: not an answer to the query. */
function readMessage(message: Buffer, query: Query): Read | undefined {
  if (message.length < 12 || message.readUInt16BE() !== query.id || (message.readUInt8(2) & 0x80) === 0) return;
  const question = questionOf(message);
  if (question === undefined || !sameQuestion(question, query.question)) return undefined;
  // Go parses the answers only; a fault in a later section does not matter.
  const read = Buffer.from(message);
  read.fill(0, 8, 12);
  try {
    return { is: 'answer', packet: dnsPacket.decode(read), hasMore: message.readUInt16BE(10) > 0 };
  } catch {
    return { is: 'malformed', why: 'cannot unmarshal DNS message' };
  }
}

/** The question section alone, which may parse where the rest does not. */
function questionOf(message: Buffer): { readonly type: string; readonly name: string } | undefined {
  const alone = Buffer.from(message);
  if (alone.readUInt16BE(4) === 0) return undefined;
  alone.writeUInt16BE(1, 4);
  alone.fill(0, 6, 12);
  try {
    return dnsPacket.decode(alone).questions?.[0];
  } catch {
    return undefined;
  }
}

function sameQuestion(given: { readonly type: string; readonly name: string }, asked: Question): boolean {
  return given.type === asked.type && given.name.toLowerCase() === asked.name.replace(/\.$/, '').toLowerCase();
}

function brokenBy(error: Error): Read {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return { is: 'refused' };
  return code === 'ETIMEDOUT' ? { is: 'silent' } : { is: 'broken', why: code };
}

function replyOf(read: Read, question: Question): Reply {
  if (read.is !== 'answer') return read;
  const { packet, hasMore } = read;
  // dns-packet sets it on every decoded packet; its types lack it.
  const rcode = 'rcode' in packet && typeof packet.rcode === 'string' ? packet.rcode : 'NOERROR';
  if (rcode === 'NXDOMAIN') return { is: 'absent' };
  if (rcode !== 'NOERROR') return { is: 'failed', rcode };
  const answers = packet.answers ?? [];
  const lame = !packet.flag_aa && !packet.flag_ra && answers.length === 0 && !hasMore;
  if (lame) return { is: 'failed', rcode: 'lame referral' };
  if (!answers.some((answer) => answer.type === question.type)) return { is: 'absent' };
  // The server follows aliases. Every address in the answer counts, whatever its name (goLookupIPCNAMEOrder).
  const addresses = answers.flatMap((answer) => (answer.type === 'A' || answer.type === 'AAAA' ? [answer.data] : []));
  return { is: 'addresses', addresses };
}
