/**
 * The open listener, which only reads: the page, the reports, the metrics, the health of the node and of the agent; and the door
 * to the one that takes checks. The agent's health and the node's are different questions: a dead registry must never make the
 * kubelet restart agents.
 */
import type { IncomingMessage } from 'node:http';
import { answerFor, isStale } from '#pull/answer.ts';
import type { Ledger } from '#pull/ledger.ts';
import type { ListenAddress, Opened, Reply } from './listener.ts';
import { addressOf, json, listen, problem } from './listener.ts';
import { nodeBody } from './node-body.ts';
import { page, pagePolicy } from './page.ts';

export { listenForChecks } from './check-listener.ts';
export type { Listening, Opened } from './listener.ts';

export interface OpenListener {
  readonly ledger: () => Ledger;
  readonly now: () => number;
  readonly version: string;
  readonly scrape: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** On its way out: no longer ready. */
  readonly draining: () => boolean;
}

export function listenOpenly(at: ListenAddress, source: OpenListener): Promise<Opened> {
  return listen(at, (request) => respond(request, source));
}

async function respond(request: IncomingMessage, source: OpenListener): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem(405, 'this listener only reads', { Allow: 'GET, HEAD' });
  }
  const address = addressOf(request);
  if (address === undefined) return problem(400, 'the address cannot be read');
  const { path, query } = address;
  switch (path) {
    case '/':
      return showPage(query, source);
    case '/metrics': {
      const { body } = await source.scrape();
      return { status: 200, type: 'metrics', body };
    }
    case '/livez':
      return livez(source);
    case '/readyz':
      return readyz(source);
    case '/node':
      return node(source);
    case '/reports':
    case '/reports/':
      return reports(source.ledger(), undefined);
    default:
      return path.startsWith('/reports/') ? oneReport(path.slice('/reports/'.length), source.ledger()) : notHere();
  }
}

function notHere(): Reply {
  return problem(404, 'nothing is here; there are /, /reports, /reports/<image>, /node, /metrics, /livez and /readyz');
}

function showPage(query: URLSearchParams, { ledger, now, version }: OpenListener): Reply {
  const refresh = /^[0-9]{1,4}$/.exec(query.get('refresh') ?? '')?.[0];
  const image = query.get('image');
  const body = page(ledger(), {
    nowMs: now(),
    version,
    ...(refresh === undefined ? {} : { refreshS: Math.max(5, Number(refresh)) }),
    ...(image === null ? {} : { image }),
  });
  return { status: 200, type: 'html', body, headers: { 'Content-Security-Policy': pagePolicy } };
}

/** Alive: passes come to an end. What they find does not matter. */
function livez({ ledger, now }: OpenListener): Reply {
  if (isStale(ledger(), now())) return text(503, 'no pass over the images has ended for too long');
  return text(200, 'ok');
}

function readyz({ ledger, draining }: OpenListener): Reply {
  if (draining()) return text(503, 'the agent is leaving');
  if (ledger().pass === undefined) return text(503, 'the first pass over the images has not ended');
  return text(200, 'ok');
}

function text(status: number, line: string): Reply {
  return { status, type: 'text', body: `${line}\n` };
}

function node({ ledger, now }: OpenListener): Reply {
  const known = ledger();
  const answer = answerFor(known, now());
  return json(answer.is === 'ready' ? 200 : 503, nodeBody(known, answer));
}

function reports({ node, entries }: Ledger, only: string | undefined): Reply {
  const chosen = entries.filter(
    ({ id, report }) => only === undefined || only === id || only === report.image || only === report.reference,
  );
  if (only !== undefined && chosen.length === 0) {
    return problem(404, 'no report on this image: it is not asked for, or has not been rehearsed yet');
  }
  return json(200, { version: 1, node, reports: chosen.map(({ report }) => report) });
}

/** The image's name as it is, slashes and all, or URL-encoded. */
function oneReport(encoded: string, ledger: Ledger): Reply {
  try {
    return reports(ledger, decodeURIComponent(encoded));
  } catch {
    return problem(400, 'the image name is not URL-encoded');
  }
}
