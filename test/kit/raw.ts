/** Bytes that no decent client would send, and what comes back for them. */
import { connect } from 'node:net';

export function raw({ port }: { readonly port: number }, ...sent: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const text of sent) socket.write(text);
    });
    let got = '';
    socket.on('data', (chunk) => (got += chunk.toString()));
    socket.on('error', () => resolve(got));
    socket.on('close', () => resolve(got));
  });
}
