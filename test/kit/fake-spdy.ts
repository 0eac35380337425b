/**
 * The server's side of SPDY/3.1 as kubelets speak it for a port-forward, written from the protocol's text (SPDY Protocol,
 * Draft 3.1) and not from the client in src/: it inflates what it is sent as one zlib stream and wants a stream for errors and
 * one for data before it connects.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib';

export interface SpdyEvents {
  readonly opened: (headers: Readonly<Record<string, string>>) => void;
  readonly data: (chunk: Buffer) => void;
  readonly send: (message: Buffer) => void;
}

export class FakeSpdy {
  readonly #events: SpdyEvents;
  readonly #kinds = new Map<number, string>();
  #rest = Buffer.alloc(0);
  #blocks = Buffer.alloc(0);
  #inflated = 0;
  #replies = 0;

  constructor(events: SpdyEvents) {
    this.#events = events;
  }

  hear(message: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, message]);
    while (this.#rest.length >= 8 && this.#rest.length >= 8 + this.#rest.readUIntBE(5, 3)) {
      const frame = this.#rest.subarray(0, 8 + this.#rest.readUIntBE(5, 3));
      this.#rest = this.#rest.subarray(frame.length);
      this.#frame(frame);
    }
  }

  /** Data for the client, in frames of the size that spdystream makes, cut anew into messages. */
  data(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += 32 * 1024) this.#data('data', chunk.subarray(at, at + 32 * 1024), 0);
  }

  end(): void {
    for (const kind of ['data', 'error']) this.#data(kind, Buffer.alloc(0), 1);
  }

  /** As a kubelet of 1.36 does: the data ends before it is said why. */
  problem(text: string): void {
    this.#data('data', Buffer.alloc(0), 1);
    this.#data('error', Buffer.from(text), 0);
  }

  ping(): void {
    this.#events.send(Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 2]));
  }

  #data(kind: string, chunk: Buffer, flags: number): void {
    const stream = [...this.#kinds].find(([, each]) => each === kind)?.[0] ?? 0;
    const head = Buffer.alloc(8);
    head.writeUInt32BE(stream, 0);
    head.writeUInt8(flags, 4);
    head.writeUIntBE(chunk.length, 5, 3);
    const frame = Buffer.concat([head, chunk]);
    // A message need not be a frame.
    this.#events.send(frame.subarray(0, 5));
    this.#events.send(frame.subarray(5));
  }

  #frame(frame: Buffer): void {
    const first = frame.readUInt32BE(0);
    const body = frame.subarray(8);
    if (first < 0x8000_0000) {
      if (this.#kinds.get(first) === 'data' && body.length > 0) this.#events.data(body);
      return;
    }
    if (first !== 0x8003_0001) return;
    const stream = body.readUInt32BE(0);
    const headers = this.#headers(body.subarray(10));
    this.#kinds.set(stream, headers['streamtype'] ?? '');
    this.#reply(stream);
    if (this.#kinds.size === 2) this.#events.opened(headers);
  }

  #headers(block: Buffer): Record<string, string> {
    this.#blocks = Buffer.concat([this.#blocks, block]);
    const all = inflateSync(this.#blocks, { finishFlush: constants.Z_SYNC_FLUSH });
    const text = all.subarray(this.#inflated);
    this.#inflated = all.length;
    const headers: Record<string, string> = {};
    let at = 4;
    const next = (): string => {
      const length = text.readUInt32BE(at);
      at += 4 + length;
      return text.toString('utf8', at - length, at);
    };
    for (let left = text.readUInt32BE(0); left > 0; left -= 1) headers[next()] = next();
    return headers;
  }

  #reply(stream: number): void {
    const block = deflateSync(Buffer.from([0, 0, 0, 0]), { finishFlush: constants.Z_SYNC_FLUSH });
    const head = Buffer.from([0x80, 3, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    this.#replies += 1;
    head.writeUIntBE(4 + block.length, 5, 3);
    head.writeUInt32BE(stream, 8);
    this.#events.send(Buffer.concat([head, block]));
  }
}
