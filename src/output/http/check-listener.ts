/**
 * The listener that takes checks: POST /check with image names or Kubernetes objects, from this machine's own processes and through
 * the port-forwards of a cluster; and GET /node, the node in numbers, for the same callers. A page in a browser on this machine must
 * not reach it, by name (DNS rebinding) nor across origins. An image is all that can be asked for: the text is given on as it is,
 * and nothing in a request names a file. A query says how to answer: `known=1` from what is known where that is fresh, `brief=1`
 * without the steps.
 */
import { isLocalName } from './local-name.ts';
import type { IncomingMessage } from 'node:http';
import { answerFor } from '#report/node-answer.ts';
import type { CheckedReport, CheckManner } from '#report/check-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import type { ListenAddress, Opened, Reply } from './listener.ts';
import { addressOf, json, listen, problem } from './listener.ts';
import { nodeSummary } from './node-body.ts';

export interface CheckListener {
  readonly ledger: () => Ledger;
  readonly now: () => number;
  readonly check: (
    asked: CheckManner & { readonly text: string; readonly signal: AbortSignal },
  ) => Promise<readonly CheckedReport[]>;
  /** Checks at one time; more are told to come again. */
  readonly atOnce: number;
  readonly bodyBytes: number;
}

/** A caller comes again no sooner than a check usually takes. */
const retryAfter = { 'Retry-After': '5' } as const;

export function listenForChecks(at: ListenAddress, source: CheckListener): Promise<Opened> {
  let running = 0;
  return listen(at, async (request) => {
    const refused = refuse(request);
    if (refused !== undefined) return refused;
    if (addressOf(request)?.path === '/node') return summary(source);
    if (running >= source.atOnce) return problem(429, 'as many checks as allowed are under way', retryAfter);
    running += 1;
    try {
      return await check(request, source);
    } finally {
      running -= 1;
    }
  });
}

function refuse(request: IncomingMessage): Reply | undefined {
  if (!isLocalName(request.headers.host)) return problem(421, "asked for under a name that is not this machine's own");
  const site = request.headers['sec-fetch-site'];
  if (request.headers.origin !== undefined || (site !== undefined && site !== 'none')) {
    return problem(403, 'not for web pages');
  }
  const path = addressOf(request)?.path;
  if (path === '/node')
    return request.method === 'GET' ? undefined : problem(405, 'this is only read', { Allow: 'GET' });
  if (path !== '/check') return problem(404, 'nothing is here; there are POST /check and GET /node');
  if (request.method !== 'POST') return problem(405, 'a check is a POST', { Allow: 'POST' });
  if (mannerOf(request) === undefined) return problem(400, 'a query may say known=1 and brief=1, and nothing else');
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    return problem(415, 'a body is taken as it is, not compressed');
  return undefined;
}

function mannerOf(request: IncomingMessage): CheckManner | undefined {
  const query = [...(addressOf(request)?.query ?? [])];
  const isKnown = query.every(([name, value]) => /^(?:known|brief)$/.test(name) && /^[01]$/.test(value));
  const text = (name: string): boolean => query.some(([each, value]) => each === name && value === '1');
  return isKnown ? { known: text('known'), brief: text('brief') } : undefined;
}

/** Without names of images: where the open listener asks who reads, this one tells no more than how many. */
function summary({ ledger, now }: CheckListener): Reply {
  const known = ledger();
  const nowMs = now();
  return json(200, nodeSummary(known, answerFor(known, nowMs), nowMs));
}

async function check(request: IncomingMessage, { check: run, bodyBytes, ledger }: CheckListener): Promise<Reply> {
  const tooLarge = problem(413, `a body may have ${bodyBytes} bytes`);
  if (Number(request.headers['content-length'] ?? '0') > bodyBytes) return tooLarge;
  const body = await readBody(request, bodyBytes);
  if (body === 'too large') return tooLarge;
  if (body === 'broken') return problem(400, 'the body broke off');
  const text = decode(body);
  if (text === undefined) return problem(400, 'the body is not UTF-8');
  if (text.trim() === '')
    return problem(400, 'the body is empty: give image names, or Kubernetes objects as YAML or JSON');
  // Who waits no more needs no answer, and the registries need not be asked for it.
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  request.socket.setTimeout(0);
  request.socket.once('close', onClose);
  try {
    const manner = mannerOf(request) ?? { known: false, brief: false };
    const reports = await run({ ...manner, text, signal: gone.signal });
    return json(200, { version: 1, node: ledger().node, reports });
  } finally {
    request.socket.off('close', onClose);
    request.socket.setTimeout(30_000);
  }
}

async function readBody(request: IncomingMessage, most: number): Promise<Buffer | 'too large' | 'broken'> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > most) return 'too large';
      parts.push(part);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(parts);
}

function decode(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
