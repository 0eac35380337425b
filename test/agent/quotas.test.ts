/** Looks at quotas, in the agent's rounds: when, with what, and what becomes of them. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { QuotaSample } from '#report/quota.ts';
import type { AgentDependencies } from '#agent/agent.ts';
import { minute, ownTime, pulls, logged, started, type Running } from '../kit/agent.ts';

ownTime();

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const sample = (remaining: number): QuotaSample => ({
  registry: 'docker.io',
  account: 'anonymous',
  family: 'ipv4',
  atMs: Date.now(),
  limit: { limit: 100, remaining, windowS: 21_600, source: '192.0.2.1', scope: 'quota' },
});

const yaml = 'images: [docker.io/x:1]\nschedule: 10m';

async function sampling(sampleQuotas: NonNullable<AgentDependencies['sampleQuotas']>, config = yaml): Promise<Running> {
  running = await started(config, pulls, { sampleQuotas });
  return running;
}

describe('quotas are looked at', () => {
  test('after a pass and then each minute, with what is asked for and known; what is due is the look’s own business', async () => {
    const looks: string[] = [];
    await sampling((_, { demands, entries, history }) => {
      looks.push(`${demands.length} ${entries.length} ${history().quotas.length}`);
      return Promise.resolve([sample(100 - looks.length)]);
    });
    await vi.waitFor(() => expect(looks).toEqual(['1 1 0']));
    await vi.advanceTimersByTimeAsync(3 * minute);
    expect(looks).toEqual(['1 1 0', '1 1 1', '1 1 1', '1 1 1']);
    const { text } = (await running?.get('/metrics')) ?? { text: '' };
    expect(text).toContain(
      'drypull_rate_limit_remaining{registry="docker.io",source="192.0.2.1",account="anonymous",family="ipv4"} 96',
    );
  });

  test('not where the configuration says so', async () => {
    const looks: number[] = [];
    const { passes } = await sampling(() => Promise.resolve([sample(looks.push(1))]), `${yaml}\nquotaSamples: off`);
    await vi.advanceTimersByTimeAsync(11 * minute);
    expect(passes.length).toBeGreaterThan(1);
    expect(looks).toEqual([]);
  });

  test('a look that breaks is said, and the rounds go on', async () => {
    const { passes, lines } = await sampling(() => Promise.reject(new Error('no luck')));
    await vi.advanceTimersByTimeAsync(11 * minute);
    expect(passes.length).toBeGreaterThan(1);
    expect(logged(lines, 'a look at the quotas broke').length).toBeGreaterThan(1);
  });

  test('a look that hangs holds up no pass, and is not made twice', async () => {
    const hanging = Promise.withResolvers<readonly QuotaSample[]>();
    let looks = 0;
    const { passes } = await sampling(() => {
      looks += 1;
      return hanging.promise;
    });
    await vi.advanceTimersByTimeAsync(25 * minute);
    expect(passes.length).toBeGreaterThan(1);
    expect(looks).toBe(1);
    hanging.resolve([]);
  });
});
