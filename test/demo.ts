/** `npm run demo`: a dozen images meet a dozen fates on this machine's loopback; drypull says which pull, and serves its page. */
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { runAgent } from '#agent/agent.ts';
import { bareDemand } from '#config/image-demand.ts';
import { parseConfig, type Config } from '#config/config.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { openLog } from '#output/log.ts';
import { columnsOf, table } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { openWorld, type World } from './kit/world.ts';

const { stdout } = process;
const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));

await using world = await openWorld();
const width = Math.max(...world.images.map(({ image }) => image.length));
stdout.write('A small world on this machine, without a network. Its images and what awaits them:\n\n');
for (const { image, fate } of world.images) stdout.write(`  ${image.padEnd(width)}  ${fate}\n`);
stdout.write('\nWhat drypull says, knowing none of that:\n\n');

const now = (): Date => new Date();
const rehearser = new Rehearser({ hostRoot: world.hostRoot, env: {}, now, clockMs: () => performance.now() });
const view = await see(world);
const demands = world.images.map(({ image }) => bareDemand(image, []));
const reports: PullReport[] = [];
for await (const report of rehearse(demands, controller.signal)) reports.push(report);
const order = world.images.map(({ image }) => image);
reports.sort((a, b) => order.indexOf(a.image) - order.indexOf(b.image));
stdout.write(`${table(reports, { width: stdout.isTTY ? columnsOf(stdout) : 120, colour: stdout.isTTY })}\n\n`);

if (!process.argv.includes('--once')) await serve();

/** The node as its files say, but for the name server's port, which no resolv.conf can say. */
async function see({ hostRoot, runtime, resolverPort }: World): Promise<NodeView> {
  const seen = await readNode({ hostRoot, runtime, nodeName: 'demo-node', kubelet: {}, now: now() });
  const { resolver } = seen.system;
  const servers = resolver.servers.map((server) => ({ ...server, port: resolverPort }));
  return { ...seen, system: { ...seen.system, resolver: { ...resolver, servers } } };
}

function rehearse(wanted: readonly Demand[], signal: AbortSignal): AsyncIterable<PullReport> {
  return rehearser.rehearse(view, wanted, { manners, atOnce: 16, perRegistry: 8, meteredRegistries: [], signal });
}

async function serve(): Promise<void> {
  const config = demoConfig();
  const ended = await runAgent({
    config,
    hostName: view.name,
    version: 'demo',
    demands: () => Promise.resolve(demands),
    rehearse: (wanted, _config, { signal }) => rehearse(wanted, signal),
    rehearseCheck: rehearse,
    advise: (fault) => adviceFor(fault, { requestedBy: [] }),
    clock: { now: () => Date.now(), random: Math.random },
    vitals: () => ({
      cpuSeconds: process.cpuUsage().user / 1e6,
      residentBytes: process.memoryUsage.rss(),
      startedAtS: Date.now() / 1000 - process.uptime(),
    }),
    log: openLog({ level: 'silent', node: view.name }),
    signal: controller.signal,
    opened: ({ open }) => void stdout.write(`The agent's page: ${open}  (metrics at ${open}metrics; Ctrl-C ends)\n`),
  });
  if (!ended.ok)
    stdout.write(`The agent's page cannot be shown: ${ended.why}; DRYPULL_LISTEN=:PORT chooses another port.\n`);
}

function demoConfig(): Config {
  const parsed = parseConfig('schedule: 30s\ncheckListen: "off"\n', {
    DRYPULL_LISTEN: process.env['DRYPULL_LISTEN'] ?? '127.0.0.1:9467',
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}
