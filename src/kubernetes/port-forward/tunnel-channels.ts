/**
 * The older dialect of the port-forward, v4.channel.k8s.io: each message begins with the number of its channel (0 data, 1 error),
 * and the first one of each channel holds nothing but the port's number (kubelet pkg/cri/streaming/portforward/websocket.go,
 * k8s v1.36; the same in containerd's and CRI-O's copy). The API server hands it on to the kubelet as it is.
 */
import type { Dialect, Read } from './tunnel.ts';

export const channelProtocol = 'v4.channel.k8s.io';

const portBytes = 2;
/** The error channel holds one sentence. */
const longestProblem = 500;

export function channels(): Dialect {
  const left = new Map([
    [0, portBytes],
    [1, portBytes],
  ]);
  return {
    hello: () => [],
    data: (chunk) => [Buffer.concat([Buffer.of(0), chunk])],
    read: (message) => {
      const channel = message[0] ?? -1;
      const skipped = Math.min(left.get(channel) ?? 0, message.length - 1);
      left.set(channel, (left.get(channel) ?? 0) - skipped);
      const rest = message.subarray(1 + skipped);
      const heard = channel === 1 && rest.length > 0;
      return {
        data: channel === 0 && rest.length > 0 ? [rest] : [],
        replies: [],
        // The kubelet writes the port before it connects: what is written meanwhile waits there.
        isOpen: true,
        isOver: false,
        ...(heard ? { problem: new TextDecoder().decode(rest).slice(0, longestProblem) } : {}),
      } satisfies Read;
    },
  };
}
