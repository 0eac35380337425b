import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fullListener } from './full-listener.ts';
import { deadPort, listener, type Manner } from './silent-listener.ts';

async function meet(manner: Manner): Promise<string> {
  await using server = await listener(manner);
  const socket = connect(server.port, server.address);
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk.toString()));
  socket.write('hello');
  return await new Promise((resolve) => {
    socket.on('error', (error) => resolve(`${heard}|${'code' in error ? String(error.code) : ''}`));
    socket.on('end', () => resolve(`${heard}|end`));
  });
}

describe('a listener', () => {
  it.each<[Manner, string]>([
    [{ is: 'closes' }, '|end'],
    [{ is: 'resets' }, '|ECONNRESET'],
    [{ is: 'says', bytes: 'words', then: 'closes' }, 'words|end'],
    [{ is: 'says', bytes: 'words', then: 'resets' }, 'words|ECONNRESET'],
  ])('that %j', async (manner, expected) => {
    expect(await meet(manner)).toBe(expected);
  });

  it('that is silent hears and counts', async () => {
    await using server = await listener();
    const socket = connect(server.port, server.address);
    socket.write('hello');
    while (server.heard() !== 'hello') await new Promise(setImmediate);
    expect(server.accepted()).toBe(1);
    socket.destroy();
  });

  it('that is not there refuses', async () => {
    const socket = connect(await deadPort(), '127.0.0.1');
    const [error]: unknown[] = await once(socket, 'close').catch((thrown: unknown) => [thrown]);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('that is full lets nobody in', async () => {
    await using full = await fullListener();
    const socket = connect(full.port, full.address);
    const connected = new Promise((resolve) => socket.once('connect', () => resolve('connected')));
    const turns = (async () => {
      for (let i = 0; i < 200; i += 1) await new Promise(setImmediate);
      return 'waiting';
    })();
    expect(await Promise.race([connected, turns])).toBe('waiting');
    socket.destroy();
  });
});
