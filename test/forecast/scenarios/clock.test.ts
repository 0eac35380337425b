/** A node whose clock drifts away from everybody's, seen rehearsal by rehearsal: when it will be too far off is foretold, and then it is. */
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { good } from '#report/outcome.ts';
import type { PullReport } from '#report/report.ts';
import { askProviders } from '#node/credential-plugin.ts';
import { ProviderCache } from '#node/provider-cache.ts';
import { broughtAbout, type Shown } from '../../kit/brought-about.ts';
import { authority, leaf } from '../../kit/certificates.ts';
import { FakeRegistry, image, type RegistryWish } from '../../kit/fake-registry.ts';
import { trusting } from '../../kit/network-settings.ts';
import { nodeRoot } from '../../kit/node-root.ts';
import { predicted, hour, RememberingNode } from '../../kit/remembering.ts';
import { gist, nodeOf, plain, toml } from '../../kit/stage.ts';
import type { Script } from '../../kit/visit.ts';

const images = { 'team/app:v1': image() };
const dayS = 86_400;
/** The node gains or loses them in an hour: ten of these are the five minutes that nobody accepts. */
const driftMs = 30_000;
/** The lead is rounded as Date headers are, and is told in the node's own hours. */
const offByS = 600;

const notYetValid = (shown: Shown): Forecast => broughtAbout('clock-skews', 'tls.not_yet_valid', shown);
const expired = (shown: Shown): Forecast => broughtAbout('clock-skews', 'tls.expired', shown);

test.each([
  ['loses', -driftMs, 726, notYetValid, { from: -298 / dayS, to: 30 }],
  ['gains', driftMs, 714, expired, { from: -60, to: 298 / dayS }],
] as const)(
  'a clock that %s half a minute an hour passes a certificate by when it was foretold, for all that was fine before',
  async (_, perHourMs, perDayS, claim, life) => {
    const startMs = Date.parse('2026-03-04T12:00:00.000Z');
    let trueMs = startMs;
    const root = await authority({ from: -90, nowMs: startMs });
    const long = await leaf({ names: ['reg.test'], by: root, from: -30, to: 30, nowMs: startMs });
    const onRequest: Script = ({ response }) => void response.setHeader('date', new Date(trueMs).toUTCString());
    const first = await FakeRegistry.open({ images, onRequest, tls: { cert: long.chain, key: long.key } });
    const { port } = first;
    const place = `reg.test:${port}`;
    const rule = plain(place, { url: `https://${place}`, tls: trusting(root.cert) });
    const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { [place]: toml(rule) } });
    const node = new RememberingNode(view, startMs);
    const pass = (hours: number): Promise<PullReport> => {
      trueMs += hours * hour;
      return node.after(hours * (hour + perHourMs), `${place}/team/app:v1`);
    };
    const gists: string[] = [];
    let shown = await pass(0);
    for (let hours = 1; hours <= 6; hours += 1) {
      gists.push(gist(shown));
      shown = await pass(1);
    }
    // An hour and four samples show that it drifts, in the node's own seconds.
    expect(gists.slice(0, 3)).toEqual(['pulls', 'pulls', 'pulls']);
    expect(predicted(shown, 'clock-skews')?.assuming).toBe(`it continues to drift by ${perDayS} s a day`);
    await first.close();
    // The certificate that is shown then has just begun, or is about to end, for everybody else.
    const short = await leaf({ names: ['reg.test'], by: root, ...life, nowMs: trueMs + 4 * hour });
    await using next = await FakeRegistry.open({
      ...{ images, onRequest, port },
      tls: { cert: short.chain, key: short.key },
    });
    expect(next.port).toBe(port);
    const forecast = claim({ shown, came: await pass(4), offByS });
    expect(forecast).toMatchObject({ likelihood: 'likely', effect: 'fails' });
  },
);

/** As with AWS Signature Version 4: what was signed by a clock five minutes off is refused. */
const signer = (auth: string): string => `#!/bin/sh
off=$(( $(cat "$NOTES/node") - $(cat "$NOTES/service") ))
[ "\${off#-}" -lt 300 ] || { echo 'Signature expired: check your clock' >&2; exit 1; }
cat <<'END'
{"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "cacheKeyType": "Registry", "cacheDuration": "0s", "auth": ${auth}}
END
`;

test('a clock that gains leads a credential plugin to a refusal of what it signs, when it was foretold', async () => {
  let trueMs = Date.parse('2026-03-04T12:00:00.000Z');
  const request: RegistryWish = { images, auth: { scheme: 'basic', users: { AWS: 'right' } } };
  const onRequest: Script = ({ response }) => void response.setHeader('date', new Date(trueMs).toUTCString());
  await using registry = await FakeRegistry.open({ ...request, onRequest });
  const place = `reg.test:${registry.port}`;
  const text = signer(JSON.stringify({ [place]: { username: 'AWS', password: 'right' } }));
  await using root = await nodeRoot({ 'bin/ecr': { text, mode: 0o755 } });
  const provider = {
    ...{ name: 'ecr', apiVersion: 'credentialprovider.kubelet.k8s.io/v1', matchImages: [place], defaultCacheS: 0 },
    ...{ args: [], env: [], binary: join(root.path, 'bin/ecr'), wantsToken: false },
  };
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const kubelet = { ...view.kubelet, providers: { ...good([provider]), source: '/etc/providers.yaml' } };
  const means = {
    cache: new ProviderCache(),
    matches: (pattern: string, repository: string) => repository.startsWith(`${pattern}/`),
    env: { PATH: '/usr/bin:/bin', NOTES: root.path },
    now: () => trueMs,
  };
  let nodeMs = trueMs;
  let node = new RememberingNode({ ...view, kubelet }, nodeMs);
  const pass = async (hours: number): Promise<PullReport> => {
    trueMs += hours * hour;
    nodeMs += hours * (hour + driftMs);
    const clocks = { node: nodeMs, service: trueMs };
    for (const [name, ms] of Object.entries(clocks)) await writeFile(join(root.path, name), String(ms / 1000));
    const answers = await askProviders([provider], `${place}/team/app`, means);
    const { history } = node;
    node = new RememberingNode(node.view, nodeMs, { answers });
    node.history = history;
    return node.rehearse(`${place}/team/app:v1`);
  };
  let shown = await pass(0);
  for (let hours = 1; hours <= 6; hours += 1) shown = await pass(1);
  broughtAbout('clock-skews', 'credential.provider_failed', { shown, came: await pass(4), offByS });
});
