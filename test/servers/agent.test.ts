/** The agent as a user meets it: started by npm, a real registry before it that comes and goes, asked over its two ports. */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ask } from '../kit/ask.ts';
import { dockerRegistry, type DockerRegistry } from '../kit/docker-registry.ts';
import { image } from '../kit/image.ts';
import { needs } from '../kit/installed.ts';
import { nodeRoot, type NodeRoot } from '../kit/node-root.ts';
import { npmStart, type NpmStart } from '../kit/npm-start.ts';
import { freePort } from '../kit/program.ts';

/** The shortest cadence that the agent takes. */
const cadenceMs = 5_000;
/** One cadence, and as long again for a machine that does other things as well. */
const soon = { timeout: 2 * cadenceMs, interval: 100 };
const start = { timeout: 30_000, interval: 100 };

const [app, other] = [image({ seed: 'the agent looks after this' }), image({ seed: 'and later after this' })];

interface NodeBody {
  readonly is: string;
  readonly reasons: readonly { readonly image: string; readonly fault: string; readonly since: string }[];
}

interface Reports {
  readonly reports: readonly { readonly image: string; readonly verdict: { readonly is: string } }[];
}

describe.runIf(needs(['npm', 'docker-registry', 'promtool']))('npm start', { timeout: 60_000 }, () => {
  let [port, checkPort, registryPort] = [0, 0, 0];
  let root: NodeRoot;
  let registry: DockerRegistry;
  let agent: NpmStart;

  beforeAll(async () => {
    [port, checkPort, registryPort] = [await freePort(), await freePort(), await freePort()];
    root = await nodeRoot({ 'etc/hosts': '127.0.0.1 localhost\n', 'etc/resolv.conf': 'nameserver 127.0.0.1\n' });
    await openRegistry();
    await configure([wanted('app')]);
    agent = await npmStart(['--config', config()], join(root.path, 'home'));
    await vi.waitUntil(async () => (await status('/readyz')) === 200, start);
  });

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    await root[Symbol.asyncDispose]();
  });

  const config = (): string => join(root.path, 'drypull.yaml');
  const wanted = (name: string): string => `127.0.0.1:${registryPort}/team/${name}:v1`;

  function configure(images: readonly string[]): Promise<void> {
    const lines = [`images: ${JSON.stringify(images)}`, 'schedule: 5s', 'jitter: 0', `hostRoot: ${root.path}`];
    const targets = [`listen: 127.0.0.1:${port}`, `checkListen: 127.0.0.1:${checkPort}`];
    return writeFile(config(), [...lines, ...targets, 'runtime: containerd://1.6.20', ''].join('\n'));
  }

  async function openRegistry(): Promise<void> {
    registry = await dockerRegistry({ port: registryPort });
    await registry.push('team/app:v1', app);
    await registry.push('team/other:v1', other);
  }

  /** 0 while nobody answers. */
  async function status(path: string): Promise<number> {
    return ask(`http://127.0.0.1:${port}${path}`).then(
      (got) => got.status,
      () => 0,
    );
  }

  async function text(path: string): Promise<string> {
    return (await ask(`http://127.0.0.1:${port}${path}`)).body.toString();
  }

  const node = async (): Promise<NodeBody> => JSON.parse(await text('/node')) as NodeBody;
  const verdicts = async (): Promise<readonly string[]> => {
    const { reports } = JSON.parse(await text('/reports')) as Reports;
    return reports.map((report) => `${report.image} ${report.verdict.is}`);
  };

  test('says where its page is', () => {
    expect(agent.logged()).toContain(`is at http://127.0.0.1:${port}/`);
    expect(agent.logged()).toContain(`POST /check is taken at http://127.0.0.1:${checkPort}/`);
  });

  test('shows an image that pulls on the page, in the reports, in the metrics and in the answer about the node', async () => {
    expect(await status('/node')).toBe(200);
    expect(await node()).toMatchObject({ is: 'ready', reasons: [] });
    expect(await verdicts()).toEqual([`${wanted('app')} pulls`]);
    expect(await text('/')).toContain(wanted('app'));
    expect(await text('/metrics')).toMatch(
      new RegExp(`^drypull_images\\{.*registry="127\\.0\\.0\\.1:${registryPort}".*\\} 1$`, 'm'),
    );
  });

  test('measures what Prometheus has nothing to say against', async () => {
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: await text('/metrics'), encoding: 'utf8' });
    expect(`${checked.stdout}${checked.stderr}`).toBe('');
    expect(checked.status).toBe(0);
  });

  test('answers a check of an image that it was not asked to look after', async () => {
    const body = `${wanted('other')}\n${wanted('gone')}\n`;
    const answer = await ask(`http://127.0.0.1:${checkPort}/check`, { method: 'POST', body });
    expect(answer.status).toBe(200);
    const { reports } = JSON.parse(answer.body.toString()) as Reports;
    const logged = reports.map((report) => `${report.image} ${report.verdict.is}`);
    expect(logged.toSorted()).toEqual([`${wanted('gone')} fails`, `${wanted('other')} pulls`]);
    expect(await verdicts()).toEqual([`${wanted('app')} pulls`]);
    expect(await status('/check')).toBe(404);
  });

  test('a second one at the same port says so and ends with 2', async () => {
    await using second = await npmStart(['--config', config()], join(root.path, 'home'));
    expect(await second.ended).toEqual({ status: 2, signal: null });
    expect(second.logged()).toMatch(new RegExp(`^drypull: cannot listen on 127\\.0\\.0\\.1:${port}: `, 'm'));
  });

  test('a registry that stops makes the node unfit within one cadence, and one that returns makes it fit', async () => {
    await registry[Symbol.asyncDispose]();
    await expect.poll(() => status('/node'), soon).toBe(503);
    const { reasons } = await node();
    expect(reasons).toMatchObject([{ image: wanted('app'), fault: 'tcp.refused' }]);
    expect(await text('/metrics')).toMatch(/^drypull_image_not_pulling\{.*fault="tcp\.refused".*\} 1$/m);
    expect(await text('/')).toContain('tcp.refused');
    expect(await status('/livez')).toBe(200);

    await configure([wanted('app'), wanted('other')]);
    await expect.poll(verdicts, soon).toEqual([`${wanted('app')} fails`, `${wanted('other')} fails`]);
    const since = (await node()).reasons.find((reason) => reason.image === wanted('app'))?.since;
    expect(since, 'a changed configuration is no reason to forget').toBe(reasons[0]?.since);

    await openRegistry();
    await expect.poll(() => status('/node'), soon).toBe(200);
    expect(await verdicts()).toEqual([`${wanted('app')} pulls`, `${wanted('other')} pulls`]);
  });

  test('a hang-up has the file read, a bad file is refused, and the reports stay', async () => {
    const reloads = async (outcome: string): Promise<number> => {
      const line = new RegExp(`^drypull_config_reloads_total\\{.*outcome="${outcome}".*\\} (\\d+)$`, 'm');
      return Number(line.exec(await text('/metrics'))?.[1] ?? 0);
    };
    const before = await reloads('ok');
    agent.hangUp();
    await expect.poll(() => reloads('ok'), soon).toBe(before + 1);
    await writeFile(config(), 'schedule: never\n');
    await expect.poll(() => reloads('refused'), soon).toBe(1);
    expect(agent.logged()).toContain('going on with the old one');
    expect(await verdicts()).toEqual([`${wanted('app')} pulls`, `${wanted('other')} pulls`]);
  });

  test('leaves within five seconds of SIGTERM, with status 0 and no process behind it', async () => {
    const late = setTimeout(() => agent.signal('SIGKILL'), 5_000);
    agent.signal('SIGTERM');
    expect(await agent.ended).toEqual({ status: 0, signal: null });
    clearTimeout(late);
    expect(agent.lives()).toBe(false);
    expect(await status('/livez')).toBe(0);
  });
});
