import { describe, expect, test } from 'vitest';
import type { Ledger } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { CheckTaker } from '#check/answer-check.ts';
import { reportOn } from '../kit/fleet-agent.ts';
import { entry, failing, ledgerOf, now, pulling } from '../kit/ledger.ts';

const web = 'registry.example.com/shop/web:1';
const secret = 'registry.example.com/shop/web:1 (IfNotPresent, shop/hub)';
const signal = new AbortController().signal;
const known = { known: true, brief: true, signal };
const recently = new Date(now - 60_000).toISOString();

interface Taking {
  readonly taker: CheckTaker;
  readonly rehearsed: Demand[];
}

function taking(
  over: { readonly ledger?: Ledger; readonly secrets?: boolean; readonly is?: () => PullReport } = {},
): Taking {
  const rehearsed: Demand[] = [];
  const { ledger = ledgerOf([]), secrets = false, is } = over;
  const taker = new CheckTaker({
    // eslint-disable-next-line @typescript-eslint/require-await -- an asynchronous iterable is what is asked for
    rehearse: async function* (demands) {
      for (const demand of demands.toReversed()) {
        rehearsed.push(demand);
        yield { ...reportOn(demand, is?.()), at: new Date(now).toISOString() };
      }
    },
    ledger: () => ledger,
    mostImages: 3,
    secrets,
    nowMs: () => now,
  });
  return { taker, rehearsed };
}

const podWith = (...more: readonly string[]): string =>
  [
    `{apiVersion: v1, kind: Pod, metadata: {name: demand-0, namespace: shop}, spec: {imagePullSecrets: [{name: hub}], containers: [{name: a, image: '${web}', imagePullPolicy: IfNotPresent}]}}`,
    ...more,
  ].join('\n---\n');
const hub = (password: string): string =>
  `{apiVersion: v1, kind: Secret, metadata: {name: hub, namespace: shop}, type: kubernetes.io/dockercfg, stringData: {.dockercfg: '{"registry.example.com":{"username":"u","password":"${password}"}}'}}`;
const knownOf = (id: string): Ledger => ledgerOf([entry({ ...pulling({ image: web }), id, at: recently })]);

describe('a check is answered', () => {
  test('in the order in which it was asked, whichever report is ready first', async () => {
    const { taker } = taking();
    const answered = await taker.take({ ...known, text: 'b:1\na:1\n# not this\nc:1\na:1\nd:1\n' });
    expect(answered.map(({ image }) => image)).toEqual(['b:1', 'a:1', 'c:1']);
  });

  test('from the agent’s own round, under the name of whoever asks now', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(web) });
    const [report] = await taker.take({
      ...known,
      text: `{apiVersion: v1, kind: Pod, metadata: {name: demand-0, namespace: x}, spec: {containers: [{name: a, image: '${web}'}]}}`,
    });
    expect(rehearsed).toEqual([]);
    expect(report).toMatchObject({
      ageMs: 60_000,
      requestedBy: [{ kind: 'Pod', name: 'demand-0', part: 'container a' }],
    });
    expect(report).not.toHaveProperty('id');
  });

  test('anew where nothing else was asked for', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(web) });
    await taker.take({ known: false, brief: true, signal, text: web });
    expect(rehearsed).toHaveLength(1);
  });

  test('anew where another policy is meant', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(web) });
    const text = `{apiVersion: v1, kind: Pod, metadata: {name: demand-0}, spec: {containers: [{name: a, image: '${web}', imagePullPolicy: Always}]}}`;
    await taker.take({ ...known, text });
    expect(rehearsed).toHaveLength(1);
  });

  test('from an earlier check of the same', async () => {
    const { taker, rehearsed } = taking();
    await taker.take({ ...known, text: web });
    await taker.take({ ...known, text: web });
    expect(rehearsed).toHaveLength(1);
  });

  test('anew with its steps, which earlier checks do not keep', async () => {
    const { taker, rehearsed } = taking();
    await taker.take({ ...known, text: web });
    const [report] = await taker.take({ ...known, brief: false, text: web });
    expect(rehearsed).toHaveLength(2);
    expect(report?.attempts).not.toEqual([]);
  });

  test('of 200 earlier answers and no more', async () => {
    const { taker, rehearsed } = taking();
    for (let i = 0; i <= 200; i += 1) await taker.take({ ...known, text: `image-${i}:1` });
    await taker.take({ ...known, text: 'image-200:1' });
    expect(rehearsed).toHaveLength(201);
    await taker.take({ ...known, text: 'image-0:1' });
    expect(rehearsed).toHaveLength(202);
  });
});

describe('pull secrets', () => {
  test('what is known with the cluster’s Secrets is not told to whoever only names them', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(secret) });
    await taker.take({ ...known, text: podWith() });
    expect(rehearsed).toHaveLength(1);
  });

  test('with checkSecrets it is', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(secret), secrets: true });
    const [report] = await taker.take({ ...known, text: podWith() });
    expect([rehearsed, report?.ageMs]).toEqual([[], 60_000]);
  });

  test('a stream with Secrets of its own is rehearsed with them, and once while they stay the same', async () => {
    const { taker, rehearsed } = taking({ ledger: knownOf(secret), secrets: true });
    await taker.take({ ...known, text: podWith(hub('one')) });
    await taker.take({ ...known, text: podWith(hub('one')) });
    expect(rehearsed).toHaveLength(1);
    await taker.take({ ...known, text: podWith(hub('two')) });
    expect(rehearsed).toHaveLength(2);
  });

  test('an answer that went with the Secret of one stream is not told to another that only names it', async () => {
    const { taker, rehearsed } = taking();
    await taker.take({ ...known, text: podWith(hub('one')) });
    await taker.take({ ...known, text: podWith() });
    expect(rehearsed).toHaveLength(2);
  });
});

test('what failed is not kept for longer than a moment: it may just have been pushed', async () => {
  let is: PullReport = failing({
    image: web,
    fault: { code: 'manifest.unknown_tag', image: web, host: 'h', message: '' },
    stage: 'manifest',
    advice: { cause: '', remedy: '', owner: 'workload' },
  });
  const old = { ...is, at: recently };
  const { taker } = taking({ ledger: ledgerOf([entry(old)]), is: () => is });
  is = pulling({ image: web });
  const [report] = await taker.take({ ...known, text: web });
  expect(report?.verdict.is).toBe('pulls');
});
