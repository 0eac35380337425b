/**
 * One question to one name server, as Go asks it (net/dnsclient_unix.go exchange, dnsPacketRoundTrip, dnsStreamRoundTrip,
 * checkHeader, skipToAnswer, Go 1.26): over UDP and, where the answer was cut, over TCP. What does not answer our question
 * is passed over as a possible forgery, so a server that sends nothing else has timed out.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import dnsPacket, { type DecodedPacket } from 'dns-packet';
import { codeOf } from '#registry/fault.ts';

/** maxDNSPacketSize: announced with EDNS(0); what is longer is read up to there and does not parse. */
const mostUdpBytes = 1232;

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

export interface Question {
  /** Fully qualified, with its last dot. */
  readonly name: string;
  readonly type: 'A' | 'AAAA';
}

export interface Manner {
  readonly timeoutMs: number;
  /** resolv.conf `use-vc`. */
  readonly useTcp: boolean;
  readonly signal: AbortSignal;
}

/** `absent` ends the search among servers; everything after it makes Go try the next one. */
export type Reply =
  | { readonly is: 'addresses'; readonly addresses: readonly string[] }
  | { readonly is: 'absent' }
  | { readonly is: 'failed'; readonly rcode: string }
  | { readonly is: 'malformed'; readonly why: string }
  | { readonly is: 'silent' }
  | { readonly is: 'refused' }
  /** The system would not send, or broke the connection. */
  | { readonly is: 'broken'; readonly why: string };

type Read =
  | { readonly is: 'answer'; readonly packet: DecodedPacket; readonly hasMore: boolean }
  | Exclude<Reply, { is: 'addresses' | 'absent' }>;

export async function askServer(server: NameServer, question: Question, manner: Manner): Promise<Reply> {
  const id = randomInt(0, 65_536);
  const query = dnsPacket.encode({
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
  const asking = { server, question, manner, query, id };
  if (!manner.useTcp) {
    const read = await overUdp(asking);
    if (read.is !== 'answer' || !read.packet.flag_tc) return replyOf(read, question);
  }
  return replyOf(await overTcp(asking), question);
}

interface Asking {
  readonly server: NameServer;
  readonly question: Question;
  readonly manner: Manner;
  readonly query: Buffer;
  readonly id: number;
}

async function overUdp(asking: Asking): Promise<Read> {
  const { server, manner } = asking;
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const settle = (read: Read): void => {
      clearTimeout(timer);
      manner.signal.removeEventListener('abort', onSilence);
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      resolve(read);
    };
    const onSilence = (): void => settle({ is: 'silent' });
    const timer = setTimeout(onSilence, manner.timeoutMs);
    manner.signal.addEventListener('abort', onSilence);
    socket.on('error', (error) => settle(brokenBy(error)));
    socket.on('message', (message) => {
      const read = readMessage(message.subarray(0, mostUdpBytes), asking);
      if (read !== undefined) settle(read);
    });
    // A connected socket hears that nobody listens.
    socket.on('connect', () => socket.send(asking.query));
    socket.connect(server.port, server.address);
    if (manner.signal.aborted) onSilence();
  });
}

async function overTcp(asking: Asking): Promise<Read> {
  const { server, manner } = asking;
  return new Promise((resolve) => {
    const socket = connect({ host: server.address, port: server.port, autoSelectFamily: false });
    let held = Buffer.alloc(0);
    const settle = (read: Read): void => {
      clearTimeout(timer);
      manner.signal.removeEventListener('abort', onSilence);
      socket.removeAllListeners().on('error', () => undefined);
      socket.destroy();
      resolve(read);
    };
    const onSilence = (): void => settle({ is: 'silent' });
    const timer = setTimeout(onSilence, manner.timeoutMs);
    manner.signal.addEventListener('abort', onSilence);
    socket.on('error', (error) => settle(brokenBy(error)));
    socket.on('end', () => settle({ is: 'broken', why: 'EOF' }));
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(asking.query.length);
      socket.write(Buffer.concat([length, asking.query]));
    });
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      const wanted = held.length < 2 ? Infinity : 2 + held.readUInt16BE();
      if (held.length < wanted) return;
      settle(readMessage(held.subarray(2, wanted), asking) ?? { is: 'malformed', why: 'invalid DNS response' });
    });
    if (manner.signal.aborted) onSilence();
  });
}

/** undefined: not an answer to our question. */
function readMessage(message: Buffer, asking: Asking): Read | undefined {
  if (message.length < 12 || message.readUInt16BE() !== asking.id || (message.readUInt8(2) & 0x80) === 0) return;
  const question = questionOf(message);
  if (question === undefined || !sameQuestion(question, asking.question)) return undefined;
  // Go reads no further than the answers; what follows them cannot spoil them.
  const read = Buffer.from(message);
  read.fill(0, 8, 12);
  try {
    return { is: 'answer', packet: dnsPacket.decode(read), hasMore: message.readUInt16BE(10) > 0 };
  } catch {
    return { is: 'malformed', why: 'cannot unmarshal DNS message' };
  }
}

/** The question alone, which is readable also where the rest is not. */
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
  // The types leave it out; dns-packet sets it on every decoded packet.
  const rcode = 'rcode' in packet && typeof packet.rcode === 'string' ? packet.rcode : 'NOERROR';
  if (rcode === 'NXDOMAIN') return { is: 'absent' };
  if (rcode !== 'NOERROR') return { is: 'failed', rcode };
  const answers = packet.answers ?? [];
  const lame = !packet.flag_aa && !packet.flag_ra && answers.length === 0 && !hasMore;
  if (lame) return { is: 'failed', rcode: 'lame referral' };
  if (!answers.some((answer) => answer.type === question.type)) return { is: 'absent' };
  // Aliases are followed by the server; every address in the answer counts, whatever its name (goLookupIPCNAMEOrder).
  const addresses = answers.flatMap((answer) => (answer.type === 'A' || answer.type === 'AAAA' ? [answer.data] : []));
  return { is: 'addresses', addresses };
}
