/** An agent among thousands: it asks seldom, sees by knocking what happened meanwhile, and never forgets what it knew. */
import { describe, expect, test, vi } from 'vitest';
import type { ConnectivityProbe, ProbeKind } from '#budget/connectivity-probe.ts';
import { demandId } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { AgentDependencies } from '#agent/agent.ts';
import { minute, ownTime, pulls, refused, started, type Running } from '../kit/agent.ts';
import { askedReport } from '../kit/asked-report.ts';

ownTime();

const day = 24 * 60 * minute;

/** A registry that every image of these tests sits on, seen by knocks. */
interface Registry {
  is: ProbeKind;
}

function probeConnectivity(registry: Registry): NonNullable<AgentDependencies['probe']> {
  return (at) => {
    const probe: ConnectivityProbe = {
      origin: 'https://reg.example.com',
      budgetKey: 'reg.example.com',
      resolves: true,
      is: registry.is,
      isPrivate: false,
    };
    return Promise.resolve(new Map(at.map(({ demand }) => [demandId(demand), [probe]])));
  };
}

/** The report of a rehearsal that met the registry as it is. */
function met(image: string, registry: Registry): PullReport {
  const base = registry.is === 'opened' ? pulls(image) : refused(image);
  const [first] = pulls(image).attempts;
  const url = 'https://reg.example.com/v2/x/manifests/1';
  const exchanges = (first?.exchanges ?? []).slice(0, 2).map((exchange) =>
    registry.is === 'opened'
      ? { ...exchange, url, route: 0 }
      : {
          ...exchange,
          url,
          route: 0,
          steps: [],
          outcome: { ok: false, fault: { code: 'tcp.refused', address: '192.0.2.1', port: 443 } } as const,
        },
  );
  return {
    ...base,
    registry: 'reg.example.com',
    attempts: base.attempts.map((attempt) => ({ ...attempt, exchanges })),
  };
}

async function among(agents: number, registry: Registry, images: string): Promise<Running> {
  return started(`images: [${images}]\nschedule: 5m\nfleetSize: ${agents}`, (image) => met(image, registry), {
    probe: probeConnectivity(registry),
  });
}

const images = 'reg.example.com/a, reg.example.com/b';
const verdicts = async (agent: Running): Promise<readonly string[]> => {
  const { reports } = JSON.parse((await agent.get('/reports')).text) as { reports: readonly PullReport[] };
  return reports.map(({ image, verdict }) => `${image} ${verdict.is}`);
};

describe('an agent among a hundred', () => {
  test('rehearses an image at its moments alone, each in turn, and is no standstill between them', async () => {
    const agent = await among(100, { is: 'opened' }, images);
    await vi.advanceTimersByTimeAsync(day);
    const rehearsed = agent.passes.flat();
    expect(rehearsed.length).toBeGreaterThan(2);
    expect(rehearsed.length).toBeLessThan(40);
    const [first, second] = ['reg.example.com/a', 'reg.example.com/b'].map(
      (name) => rehearsed.filter((image) => image === name).length,
    );
    expect(Math.abs((first ?? 0) - (second ?? 0))).toBeLessThanOrEqual(1);
    expect((await agent.get('/livez')).status).toBe(200);
    expect((await agent.get('/node')).status).toBe(200);
    await agent.stop();
  });

  test('sees within one schedule that a registry is shut, and that it opens again, without a request', async () => {
    const registry: Registry = { is: 'opened' };
    const agent = await among(100, registry, images);
    await vi.advanceTimersByTimeAsync(day);
    expect(await verdicts(agent)).toEqual(['reg.example.com/a pulls', 'reg.example.com/b pulls']);
    registry.is = 'tcp.refused';
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdicts(agent)).toEqual(['reg.example.com/a fails', 'reg.example.com/b fails']);
    await vi.advanceTimersByTimeAsync(20 * minute);
    const before = agent.passes.flat().length;
    registry.is = 'opened';
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdicts(agent)).toEqual(['reg.example.com/a pulls', 'reg.example.com/b pulls']);
    expect(agent.passes.flat().length - before).toBeLessThanOrEqual(1);
    await agent.stop();
  });

  test('does not say that an image fails because a registry was shut when it opens again and nothing else is known', async () => {
    const registry: Registry = { is: 'tcp.refused' };
    const agent = await among(5_000, registry, images);
    await vi.advanceTimersByTimeAsync(6 * minute);
    expect(await verdicts(agent)).toEqual(['reg.example.com/a fails', 'reg.example.com/b fails']);
    registry.is = 'opened';
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdicts(agent)).toEqual([]);
    expect((await agent.get('/node')).status).toBe(200);
    await agent.stop();
  });
});

