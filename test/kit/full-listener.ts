/**
 * An address that accepts no more: its queue of connections is full and nobody takes them from it, so that whoever comes
 * next waits, as behind a firewall that drops packets. A thread that sleeps is the only server that does this for sure.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface FullListener extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
}

const sleeper = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: workerData.port, host: workerData.address, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(workerData.flag, 0, 0));
  });
`;

export async function fullListener(address = '127.0.0.1', wanted = 0): Promise<FullListener> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(sleeper, { eval: true, workerData: { flag, address, port: wanted } });
  const port = await new Promise<unknown>((resolve) => worker.once('message', resolve));
  if (typeof port !== 'number') throw new Error('the sleeper names no port');
  const fillers = [1, 2].map(() => connect(port, address).on('error', () => undefined));
  await Promise.all(fillers.map((filler) => once(filler, 'connect')));
  return {
    address,
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      await worker.terminate();
    },
  };
}
