import { describe, expect, test, vi } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Running } from '../kit/agent.ts';
import { demandOf, minute, nothing, ownTime, pulls, refused, logged, started } from '../kit/agent.ts';

ownTime();

describe('the rounds', () => {
  test('a first pass at start, then one on each stroke of the schedule', async () => {
    const agent = await started('images: [r/a, r/b]\nschedule: 5m', pulls);
    expect(agent.passes).toEqual([['r/a', 'r/b']]);
    await vi.advanceTimersByTimeAsync(4 * minute);
    expect(agent.passes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(minute);
    expect(agent.passes).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(50 * minute);
    expect(agent.passes).toHaveLength(12);
    await agent.stop();
  });

  test('what fails is rehearsed again sooner, alone, ever later, until it pulls', async () => {
    let up = false;
    const agent = await started('images: [r/a, s/b]\nschedule: 1h', (image) =>
      image === 's/b' && !up ? refused(image) : pulls(image),
    );
    await vi.advanceTimersByTimeAsync(15_000);
    expect(agent.passes.slice(1)).toEqual([['s/b']]);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(agent.passes).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(agent.passes).toHaveLength(3);
    up = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(agent.passes).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(10 * minute);
    expect(agent.passes).toHaveLength(4);
    expect((await agent.get('/node')).status).toBe(200);
    await agent.stop();
  });

  test('a rate-limited image sits out the passes until its registry allows it', async () => {
    const limit = { scope: 'quota', retryAfterS: 3600 } as const;
    const limited = (image: string): PullReport => ({
      ...refused(image),
      verdict: {
        is: 'fails',
        fault: { code: 'api.rate_limited', host: 'hub', status: 429, limit, message: '' },
        stage: 'api',
        confidence: { is: 'exact', because: [] },
      },
    });
    const agent = await started('images: [r/a, s/b]\nschedule: 5m', (image) =>
      image === 's/b' ? limited(image) : pulls(image),
    );
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(agent.passes.slice(1).flat()).not.toContain('s/b');
    await vi.advanceTimersByTimeAsync(15 * minute);
    expect(agent.passes.flat().filter((image) => image === 's/b')).toHaveLength(2);
    await agent.stop();
  });

  test('passes never overlap, however long one takes', async () => {
    let running = 0;
    let most = 0;
    const agent = await started('images: [r/a]\nschedule: 1m\ndeadline: 15m', async (image) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 3 * minute));
      running -= 1;
      return pulls(image);
    });
    await vi.advanceTimersByTimeAsync(20 * minute);
    expect(agent.passes.length).toBeGreaterThan(3);
    expect(most).toBe(1);
    await agent.stop();
  });

  test('a pass that takes longer than many cadences is no standstill', async () => {
    const images = Array.from({ length: 100 }, (_, n) => `r/${n}`).join();
    const agent = await started(`images: [${images}]\nschedule: 1m`, async (image) => {
      await new Promise((resolve) => setTimeout(resolve, 50_000));
      return refused(image);
    });
    await vi.advanceTimersByTimeAsync(70 * minute);
    expect(agent.passes).toHaveLength(1);
    expect((await agent.get('/livez')).status).toBe(200);
    await agent.stop();
  });

  test('no more images of one registry than allowed go in one pass, and those that waited longest go first', async () => {
    const agent = await started('images: [r/a, r/b, r/c, s/d]\nschedule: 5m\nperRegistryPass: 2', pulls);
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes).toEqual([
      ['r/a', 's/d', 'r/b'],
      ['r/c', 's/d', 'r/a'],
    ]);
    await agent.stop();
  });
});

describe('never silence', () => {
  const verdictOf = async (agent: Running, image: string): Promise<unknown> => {
    const { text } = await agent.get(`/reports/${image}`);
    return (JSON.parse(text) as { reports: PullReport[] }).reports[0]?.verdict;
  };

  test('a rehearsal that throws leaves an unknown that says agent.bug, and the agent goes on', async () => {
    let broken = true;
    const agent = await started('images: [r/a, r/b]\nschedule: 5m', (image) => {
      if (image === 'r/b' && broken) throw new TypeError('secret-in-a-message');
      return pulls(image);
    });
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'pulls' });
    expect(await verdictOf(agent, 'r/b')).toMatchObject({
      is: 'unknown',
      fault: { code: 'agent.bug', what: 'TypeError' },
    });
    expect(logged(agent.lines, 'a rehearsal broke')).toHaveLength(1);
    broken = false;
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdictOf(agent, 'r/b')).toMatchObject({ is: 'pulls' });
    await agent.stop();
  });

  test('a rehearsal that forgets an image leaves an unknown', async () => {
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      rehearse: nothing,
    });
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'unknown', fault: { code: 'agent.bug' } });
    await agent.stop();
  });

  test('a rehearsal that hangs ends as out of time, and the next pass comes', async () => {
    const agent = await started(
      'images: [r/a]\nschedule: 5m\ndeadline: 10s',
      () => new Promise<PullReport>(() => undefined),
    );
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await verdictOf(agent, 'r/a')).toMatchObject({ is: 'unknown', fault: { code: 'agent.out_of_time' } });
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes.length).toBeGreaterThan(1);
    await agent.stop();
  });

  test('reports that nobody asked for, and endless ones, are left aside', async () => {
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      rehearse: async function* () {
        yield await Promise.resolve(pulls('r/stranger'));
        for (;;) yield pulls('r/a');
      },
    });
    const { text } = await agent.get('/reports');
    expect((JSON.parse(text) as { reports: PullReport[] }).reports.map(({ image }) => image)).toEqual(['r/a']);
    await agent.stop();
  });

  test('when what is asked for cannot be read, what was known is rehearsed on', async () => {
    let readable = true;
    const agent = await started('images: [r/a]\nschedule: 5m', pulls, {
      demands: () => (readable ? Promise.resolve([demandOf('r/a')]) : Promise.reject(new Error('gone'))),
    });
    readable = false;
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(agent.passes).toEqual([['r/a'], ['r/a']]);
    await agent.stop();
  });

  test('an unknown of our own gets the words of the one who has them', async () => {
    const agent = await started('images: [r/a]', () => Promise.reject(new Error('x')), {
      advise: ({ code }) => ({ cause: `cause of ${code}`, remedy: 'r', owner: 'agent' }),
    });
    expect((await agent.get('/')).text).toContain('cause of agent.bug');
    await agent.stop();
  });
});