describe('an agent among five thousand that books turns', () => {
  const turnsOf = (
    state: () => number | undefined,
    isOpen = () => true,
  ): NonNullable<AgentDependencies['reservations']> => ({
    isOpen,
    state: () => Promise.resolve(state()),
  });
  const running = (reservations: NonNullable<AgentDependencies['reservations']>): Promise<Running> =>
    started(`images: [${images}]\nschedule: 5m\nfleetSize: 100`, (image) => met(image, { is: 'opened' }), {
      probe: probeConnectivity({ is: 'opened' }),
      reservations,
    });

  test('rehearses one image for each turn that it gets, when that comes', async () => {
    let booked = 0;
    const agent = await running(
      turnsOf(() => {
        booked += 1;
        return 3 * minute;
      }),
    );
    await vi.advanceTimersByTimeAsync(6 * 60 * minute);
    expect(booked).toBeGreaterThan(5);
    const rehearsed = agent.passes.flat().length;
    expect(rehearsed).toBeGreaterThan(5);
    expect(booked - rehearsed).toBeLessThanOrEqual(1);
    expect(booked).toBeGreaterThanOrEqual(rehearsed);
    await agent.stop();
  });

  test('rehearses nothing without one, and asks for one at its moments alone', async () => {
    let asked = 0;
    const agent = await running(turnsOf(() => void (asked += 1)));
    await vi.advanceTimersByTimeAsync(6 * 60 * minute);
    expect(agent.passes.flat()).toEqual([]);
    expect(asked).toBeGreaterThan(5);
    expect(asked).toBeLessThan(30);
    expect((await agent.get('/livez')).status).toBe(200);
    await agent.stop();
  });

  test('goes on with its own small share where none can be booked', async () => {
    let isOpen = true;
    const agent = await running(
      turnsOf(
        () => {
          isOpen = false;
          return undefined;
        },
        () => isOpen,
      ),
    );
    await vi.advanceTimersByTimeAsync(day);
    const rehearsed = agent.passes.flat().length;
    expect(rehearsed).toBeGreaterThan(2);
    expect(rehearsed).toBeLessThan(40);
    await agent.stop();
  });
});

describe('an agent behind a mirror that fails', () => {
  const mirror = 'mirror.corp.internal';
  const image = 'reg.example.com/a';

  /** As the stage would: through the gate, host by host. */
  async function behind(world: { mirror: 'well' | 'broken' }, agents = 5_000): Promise<Running> {
    const probes = [mirror, 'reg.example.com'].map((host): ConnectivityProbe => ({
      origin: `https://${host}`,
      budgetKey: host,
      resolves: true,
      is: 'opened',
      isPrivate: host === mirror,
    }));
    return started(`images: [${image}]\nschedule: 5m\nfleetSize: ${agents}`, pulls, {
      probe: (at) => Promise.resolve(new Map(at.map(({ demand }) => [demandId(demand), probes]))),
      rehearse: async function* (demands, _, { mayEnter }) {
        for (const { written } of await Promise.resolve(demands)) {
          const isWell = world.mirror === 'well';
          mayEnter(written, mirror);
          const goesOn = !isWell && mayEnter(written, 'reg.example.com');
          const asked = [
            { host: mirror, requests: 2, status: isWell ? 200 : 500 },
            ...(goesOn ? [{ host: 'reg.example.com', requests: 4, status: 200 }] : []),
          ];
          const held =
            isWell || goesOn ? {} : { fault: { code: 'agent.over_budget', registry: 'reg.example.com' } as const };
          yield askedReport({ image: written, registry: 'reg.example.com', mirror, atMs: Date.now(), asked, ...held });
        }
      },
    });
  }

  const verdictOf = async (agent: Running): Promise<string> => {
    const { reports } = JSON.parse((await agent.get('/reports')).text) as { reports: readonly PullReport[] };
    return reports
      .map(({ verdict }) => ('fault' in verdict ? `${verdict.is} ${verdict.fault.code}` : verdict.is))
      .join();
  };

  test('says that it does not know, and why, until the mirror serves again', async () => {
    const world: { mirror: 'well' | 'broken' } = { mirror: 'well' };
    const agent = await behind(world);
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(await verdictOf(agent)).toBe('pulls');
    world.mirror = 'broken';
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(await verdictOf(agent)).toBe('unknown agent.over_budget');
    world.mirror = 'well';
    await vi.advanceTimersByTimeAsync(2 * 60 * minute);
    expect(await verdictOf(agent)).toBe('pulls');
    await agent.stop();
  });

  test('says nothing of an image before anybody was asked for it', async () => {
    const fault = { code: 'agent.over_budget', registry: mirror } as const;
    const agent = await started(`images: [${image}]\nschedule: 5m`, () =>
      askedReport({ image, registry: 'reg.example.com', mirror, atMs: Date.now(), asked: [], fault }),
    );
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(agent.passes.length).toBeGreaterThan(1);
    expect(await verdictOf(agent)).toBe('');
    await agent.stop();
  });

  test('keeps what the registry behind it said when its turn had come, for as long as that is the last word', async () => {
    const world: { mirror: 'well' | 'broken' } = { mirror: 'broken' };
    const agent = await behind(world, 200);
    await vi.advanceTimersByTimeAsync(day);
    expect(await verdictOf(agent)).toBe('pulls');
    const seen = agent.lines.length;
    await vi.advanceTimersByTimeAsync(day);
    expect(await verdictOf(agent)).toBe('pulls');
    expect(agent.lines.slice(seen).join('')).not.toContain('agent.over_budget');
    await agent.stop();
  });
});

