/** What an agent asks mirrors for: its own passes the digest, and the tag now and then; whoever asks it for a check, the tag. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TagAsked } from '#runtime/attempt/wire.ts';
import { minute, ownTime, pulls, started, type Running } from '../kit/agent.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { nodeRoot } from '../kit/node-root.ts';
import { asked, short } from '../kit/stage.ts';
import { wholeAgent } from '../kit/whole-agent.ts';

const app = image({ seed: 'app' });

describe('a tag behind a mirror', () => {
  ownTime();
  let running: Running | undefined;
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });

  /** How many minutes after it was asked for a tag of this agent is due again. */
  async function restOf(settings: string): Promise<number> {
    const rules: ((tag: TagAsked) => boolean)[] = [];
    running = await started(`images: [registry.corp.internal/x:1]\nschedule: 10m\n${settings}`, pulls, {
      rehearse: async function* (demands, _, { tagIsDue }) {
        rules.push(tagIsDue);
        for (const { written } of demands) yield await Promise.resolve(pulls(written));
      },
    });
    // In a large fleet the turn of an image comes late.
    await vi.advanceTimersByTimeAsync(60 * minute);
    expect(rules.length).toBeGreaterThan(0);
    const isDue = (askedMs: number, nowMs: number): boolean | undefined =>
      rules[0]?.({ registry: 'docker.io', reference: 'docker.io/library/x:1', askedMs, nowMs });
    const firstMs = Array.from({ length: 1000 }, (_, i) => i * minute).find((nowMs) => isDue(0, nowMs)) ?? 0;
    const next = Array.from({ length: 1000 }, (_, i) => i + 1).find((later) =>
      isDue(firstMs, firstMs + later * minute),
    );
    return next ?? Infinity;
  }

  test('is due every hour for an agent that is alone', async () => {
    expect(await restOf('fleetSize: 1')).toBe(60);
  });

  test('is due seldom where thousands ask through mirrors for what one registry has', async () => {
    expect(await restOf('fleetSize: 5000')).toBeGreaterThan(120);
  });

  test('is due every hour again where the operator lets the registry be asked more', async () => {
    expect(await restOf('fleetSize: 5000\nrequestsPerMinute: { docker.io: 60000 }')).toBe(60);
  });
});

test('passes of an agent ask by digest, and a check asks by tag', async () => {
  await using mirror = await FakeRegistry.open({ images: { 'team/app:v1': app } });
  await using origin = await FakeRegistry.open({ images: { 'team/app:v1': app } });
  const hosts = `server = "${origin.url}"\n[host."${mirror.url}"]\n  capabilities = ["pull", "resolve"]\n`;
  await using root = await nodeRoot({
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
    'etc/containerd/config.toml':
      'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n',
    'etc/containerd/certs.d/reg.test/hosts.toml': hosts,
  });
  const config = (comment: string): Promise<void> =>
    root.add({
      'drypull.yaml': [
        `# ${comment}`,
        'listen: 127.0.0.1:0',
        'checkListen: 127.0.0.1:0',
        'schedule: 1h',
        'jitter: 0',
        'nodeName: node1',
        'runtime: containerd://2.1.9',
        'images: [reg.test/team/app:v1]',
        `hostRoot: ${root.path}`,
        `historyPerImage: ${comment}`,
        '',
      ].join('\n'),
    });
  const heads = (): readonly string[] => asked(mirror).filter((line) => line.startsWith('HEAD'));
  await config('10');
  await using agent = await wholeAgent(`${root.path}/drypull.yaml`);
  await agent.until(async () => (await agent.reports()).length === 1);
  expect((await agent.reports())[0]?.verdict.is).toBe('pulls');
  expect(heads()).toEqual(['HEAD /v2/team/app/manifests/v1?ns=reg.test']);
  mirror.forget();
  await config('11');
  await agent.until(() => heads().length > 0);
  expect(heads()).toEqual([`HEAD /v2/team/app/manifests/${short(app.top.digest)}?ns=reg.test`]);
  mirror.forget();
  const owner = /POST \/check is taken at (\S+)/.exec(agent.logged.join(''))?.[1] ?? '';
  await fetch(new URL('check', owner), {
    method: 'POST',
    body: 'reg.test/team/app:v1\n',
    headers: { connection: 'close' },
  }).then((response) => response.text());
  expect(heads()).toEqual(['HEAD /v2/team/app/manifests/v1?ns=reg.test']);
});
