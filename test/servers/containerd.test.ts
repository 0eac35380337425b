/**
 * containerd and drypull are asked the same about the same worlds, and must say the same, to the letter of what `kubectl
 * describe pod` would show. CONTAINERD=/path/to/containerd asks another version than the installed one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askDrypull } from '../kit/ask-drypull.ts';
import { kubeletText } from '../kit/cri.ts';
import { needs } from '../kit/installed.ts';
import { squid, type Squid } from '../kit/squid.ts';
import { at } from './at.ts';
import { cases, type Case } from './cases.ts';
import { hosts, openNode, openStage, pki, type Node, type Pki } from './stage.ts';

const able = needs(['root', 'unshare', 'containerd', 'docker-registry', 'htpasswd', 'squid']);

const proxyCases: readonly Case[] = [
  {
    world: 'a registry that the proxy reaches',
    set: async ({ registry }) => ({ image: at(await registry()) }),
    gets: 'pulled',
  },
  {
    world: 'a registry that the proxy does not let through',
    set: async ({ registry }) => ({ image: at(await registry(), 'denied') }),
    gets: /: Forbidden$/,
  },
  {
    world: 'a name that the proxy cannot resolve',
    set: async ({ registry }) => ({ image: at(await registry(), 'nowhere') }),
    // Squid: 503 where the name does not exist, 500 where no name server answers.
    gets: /: (Service Unavailable|Internal Server Error)$/,
  },
];

const namelessCases: readonly Case[] = [
  {
    world: 'a name that no name server could be asked for',
    set: async ({ registry }) => ({ image: at(await registry(), 'named') }),
    gets: /dial tcp: lookup named\.example\.test on 127\.0\.0\.153:53: .*connection refused$/,
  },
];

const silentProxyCases: readonly Case[] = [
  {
    world: 'a registry behind a proxy where nobody listens',
    set: async ({ registry }) => ({ image: at(await registry()) }),
    gets: /proxyconnect tcp: dial tcp 127\.0\.0\.1:9: connect: connection refused$/,
  },
];

/** What cannot be foretold: a socket's own port and the time; and a query that we hide, since it may be a capability. */
function foretellable(text: string): string {
  return text
    .replaceAll(/(read (?:tcp|udp) )[\d.]+:\d+->/g, '$1[node]->')
    .replaceAll(/current time [\dTZ:-]+/g, 'current time NOW')
    .replaceAll(/([?&](?!ns=|scope=|service=)\w+=)[^&"]*/g, '$1%5BREDACTED%5D');
}

describe.runIf(able)('containerd and drypull agree', { timeout: 30_000 }, () => {
  let authorities: Pki;
  let proxy: Squid;
  let nodes: Readonly<Record<'direct' | 'behindSquid' | 'withoutNames' | 'behindNobody', Node>>;

  beforeAll(async () => {
    authorities = await pki();
    proxy = await squid({ hosts, denies: ['denied.example.test'] });
    nodes = {
      direct: await openNode(authorities),
      behindSquid: await openNode(authorities, { proxy: proxy.url }),
      withoutNames: await openNode(authorities, { nameServer: 'nobody' }),
      behindNobody: await openNode(authorities, { proxy: 'http://127.0.0.1:9' }),
    };
  });

  afterAll(async () => {
    for (const node of Object.values(nodes)) await node[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  test.for(cases)('$world', (one) => agree(one, nodes.direct));
  test.for(proxyCases)('$world', (one) => agree(one, nodes.behindSquid));
  test.for(namelessCases)('$world', (one) => agree(one, nodes.withoutNames));
  test.for(silentProxyCases)('$world', (one) => agree(one, nodes.behindNobody));

  async function agree(one: Case, node: Node): Promise<void> {
    await using stage = openStage(authorities, node);
    const context = await one.set(stage);
    const [username, password] = context.user ?? [];
    const credential = username === undefined || password === undefined ? {} : { username, password };
    const theirs = await node.daemon.pull({ image: context.image, ...credential });
    if (node.daemon.version.startsWith('containerd://1.6.')) {
      expect(theirs.is, JSON.stringify(theirs)).toBe(one.gets === 'pulled' ? 'pulled' : 'failed');
      if (theirs.is === 'failed') expect(theirs.message).toMatch(one.gets);
    }
    const ours = await askDrypull({ ...context, root: node.root.path, runtime: node.daemon.version });
    const predicted = ours.verdict.is === 'at_risk' ? 'pulls' : ours.verdict.is;
    expect(predicted, JSON.stringify({ theirs, ours: ours.verdict })).toBe(theirs.is === 'pulled' ? 'pulls' : 'fails');
    if (theirs.is === 'pulled') return;
    const { unlike } = one;
    const shown = foretellable(kubeletText(theirs));
    const expected = unlike === undefined ? shown : shown.replace(unlike.theirs, unlike.ours);
    expect(foretellable(ours.kubelet?.waitingMessage ?? ''), unlike?.because).toBe(expected);
  }
});
