/**
 * One TCP connection to a port of a Pod, over the messages of a WebSocket with the subprotocol v4.channel.k8s.io: each message
 * begins with the number of its channel (0 data, 1 error), and the first message of each channel contains only the port's number
 * (kubelet pkg/cri/streaming/portforward/websocket.go, k8s v1.36; the same in containerd's and CRI-O's copy).
 */
import { Duplex } from 'node:stream';

export const channelProtocol = 'v4.channel.k8s.io';

const dataChannel = 0;
const errorChannel = 1;
const portBytes = 2;
/** The kubelet writes one sentence to the error channel. */
const longestProblem = 500;

/** The WebSocket that carries the messages. */
export interface MessageCarrier {
  readonly send: (message: Uint8Array) => void;
  readonly close: () => void;
}

export class Tunnel extends Duplex {
  readonly #carrier: MessageCarrier;
  /** Bytes of the port's number that each channel has still to send. */
  readonly #portLeft = new Map([
    [dataChannel, portBytes],
    [errorChannel, portBytes],
  ]);
  #isOpen = false;
  #pendingWrite: (() => void) | undefined;

  constructor(carrier: MessageCarrier) {
    super();
    this.#carrier = carrier;
    // The next user of the tunnel finds the error in `errored`.
    this.on('error', () => undefined);
  }

  /** Call it for each message of the WebSocket. */
  receive(message: Uint8Array): void {
    const channel = message[0] ?? -1;
    const skipped = Math.min(this.#portLeft.get(channel) ?? 0, message.length - 1);
    this.#portLeft.set(channel, (this.#portLeft.get(channel) ?? 0) - skipped);
    const rest = message.subarray(1 + skipped);
    if (channel === errorChannel && rest.length > 0) {
      this.destroy(new TunnelError(new TextDecoder().decode(rest).slice(0, longestProblem)));
      return;
    }
    if (channel === dataChannel && rest.length > 0) this.push(rest);
    // The kubelet sends the port before it connects; data that is written meanwhile waits there.
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#pendingWrite?.();
    this.#pendingWrite = undefined;
  }

  /** Call it when the WebSocket has closed. */
  carrierClosed(): void {
    this.push(null);
    if (!this.#isOpen) this.destroy(new TunnelError('the connection ended before the port was open'));
  }

  /** `receive` pushes messages as they arrive. */
  override _read(): void {
    return;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    const send = (): void => {
      this.#carrier.send(Buffer.concat([Buffer.of(dataChannel), chunk]));
      done();
    };
    if (this.#isOpen) send();
    else this.#pendingWrite = send;
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#carrier.close();
    done(error);
  }
}

export class TunnelError extends Error {
  override name = 'TunnelError';
}
