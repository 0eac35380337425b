/**
 * Kubernetes' own kubelet against what is foretold of its own limits: pulls that wait behind a large one, and pulls that are refused
 * because too many begin at once.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { broughtAbout, type NodeTold } from '../kit/brought-about.ts';
import { containerdConfig } from '../kit/containerd.ts';
import { text, type Json } from '../kit/fake-kube-json.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { Hands } from '../kit/kube-hands.ts';
import { hasKubelet, kubelet, pauseProgram, type KubeletSettings } from '../kit/kubelet.ts';
import { nodeRoot, type NodeRoot } from '../kit/node-root.ts';
import { listOf } from '../kit/rendered.ts';
import { first, type Script } from '../kit/visit.ts';
import { wholeAgent } from '../kit/whole-agent.ts';

const KiB = 1024;
const soon = { timeout: 120_000, interval: 200 };
const isHere = hasKubeApiserver() && hasKubelet() && needs(['root', 'kubectl', 'unshare', 'runc']);
const largeBytes = 4608 * KiB;
const bytesPerS = 64 * KiB;

/** Large blobs come at this speed. */
const slowly: Script = ({ kind, found, seen, response }) => {
  if (kind !== 'blob' || found === undefined || found.bytes.length < largeBytes) return undefined;
  const end = /^bytes=0-(\d+)$/.exec(first(seen, 'range') ?? '')?.[1];
  const part = found.bytes.subarray(0, end === undefined ? undefined : Number(end) + 1);
  const range = end === undefined ? {} : { 'content-range': `bytes 0-${part.length - 1}/${found.bytes.length}` };
  response.writeHead(end === undefined ? 200 : 206, { 'content-length': String(part.length), ...range });
  let at = 0;
  const timer = setInterval(() => {
    response.write(part.subarray(at, at + bytesPerS / 10));
    at += bytesPerS / 10;
    if (at < part.length) return;
    clearInterval(timer);
    response.end();
  }, 100);
  response.once('close', () => clearInterval(timer));
  return 'done';
};

