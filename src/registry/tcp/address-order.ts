/** Orders the addresses of one name as Go does (rfc6724.ts), by the source address that this node would use for each. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { sorted } from './rfc6724.ts';

export async function inOrder(addresses: readonly string[]): Promise<readonly string[]> {
  if (addresses.length < 2) return addresses;
  const pairs = await Promise.all(addresses.map(async (address) => ({ address, source: await sourceFor(address) })));
  return sorted(pairs);
}

/** srcAddrs: the kernel picks the source of a connected UDP socket; no packet is sent. */
async function sourceFor(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const settle = (source: string | undefined): void => {
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
      resolve(source);
    };
    socket.on('error', () => settle(undefined));
    socket.on('connect', () => settle(socket.address().address));
    socket.connect(9, address);
  });
}
