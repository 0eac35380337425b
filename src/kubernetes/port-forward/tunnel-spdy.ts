/**
 * The newer dialect of the port-forward (KEP-4006): SPDY/3.1 frames in the binary messages of a WebSocket, a stream for errors
 * and one for data (client-go tools/portforward/portforward.go handleConnection, k8s v1.36). Of SPDY as much as one connection
 * needs: there is no flow control here, as there is none in the servers' own library (moby/spdystream).
 */
import { constants, deflateRawSync, deflateSync } from 'node:zlib';
import type { Dialect, Read } from './tunnel.ts';

export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';

const [synStream, synReply, rstStream, ping, goAway] = [1, 2, 3, 6, 7] as const;
const finished = 1;
/** Ours are odd. */
const streams = { error: 1, data: 3 } as const;
/** A server that announces more than this is none of ours; the largest data frame of spdystream holds 32 KiB. */
const longestFrame = 1 << 20;
const longestProblem = 500;

interface State {
  rest: Buffer;
  readonly replied: Set<number>;
  /** Streams on which nothing more comes. */
  readonly ended: Set<number>;
  hasData: boolean;
  problem: string;
}

export function spdy(port: number): Dialect {
  const state: State = { rest: Buffer.alloc(0), replied: new Set(), ended: new Set(), hasData: false, problem: '' };
  return {
    // Each stream is answered before anything is sent on it, as client-go's CreateStream waits.
    hello: () => [
      open(streams.error, { streamtype: 'error', port: String(port), requestid: '0' }, deflateSync),
      // Nothing is ever written to the stream of errors.
      dataFrame(streams.error, Buffer.alloc(0), finished),
      open(streams.data, { streamtype: 'data', port: String(port), requestid: '0' }, deflateRawSync),
    ],
    data: (chunk) => [dataFrame(streams.data, chunk, 0)],
    read: (message) => {
      state.rest = Buffer.concat([state.rest, message]);
      return readFrames(state);
    },
  };
}

function readFrames(state: State): Read {
  const data: Uint8Array[] = [];
  const replies: Uint8Array[] = [];
  let isOver = false;
  for (let frame = nextFrame(state); frame !== undefined; frame = nextFrame(state)) {
    if (typeof frame === 'string') return { data, replies, isOpen: false, isOver: true, problem: frame };
    const { type, stream, flags, body } = frame;
    const ends = (flags & finished) !== 0;
    switch (type) {
      case 'data':
        if (stream === streams.data && body.length > 0) data.push(body);
        if (stream === streams.error) state.problem += body.toString('utf8');
        if (ends) state.ended.add(stream);
        break;
      case synReply:
        state.replied.add(stream);
        break;
      case rstStream:
        state.ended.add(stream);
        break;
      case ping:
        replies.push(control(ping, 0, body.subarray(0, 4)));
        break;
      case goAway:
        isOver = true;
        break;
      default:
        break;
    }
  }
  state.hasData ||= data.length > 0;
  // A stream of data that ends empty: why, is about to be said on the other.
  isOver ||= state.ended.has(streams.data) && (state.hasData || state.ended.has(streams.error));
  const isOpen = state.replied.has(streams.error) && state.replied.has(streams.data);
  const problem = state.problem.slice(0, longestProblem);
  return { data, replies, isOpen, isOver, ...(problem === '' ? {} : { problem }) };
}

interface Frame {
  readonly type: number | 'data';
  readonly stream: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** Undefined until it is whole; a text where it cannot be one. */
function nextFrame(state: State): Frame | string | undefined {
  const { rest } = state;
  if (rest.length < 8) return undefined;
  const length = rest.readUIntBE(5, 3);
  if (length > longestFrame) return `a SPDY frame of ${length} bytes`;
  if (rest.length < 8 + length) return undefined;
  state.rest = rest.subarray(8 + length);
  const [first, flags, body] = [rest.readUInt32BE(0), rest.readUInt8(4), rest.subarray(8, 8 + length)];
  if (first < 0x8000_0000) return { type: 'data', stream: first, flags, body };
  const type = first & 0xffff;
  const stream = body.length >= 4 ? body.readUInt32BE(0) & 0x7fff_ffff : 0;
  return { type, stream, flags, body };
}

function dataFrame(stream: number, chunk: Uint8Array, flags: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(stream, 0);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(chunk.length, 5, 3);
  return Buffer.concat([head, chunk]);
}

function control(type: number, flags: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(0x8003_0000 + type, 0);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

/**
 * SYN_STREAM. All headers of a connection are one zlib stream, flushed after each block: the first block has zlib's header, a
 * later one goes on without. Ours make no use of SPDY's dictionary, which zlib's own header then says.
 */
function open(stream: number, headers: Readonly<Record<string, string>>, deflate: typeof deflateSync): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt32BE(stream, 0);
  const pairs = Object.entries(headers).flatMap(([name, value]) => [sized(name), sized(value)]);
  const block = Buffer.concat([uint32(Object.keys(headers).length), ...pairs]);
  return control(synStream, 0, Buffer.concat([head, deflate(block, { finishFlush: constants.Z_SYNC_FLUSH })]));
}

function sized(text: string): Buffer {
  return Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);
}

function uint32(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(value);
  return four;
}
