/**
 * `npm run bench -- soak`: virtual days of an agent over real sockets, with faults that come and go. Fails where memory, sockets
 * or series grow after the warm-up, or where a change of verdict was not seen in the first pass after it.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { AgentDependencies } from '#agent/agent.ts';
import { connect } from '#kubernetes/api/connect.ts';
import { parseConfig, type Config } from '#config/config.ts';
import { joinCluster } from '#agent/join-cluster.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser, type Pass } from '#rehearsal/rehearser.ts';
import { Rounds } from '#agent/passes.ts';
import { openLog } from '#output/log.ts';
import { demandFor, gist } from '../test/kit/stage.ts';
import { soakWorld, type SoakFault, type SoakWorld } from './soak-world.ts';

const cadenceMs = 5 * 60_000;
/** Passes in which a fault lasts, and after which the next one comes. */
const lasting = 6;

interface Sample {
  readonly heapBytes: number;
  readonly sockets: number;
  readonly series: number;
}

/** True where nothing grew and nothing was missed. `forS`: of real time. */
export async function soak(write: (text: string) => void, forS = 480): Promise<boolean> {
  await using world = await soakWorld();
  const stopping = new AbortController();
  const { close, ...dependencies } = outsideOf(world, stopping.signal);
  const rounds = new Rounds(dependencies);
  const samples: Sample[] = [];
  const missed: string[] = [];
  let passes = 0;
  const pass = async (fault: SoakFault | undefined, what: string): Promise<void> => {
    await rounds.regular();
    world.advance(cadenceMs);
    passes += 1;
    const ledger = rounds.state.read();
    const predicted = ledger.forecasts.map(({ rule }) => rule);
    if (fault?.foretells !== undefined && !predicted.includes(fault.foretells))
      missed.push(`${what}: ${fault.foretells} is not foretold`);
    const heard = new Map(ledger.entries.map(({ report }) => [report.image, gist(report)]));
    for (const image of world.images) {
      const expected = fault?.says[image] ?? 'pulls';
      if (!agrees(heard.get(image) ?? 'nothing', expected))
        missed.push(`${what}: ${image} is ${heard.get(image)}, not ${expected}`);
    }
  };
  await pass(undefined, 'the beginning');
  const ends = performance.now() + forS * 1000;
  while (performance.now() < ends && missed.length === 0) {
    for (const fault of world.faults) {
      await fault.begin();
      for (let i = 0; i < lasting; i += 1) await pass(fault, fault.name);
      await fault.end();
      for (let i = 0; i < lasting; i += 1) await pass(undefined, `after: ${fault.name}`);
    }
    world.forget();
    samples.push(await sampleOf(rounds));
  }
  stopping.abort();
  await rounds.end(1000);
  await close();
  const days = (passes * cadenceMs) / 86_400_000;
  const verdict = judged(samples);
  write(
    `${days.toFixed(1)} days of passes every five minutes, ${samples.length} rounds of ${world.faults.length} faults\n`,
  );
  for (const line of [...verdict.lines, ...missed.map((one) => `MISSED ${one}`)]) write(`  ${line}\n`);
  if (missed.length === 0) write('  every change of a verdict was seen in the first pass after it\n');
  return missed.length === 0 && verdict.ok;
}

/**
 * A failure must be said as it is, in the first pass, and its end as well. A forecast may stand beside what pulls and outlive its
 * cause: a tag that came back may go again, a clock that jumped may jump again.
 */
function agrees(heard: string, expected: string): boolean {
  if (expected.startsWith('fails')) return heard === expected;
  const [is, ...rules] = heard.split(' ');
  if (expected === 'pulls') return is === 'pulls' || is === 'at_risk';
  return is === 'at_risk' && rules.includes(expected.replace('at_risk ', ''));
}

function outsideOf(world: SoakWorld, signal: AbortSignal): AgentDependencies & { readonly close: () => Promise<void> } {
  const config = configOf();
  const log = openLog({ level: 'silent', node: 'soak' });
  const connected = connect(world.kube.config());
  if (!connected.ok) throw new Error(connected.fault.code);
  const now = (): Date => new Date(world.now());
  const random = (): number => 0.5;
  const joined = joinCluster(connected.value, { config, nodeName: 'node1', env: {}, now, random, log });
  const rehearser = new Rehearser({ hostRoot: '/nonexistent', env: {}, now, clockMs: world.now });
  const pass = (both: AbortSignal): Pass => ({
    manners: { ...manners, deadlineMs: config.deadline },
    atOnce: 16,
    perRegistry: 6,
    meteredRegistries: [],
    signal: both,
  });
  const own = world.images.map((image) => demandFor(image));
  return {
    config,
    hostName: 'soak',
    version: '0',
    demands: () => joined.demands(own, () => Promise.resolve({ sandboxImage: '' })),
    cluster: joined,
    rehearse: (demands, _config, at) =>
      rehearser.rehearse(world.view(), demands, { ...pass(at.signal), history: at.history }),
    probe: (at, _config, both) => rehearser.probe(world.view(), at, pass(both)),
    spent: () => rehearser.spent(),
    readView: () => Promise.resolve(world.view()),
    rehearseCheck: (demands, both) => rehearser.rehearse(world.view(), demands, pass(both)),
    clock: { now: world.now, random },
    vitals: () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 }),
    log,
    signal,
    close: () => joined.close(),
  };
}

function configOf(): Config {
  const parsed = parseConfig('schedule: 5m\njitter: 0\ncheckListen: off\ndeadline: 10s', {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

async function sampleOf(rounds: Rounds): Promise<Sample> {
  collect();
  const { body } = await rounds.metrics.scrape();
  const series = body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  const sockets = process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|UDPWrap/.test(name)).length;
  return { heapBytes: process.memoryUsage().heapUsed, sockets, series };
}

/** The last third against the second: the first is the warm-up. */
function judged(samples: readonly Sample[]): { readonly ok: boolean; readonly lines: readonly string[] } {
  const third = Math.floor(samples.length / 3);
  if (third < 1) return { ok: false, lines: ['too short to tell: fewer than three rounds'] };
  const [before, after] = [samples.slice(third, 2 * third), samples.slice(-third)];
  const least = (of: readonly Sample[], key: keyof Sample): number => Math.min(...of.map((sample) => sample[key]));
  const slack = { heapBytes: 2 * 1024 ** 2, sockets: 2, series: 0 };
  const lines: string[] = [];
  let ok = true;
  for (const key of ['heapBytes', 'sockets', 'series'] as const) {
    const [was, is] = [least(before, key), least(after, key)];
    const grew = is > was + slack[key];
    ok &&= !grew;
    const text = (value: number): string =>
      key === 'heapBytes' ? `${(value / 1024 ** 2).toFixed(2)} MiB` : `${value}`;
    lines.push(`${key}: ${text(was)} after the warm-up, ${text(is)} at the end${grew ? '   GROWS' : ''}`);
  }
  return { ok, lines };
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc()');
}
