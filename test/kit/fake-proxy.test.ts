import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fakeProxy, type ProxyManner } from './fake-proxy.ts';
import { listener } from './silent-listener.ts';

async function exchange(
  manner: Omit<ProxyManner, 'to'>,
  chunks: readonly (string | Uint8Array)[],
  until: string,
): Promise<string> {
  await using origin = await listener({ is: 'says', bytes: 'here I am', then: 'closes' });
  await using proxy = await fakeProxy({ to: origin.port, ...manner });
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
  let heard = '';
  let next = 0;
  socket.write(chunks[next++] ?? '');
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.includes(until)) resolve();
      const word = chunks[next++];
      if (word !== undefined) socket.write(word);
    });
  });
  socket.destroy();
  return heard;
}

describe('the fake proxy', () => {
  const tunnel = 'CONNECT a.example:443 HTTP/1.1\r\n\r\n';

  it('opens a tunnel', async () => {
    expect(await exchange({}, [tunnel, 'hello'], 'here I am')).toMatch(/^HTTP\/1\.1 200 [^]*here I am$/);
  });

  it('refuses', async () => {
    expect(await exchange({ refuse: '403 No' }, [tunnel], '\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 No\r\n/);
  });

  it('demands a password, and takes it', async () => {
    const login = `CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic ${Buffer.from('u:p').toString('base64')}\r\n\r\n`;
    expect(await exchange({ demand: 'u:p' }, [tunnel], '\r\n\r\n')).toMatch(/^HTTP\/1\.1 407 /);
    expect(await exchange({ demand: 'u:p' }, [login, 'x'], 'here I am')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('forwards whole URLs', async () => {
    expect(await exchange({}, ['GET http://a.example/ HTTP/1.1\r\n\r\n'], 'here I am')).toBe('here I am');
  });

  it('speaks SOCKS 5', async () => {
    const ask = Uint8Array.from([5, 1, 0, 3, 1, 97, 1, 187]);
    const heard = await exchange({ socks: { reply: 0 } }, [Uint8Array.from([5, 1, 0]), ask, 'x'], 'here I am');
    expect(heard).toBe('\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00here I am');
  });
});
