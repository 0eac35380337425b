import { describe, expect, it } from 'vitest';
import { openOne, openTcp, type TcpOptions } from '#registry/tcp/connect.ts';
import { partialDeadline } from '#registry/tcp/partial-deadline.ts';
import { fullListener } from '../../kit/full-listener.ts';
import { deadPort, listener } from '../../kit/silent-listener.ts';

const elapsedMs = (): number => performance.now();
const signal = new AbortController().signal;

async function open(addresses: readonly string[], port: number, with_: Partial<TcpOptions> = {}) {
  const opened = await openTcp({ host: 'reg.example', port, addresses, timeoutMs: 5_000, elapsedMs, signal, ...with_ });
  if (opened.outcome.ok) opened.outcome.value.destroy();
  return { ...opened, tried: opened.steps.map(({ outcome }) => (outcome.ok ? 'ok' : outcome.fault.code)) };
}

describe('a connection', () => {
  it('is opened to the address, and the step has it', async () => {
    await using server = await listener();
    const { steps, outcome } = await open(['127.0.0.1'], server.port);
    expect(outcome.ok).toBe(true);
    const target = `reg.example:${server.port}`;
    const value = { address: '127.0.0.1', port: server.port };
    expect(steps).toMatchObject([{ step: 'tcp', target, outcome: { ok: true, value } }]);
  });

  it('that is refused names the address', async () => {
    const port = await deadPort();
    const { outcome } = await open(['127.0.0.1'], port);
    expect(outcome).toEqual({ ok: false, fault: { code: 'tcp.refused', address: '127.0.0.1', port } });
  });

  it('is opened to the second address where the first one refuses', async () => {
    await using server = await listener();
    const { outcome, tried } = await open(['127.0.0.2', '127.0.0.1'], server.port);
    expect(outcome.ok).toBe(true);
    expect(tried).toEqual(['tcp.refused', 'ok']);
  });

  it('that every address refuses has failed as the first one did', async () => {
    const port = await deadPort();
    const { outcome, tried } = await open(['127.0.0.3', '127.0.0.2', '127.0.0.1'], port);
    expect(outcome).toMatchObject({ ok: false, fault: { code: 'tcp.refused', address: '127.0.0.3' } });
    expect(tried).toEqual(['tcp.refused', 'tcp.refused', 'tcp.refused']);
  });

  it('is opened in the other family at once where the first family fails', async () => {
    await using server = await listener();
    const { outcome } = await open(['::1', '127.0.0.1'], server.port);
    expect(outcome.ok).toBe(true);
  });

  it('that fails in both families has failed as the first family did', async () => {
    const port = await deadPort();
    const { outcome } = await open(['127.0.0.1', '::1'], port);
    expect(outcome).toMatchObject({ ok: false, fault: { address: '127.0.0.1' } });
  });

  it('is opened in the other family where the first one is silent', async () => {
    await using full = await fullListener('::1');
    await using server = await listener({ is: 'silent' }, '127.0.0.1', full.port);
    const { outcome, tried } = await open(['::1', '127.0.0.1'], full.port);
    expect(server.accepted()).toBe(1);
    expect(outcome.ok).toBe(true);
    expect(tried).toEqual(['ok']);
  });

  it('that gets no answer ends with its timeout', async () => {
    await using full = await fullListener();
    const { outcome } = await open(['127.0.0.1'], full.port, { timeoutMs: 30 });
    const fault = { code: 'tcp.timed_out', address: '127.0.0.1', port: full.port };
    expect(outcome).toMatchObject({ ok: false, fault });
  });

  it('that is aborted ends at once', async () => {
    await using full = await fullListener();
    const asker = new AbortController();
    const pending = open(['127.0.0.1'], full.port, { signal: asker.signal });
    asker.abort();
    expect((await pending).outcome).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time', step: 'tcp' } });
    const late = await openOne(
      { address: '127.0.0.1', port: full.port },
      { timeoutMs: 1000, elapsedMs, signal: asker.signal },
    );
    expect(late).toMatchObject({ ok: false, fault: { code: 'agent.out_of_time' } });
  });

  it('to no address at all is a fault', async () => {
    expect((await open([], 80)).outcome).toMatchObject({
      ok: false,
      fault: { code: 'tcp.unreachable', why: 'missing address' },
    });
  });

  it('is tried to 32 addresses and no more', async () => {
    const port = await deadPort();
    const addresses = Array.from({ length: 100 }, (_, i) => `127.0.2.${i + 1}`);
    expect((await open(addresses, port)).tried).toHaveLength(32);
  });
});

describe('the time that is left', () => {
  it.each([
    [30_000, 1, 30_000],
    [30_000, 3, 10_000],
    [30_000, 20, 2_000],
    [5_000, 4, 2_000],
    [1_500, 4, 1_500],
    [1_500, 1, 1_500],
  ])('%d ms for %d addresses gives the next one %d ms', (remaining, addresses, share) => {
    expect(partialDeadline(remaining, addresses)).toBe(share);
  });
});
