import { describe, expect, test } from 'vitest';
import { document, publicNode, story, summary } from '#output/print.ts';
import {
  atRisk,
  blockedCdn,
  denied,
  fine,
  hostile,
  malformed,
  reportOf,
  reports,
  unseen,
  untrusted,
} from '../../kit/reports.ts';
import { nodeOf } from '../../kit/stage.ts';

const shown = (report: Parameters<typeof story>[0]): string => story(report, { colour: false });

describe('the whole story of an image', () => {
  test('begins with verdict and image, cause, remedy and whose door to knock on', () => {
    expect(shown(untrusted).split('\n').slice(0, 4)).toEqual([
      '✗ fails  registry.example.com/shop/pay:1',
      '  Cause of tls.untrusted.',
      '  → Remedy for tls.untrusted.',
      '  whose door   node',
    ]);
  });
  test("holds the kubelet's own words, and when it tries again", () => {
    expect(shown(untrusted)).toContain(
      'waiting      ErrImagePull: failed to pull and unpack image "registry.example.com/shop/pay:1": tls.untrusted',
    );
    expect(shown(untrusted)).toContain('event        Warning Failed: Error: ErrImagePull');
    expect(shown(untrusted)).toContain('at most 5 min apart');
    expect(shown(malformed)).toContain('no back-off: the kubelet tries again at every sync of the Pod');
  });
  test('holds each credential and each route, with its reason', () => {
    const text = shown(fine);
    expect(text).toContain('   1 pull secret shop/registry, key registry.example.com, user ci');
    expect(text).toContain('   1 mirror https://mirror.example.com/v2, not for tags, TLS verified');
    expect(text).toContain(
      'because /etc/containerd/certs.d/registry.example.com/hosts.toml [host."https://mirror.example.com"]',
    );
    expect(text).toContain('   2 origin https://registry.example.com/v2, TLS verified');
  });
  test('holds each request with its steps, milliseconds and reason', () => {
    const text = shown(fine);
    expect(text).toContain('✓ +0 ms  HEAD https://registry.example.com/v2/shop/web/manifests/1.4');
    expect(text).toContain('21 ms: 200, application/vnd.oci.image.index.v1+json, its clock is 2 min 0 s ahead');
    expect(text).toContain('to resolve the reference; mirror 1; the tag must become a digest');
    expect(text).toContain('✓ dns   registry.example.com, 3 ms: 10.0.0.7 (from 10.0.0.2:53)');
    expect(text).toContain('✓ tls   registry.example.com, 8 ms: TLSv1.3, CN=registry.example.com');
    expect(text).toContain('54 MB, layers from cdn.example.net (looked at: blobs sampled)');
  });
  test('a request that failed says why', () => {
    expect(shown(denied)).toContain('21 ms: auth.denied: ghcr.io does not let pull secret shop/ghcr');
    expect(shown(blockedCdn)).toContain('redirects layers to pkg-containers.githubusercontent.com');
  });
  test('holds evidence, warnings and forecasts', () => {
    const text = shown(atRisk);
    expect(text).toContain(
      '✗ name server 10.0.0.3:53 for registry.example.com, 5.0 s: The name server 10.0.0.3:53 gave no answer',
    );
    expect(text).toContain('✓ address 10.0.0.7:443 for registry.example.com, 9 ms: TLSv1.3');
    expect(text).toContain('! hosts.unparsable: ');
    expect(text).toContain('certain to fail, in 2 days: tls.expired (certificate-expires, about registry.example.com)');
  });
  test('says how sure it is, and why', () => {
    expect(shown(unseen)).toContain(
      'sure         approximate: a pull secret was not given; the resolver of the C library is imitated',
    );
  });
  test.each([
    ['Always', 'also when the image is on the node'],
    ['IfNotPresent', 'only where the image is not on the node'],
    ['Never', 'never asks a registry'],
  ] as const)('says what policy %s means', (policy, text) => {
    expect(shown(reportOf('a', { policy }))).toContain(text);
  });
  test('says of who wants it whether it is here or about to come', () => {
    const here = { kind: 'Pod', namespace: 'shop', name: 'web-1', part: 'container web' };
    const coming = { ...here, kind: 'Deployment', name: 'web', coming: true } as const;
    const lines = shown(reportOf('a', { requestedBy: [here, coming] }));
    expect(lines).toMatch(/wanted by +Pod shop\/web-1, container web\n/);
    expect(lines).toMatch(/wanted by +Deployment shop\/web, container web \(about to come\)\n/);
  });
  test('a thousand workloads do not bury it', () => {
    const requestedBy = Array.from({ length: 1000 }, (_, i) => ({
      kind: 'Pod',
      namespace: 'n',
      name: `p${i}`,
      part: '',
    }));
    expect(shown(reportOf('a', { requestedBy }))).toContain('and 980 more');
  });
  test('nothing in it moves the cursor', () => {
    expect(reports.map(shown).join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(shown(hostile)).toContain('漢字');
  });
});

test('the document has a version, the node and the reports', () => {
  const node = publicNode(nodeOf({ platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }));
  const { version, node: actual, reports: all } = document(node, reports);
  expect(version).toBe(1);
  expect(actual).toEqual({
    name: 'node-7',
    runtime: 'containerd://2.1.9',
    engine: 'transfer',
    platform: 'linux/arm/v7',
    warnings: [],
    doubts: [],
  });
  expect(JSON.parse(JSON.stringify(all))).toEqual(reports);
});

test.each([
  [reports, '11 images on node-7: 2 pull, 1 at risk, 6 fail, 2 unknown'],
  [[fine], '1 image on node-7: 1 pulls'],
  [[], '0 images on node-7: nothing to tell'],
])('the summary counts', (all, line) => {
  expect(summary('node-7', all)).toBe(line);
});
