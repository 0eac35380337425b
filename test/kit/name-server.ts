/** A name server on loopback over UDP that knows a few addresses and says NXDOMAIN to the rest. */
import { createSocket } from 'node:dgram';
import { AUTHORITATIVE_ANSWER, decode, encode, type Answer } from 'dns-packet';

export interface NameServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly close: () => Promise<void>;
}

interface Place {
  readonly address: string;
  readonly port: number;
}

/** `zone`: lower-case name without the last dot → IPv4 addresses. */
export async function nameServer(
  zone: Readonly<Record<string, readonly string[]>>,
  { address, port }: Place = { address: '127.0.0.1', port: 0 },
): Promise<NameServer> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const query = decode(bytes);
    const questions = query.questions ?? [];
    const known = questions.filter(({ name }) => zone[name.toLowerCase()]);
    const answers = known.flatMap(({ name, type }): Answer[] =>
      type === 'A' ? (zone[name.toLowerCase()] ?? []).map((data) => ({ name, type, data, ttl: 60 })) : [],
    );
    const nxdomain = known.length === 0 ? 3 : 0;
    const flags = AUTHORITATIVE_ANSWER | nxdomain;
    socket.send(encode({ type: 'response', id: query.id ?? 0, flags, questions, answers }), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).bind(port, address, resolve);
  });
  const close = async (): Promise<void> => {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  };
  return { address, port: socket.address().port, close, [Symbol.asyncDispose]: close };
}
