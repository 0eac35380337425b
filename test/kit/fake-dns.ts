/** A name server on loopback, UDP and TCP on one port, that says what it is told to say, or nothing. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { NodeView, Resolver } from '#node/view.ts';
import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet';

export type Script =
  /** Without an address of the asked family: NOERROR and no answer. */
  | { readonly is: 'addresses'; readonly addresses: readonly string[] }
  /** The chain of names, and the addresses of its last. */
  | { readonly is: 'alias'; readonly names: readonly string[]; readonly addresses: readonly string[] }
  /** The addresses, or without any that there are none of that name, after a while. */
  | { readonly is: 'late'; readonly afterMs: number; readonly addresses: readonly string[] }
  | { readonly is: 'nxdomain' | 'servfail' | 'refused' | 'silence' | 'lame' }
  /** UDP: cut short and marked so; TCP: the addresses. */
  | { readonly is: 'truncated'; readonly addresses: readonly string[] }
  /** As they are, in place of an answer. */
  | { readonly is: 'bytes'; readonly bytes: Uint8Array }
  /** A good head and question, and then rubbish. */
  | { readonly is: 'broken_answers' }
  /** First an answer to another question and one with another number, then the addresses. */
  | { readonly is: 'forged_first'; readonly addresses: readonly string[] }
  /** TCP: closes without a word. */
  | { readonly is: 'hang_up' };

export interface Received {
  readonly name: string;
  readonly type: string;
  readonly over: 'udp' | 'tcp';
}

export interface FakeDns extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly received: readonly Received[];
}

export interface Place {
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
}

/** With another way to ask for names. */
export function asking(view: NodeView, resolver: Partial<Resolver>): NodeView {
  return { ...view, system: { ...view.system, resolver: { ...view.system.resolver, ...resolver } } };
}

/** Names that have these addresses. */
export function leadingTo(addresses: Readonly<Record<string, readonly string[]>>): Zone {
  return Object.fromEntries(
    Object.entries(addresses).map(([name, its]) => [name, { is: 'addresses', addresses: its } as const]),
  );
}

/** By lower-case name without its last dot; `name A` and `name AAAA` go before `name`. Everything else does not exist. */
export type Zone = Readonly<Record<string, Script>>;

export async function fakeDns(zone: Zone, place: Place = { address: '127.0.0.1', port: 0 }): Promise<FakeDns> {
  const received: Received[] = [];
  const life = new AbortController();
  const answer = async (message: Buffer, over: Received['over']): Promise<readonly Uint8Array[] | 'hang_up'> => {
    const query = dnsPacket.decode(message);
    const [question] = query.questions ?? [];
    if (question === undefined) return [];
    received.push({ name: question.name, type: question.type, over });
    const name = question.name.toLowerCase();
    const script = zone[`${name} ${question.type}`] ?? zone[name] ?? { is: 'nxdomain' };
    if (script.is === 'late') await wait(script.afterMs, undefined, { signal: life.signal }).catch(() => undefined);
    return life.signal.aborted ? [] : describe(script, query, over);
  };
  const { tcp, udp, port } = await bindBoth(place);
  const sockets = new Set<Socket>();
  udp.on('message', (message, from) => {
    void answer(message, 'udp').then((logged) => {
      if (logged === 'hang_up') return;
      for (const one of logged) udp.send(one, from.port, from.address);
    });
  });
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let held = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE()) {
        const message = held.subarray(2, 2 + held.readUInt16BE());
        held = held.subarray(2 + message.length);
        void answer(message, 'tcp').then((logged) => {
          if (logged === 'hang_up') socket.end();
          else for (const one of logged) socket.write(framed(one));
        });
      }
    });
  });
  return {
    address: place.address,
    port,
    received,
    async [Symbol.asyncDispose]() {
      life.abort();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => udp.close(() => resolve()));
      await new Promise<void>((resolve) => tcp.close(() => resolve()));
    },
  };
}

function describe(script: Script, query: DecodedPacket, over: Received['over']): readonly Uint8Array[] | 'hang_up' {
  const reply = (answers: readonly Answer[], flags = 0): Buffer =>
    dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | flags,
      questions: query.questions ?? [],
      answers: [...answers],
    });
  const [question] = query.questions ?? [];
  const name = question?.name ?? '';
  const type = question?.type ?? 'A';
  switch (script.is) {
    case 'addresses':
      return [reply(records(name, type, script.addresses))];
    case 'alias': {
      const chain = script.names.map((data, i): Answer => ({ type: 'CNAME', name: script.names[i - 1] ?? name, data }));
      return [reply([...chain, ...records(script.names.at(-1) ?? name, type, script.addresses)])];
    }
    case 'late':
      return [script.addresses.length === 0 ? reply([], 3) : reply(records(name, type, script.addresses))];
    case 'nxdomain':
      return [reply([], 3)];
    case 'servfail':
      return [reply([], 2)];
    case 'refused':
      return [reply([], 5)];
    case 'lame':
      return [dnsPacket.encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [] })];
    case 'silence':
      return [];
    case 'truncated':
      return over === 'udp'
        ? [reply([], dnsPacket.TRUNCATED_RESPONSE)]
        : [reply(records(name, type, script.addresses))];
    case 'bytes':
      return [script.bytes];
    case 'broken_answers': {
      const broken = reply([]);
      broken.writeUInt16BE(1, 6);
      return [Buffer.concat([broken, Buffer.from([0xc0, 0xff, 0xff])])];
    }
    case 'forged_first': {
      const good = reply(records(name, type, script.addresses));
      const otherNumber = Buffer.from(good);
      otherNumber.writeUInt16BE(((query.id ?? 0) + 1) & 0xffff, 0);
      const otherQuestion = dnsPacket.encode({
        type: 'response',
        id: query.id ?? 0,
        questions: [{ type, name: `not-${name}` }],
        answers: [{ type: 'A', name: `not-${name}`, data: '127.0.0.66' }],
      });
      return [otherNumber, otherQuestion, Buffer.from('rubbish'), good];
    }
    case 'hang_up':
      return 'hang_up';
  }
}

function records(name: string, type: string, addresses: readonly string[]): readonly Answer[] {
  return addresses
    .filter((address) => address.includes(':') === (type === 'AAAA'))
    .map((data) => ({ type: data.includes(':') ? 'AAAA' : 'A', name, data, ttl: 60 }));
}

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** One port for both: the second kind may find it taken, and then another one is tried where any will do. */
async function bindBoth(place: Place): Promise<{ tcp: Server; udp: UdpSocket; port: number }> {
  for (;;) {
    const tcp = createServer();
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject).listen(place.port, place.address, resolve);
    });
    const bound = tcp.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const udp = createSocket('udp4');
    const refused = await new Promise<Error | undefined>((resolve) => {
      udp.once('error', resolve);
      udp.bind(port, place.address, () => resolve(undefined));
    });
    if (refused === undefined) return { tcp, udp, port };
    udp.close();
    await new Promise((resolve) => tcp.close(resolve));
    if (place.port !== 0) throw refused;
  }
}