describe.runIf(isHere)('a real kubelet', { timeout: 300_000 }, () => {
  const program = pauseProgram();
  let registry: FakeRegistry;
  let server: KubeApiserver;
  let hands: Hands;

  beforeAll(async () => {
    registry = await FakeRegistry.open({
      images: {
        'pause:3': image({ program }),
        'team/small:v1': image({ program, seed: 'small', layers: [1, 1000] }),
        'team/large:v1': image({ program, seed: 'large', layers: [1, largeBytes] }),
      },
      onRequest: slowly,
    });
    server = await KubeApiserver.open();
    hands = await Hands.on(server);
    await hands.install();
  }, 180_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await registry.close();
  });

  const pods = '/api/v1/namespaces/shop/pods';
  const pod = (name: string, path: string): Promise<Json> =>
    hands.pod(name, `${registry.host}/${path}`, { policy: 'Always', hostNetwork: true });
  const clear = async (): Promise<void> => {
    for (const one of listOf((await server.admin('GET', pods))['items']))
      await hands.removePod(text(one, 'metadata', 'name'));
  };
  const messages = async (name: string): Promise<readonly string[]> => {
    const { items } = await server.admin('GET', '/api/v1/namespaces/shop/events');
    const its = listOf(items).filter((event) => text(event, 'involvedObject', 'name') === name);
    return its.map((event) => text(event, 'message'));
  };

  /** The node's files as a kubelet with these settings has them, and a runtime that has nothing yet. */
  async function filesOf(settings: KubeletSettings): Promise<NodeRoot> {
    const cri = '[plugins."io.containerd.grpc.v1.cri"]\n';
    const head = { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration' };
    return nodeRoot({
      'var/lib/kubelet/config.yaml': JSON.stringify({ ...head, ...settings }),
      'var/lib/containerd/io.containerd.content.v1.content/blobs/sha256': { dir: true },
      'etc/hosts': '127.0.0.1 localhost\n',
      'etc/resolv.conf': 'nameserver 127.0.0.1\n',
      'etc/containerd/config.toml': containerdConfig.replace(
        cri,
        `${cri}  sandbox_image = "${registry.host}/pause:3"\n`,
      ),
    });
  }

  /** What the agent says of what comes, once it says this of a rule. */
  async function predict(root: NodeRoot, rule: string): Promise<NodeTold> {
    const kubeconfig = await server.kubeconfig(await server.tokenOf('drypull', 'drypull'));
    const lines = ['listen: 127.0.0.1:0', 'checkListen: off', 'schedule: 1h', 'jitter: 0', 'nodeName: node1'];
    const own = [`hostRoot: ${root.path}`, `kubeconfig: ${kubeconfig}`, 'throughputSampleBytes: 256KiB', ''];
    await root.add({ 'drypull.yaml': [...lines, ...own].join('\n') });
    await using agent = await wholeAgent(`${root.path}/drypull.yaml`);
    const upcoming = async (): Promise<readonly Forecast[]> =>
      (JSON.parse(await agent.get('/node')) as { upcoming: readonly Forecast[] }).upcoming;
    await expect.poll(async () => (await upcoming()).map((one) => one.rule), soon).toContain(rule);
    return { forecasts: await upcoming(), atMs: Date.now() };
  }

  test('makes a small image wait behind a large one for as long as was foretold', async () => {
    const settings = { serializeImagePulls: true };
    await using root = await filesOf(settings);
    await pod('large-0', 'team/large:v1');
    await pod('small-0', 'team/small:v1');
    const shown = await predict(root, 'pulls-queue');
    registry.forget();
    await using node = await kubelet(server, root.path, settings);
    expect(node.url).toContain('127.0.0.1');
    const isPulling = (): boolean =>
      registry.requests.some(({ url, headers }) => url.includes('team/large/blobs') && headers['range'] === undefined);
    await expect.poll(isPulling, soon).toBe(true);
    await pod('small-1', 'team/small:v1');
    const waiting = async (): Promise<number> => {
      const pulled = (await messages('small-1')).find((message) => message.startsWith('Successfully pulled image'));
      const [, minutes = '0', seconds = '0'] = /\((?:(\d+)m)?([\d.]+)s including waiting\)/.exec(pulled ?? '') ?? [];
      return Number(minutes) * 60 + Number(seconds);
    };
    await expect.poll(waiting, soon).toBeGreaterThan(0);
    const waitedS = await waiting();
    const came = { atMs: Date.now(), status: true, so: waitedS > 60 };
    const { because } = broughtAbout('pulls-queue', 'kubelet.pulls_queued', { shown, came });
    const toldS = Number(/1 more may wait for about (\d+) s behind \S+large/.exec(because)?.[1]);
    expect(toldS / waitedS).toBeGreaterThan(0.95);
    expect(toldS / waitedS).toBeLessThan(1.3);
    await clear();
  });

  test('refuses pulls that begin with too many others, in the words that were foretold', async () => {
    const settings = { serializeImagePulls: false, registryPullQPS: 1, registryBurst: 2 };
    await using root = await filesOf(settings);
    const names = Array.from({ length: 6 }, (_, i) => `many-${i}`);
    for (const name of names) await pod(name, 'team/small:v1');
    const shown = await predict(root, 'pulls-queue');
    await using node = await kubelet(server, root.path, settings);
    expect(node.url).toContain('127.0.0.1');
    const status = /"(pull QPS exceeded)"/.exec(
      shown.forecasts.find(({ rule }) => rule === 'pulls-queue')?.because ?? '',
    )?.[1];
    const all = async (): Promise<readonly string[]> => (await Promise.all(names.map(messages))).flat();
    const refusal = async (): Promise<string | undefined> =>
      (await all()).flatMap((message) => /^Failed to pull image "[^"]+": (.+)$/.exec(message)?.[1] ?? [])[0];
    await expect.poll(refusal, soon).toBeDefined();
    broughtAbout('pulls-queue', 'kubelet.qps_exceeded', {
      shown,
      came: { atMs: Date.now(), status, so: await refusal() },
    });
    // A delay, and no more: after the back-off every one of them is pulled.
    const pulled = async (): Promise<number> =>
      (await Promise.all(names.map(messages))).filter((its) =>
        its.some((message) => message.startsWith('Successfully pulled image')),
      ).length;
    await expect.poll(pulled, soon).toBe(names.length);
    await clear();
  });
});