describe('an agent alone', () => {
  test('rehearses everything in every pass and knocks at nothing beside', async () => {
    let probes = 0;
    const registry: Registry = { is: 'opened' };
    const agent = await started(`images: [${images}]\nschedule: 5m`, (image) => met(image, registry), {
      probe: (at, config, signal) => {
        probes += at.length;
        return probeConnectivity(registry)(at, config, signal);
      },
    });
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(agent.passes).toHaveLength(13);
    expect(agent.passes.flat()).toHaveLength(26);
    expect(probes).toBe(0);
    await agent.stop();
  });

  test('looks at what has been well for a day at its door alone, every other time', async () => {
    const registry: Registry = { is: 'opened' };
    const agent = await among(1, registry, 'reg.example.com/a');
    await vi.advanceTimersByTimeAsync(day + 5 * minute);
    const before = agent.passes.length;
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(agent.passes.slice(before).flat().length).toBe(6);
    registry.is = 'tcp.refused';
    await vi.advanceTimersByTimeAsync(5 * minute);
    expect(await verdicts(agent)).toEqual(['reg.example.com/a fails']);
    await agent.stop();
  });

  test('goes on when nobody can knock', async () => {
    const agent = await started(`images: [${images}]\nschedule: 5m\nfleetSize: 100`, (image) => pulls(image), {
      probe: () => Promise.reject(new Error('no socket')),
    });
    await vi.advanceTimersByTimeAsync(day);
    expect(agent.passes.flat().length).toBeGreaterThan(0);
    expect(agent.lines.join('')).toContain('could not knock');
    await agent.stop();
  });
});

test('what it asked of whom, and how far it is stretched, are metrics', async () => {
  const agent = await started(`images: [${images}]\nschedule: 5m\nfleetSize: 100`, (image) => pulls(image), {
    spent: () => [
      {
        budgetKey: 'docker.io',
        requests: { head: 3, get_manifest: 0, get_blob: 0, token: 2, ping: 0 },
        pulls: 0,
        rateLimits: 1,
      },
    ],
  });
  const { text } = await agent.get('/metrics');
  expect(text).toContain('drypull_requests_total{registry="docker.io",kind="head"} 3');
  expect(text).toContain('drypull_pulls_spent_total{registry="docker.io"} 0');
  expect(text).toContain('drypull_self_inflicted_rate_limits_total{registry="docker.io"} 1');
  expect(text).toContain('drypull_fleet_agents 100');
  const cadence = /^drypull_cadence_seconds\{registry="reg\.example\.com"\} (\d+)/m.exec(text)?.[1];
  expect(Number(cadence)).toBeGreaterThan(3_600);
  await agent.stop();
});
