/**
 * The open listener, which only reads: the page, the reports, the metrics, the health of the node and of the agent; and the door
 * to the one that takes checks. The agent's health and the node's are different questions: a dead registry must never make the
 * kubelet restart agents.
 */
import type { IncomingMessage } from 'node:http';
import { answerFor, isStale } from '#report/node-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import type { Admit } from './access.ts';
import { isOpenPath, refusal } from './access.ts';
import type { ListenAddress, Opened, Reply } from './listener.ts';
import type { Target } from './listener.ts';
import { addressOf, json, listen, problem } from './listener.ts';
import { nodeBody, nodeLine } from './node-body.ts';
import { page, pagePolicy } from '#output/page/page.ts';
import type { Pems } from './tls.ts';

export { listenForChecks } from './check-listener.ts';
export type { Admit } from './access.ts';
export type { Listening, Opened } from './listener.ts';
export type { Pems } from './tls.ts';

export interface OpenListener {
  readonly ledger: () => Ledger;
  readonly now: () => number;
  readonly version: string;
  readonly scrape: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** On its way out: no longer ready. */
  readonly draining: () => boolean;
  /** Who may read what; absent: anybody may. /livez and /readyz are open in any case. */
  readonly admit?: Admit;
}

/** With `pems` it speaks HTTPS only. */
export function listenOpenly(at: ListenAddress, source: OpenListener, pems?: Pems): Promise<Opened> {
  return listen(at, (request) => respond(request, source), pems);
}

async function respond(request: IncomingMessage, source: OpenListener): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem(405, 'this listener only reads', { Allow: 'GET, HEAD' });
  }
  const address = addressOf(request);
  if (address === undefined) return problem(400, 'the address cannot be read');
  const { path } = address;
  const place = placeOf(path);
  if (place === undefined) return notHere();
  const refused = isOpenPath(place) ? undefined : await refusal(request.headers.authorization, place, source.admit);
  return refused ?? show(place, address, source);
}

/** What there is, each by the path that a cluster's rules allow or not: all reports are one place. */
const places = ['/', '/metrics', '/livez', '/readyz', '/node', '/reports', '/reports/'] as const;
type Place = (typeof places)[number];

function placeOf(path: string): Place | undefined {
  return path.startsWith('/reports/') ? '/reports/' : places.find((place) => place === path);
}

async function show(place: Place, { path, query }: Target, source: OpenListener): Promise<Reply> {
  switch (place) {
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
      return node(source, query);
    case '/reports':
      return reports(source.ledger(), undefined);
    case '/reports/':
      return path === place
        ? reports(source.ledger(), undefined)
        : oneReport(path.slice(place.length), source.ledger());
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

/** Whoever keeps the body of a refusal, such as in a Node condition, asks for one line that changes only when the answer does. */
function node({ ledger, now }: OpenListener, query: URLSearchParams): Reply {
  const known = ledger();
  const answer = answerFor(known, now());
  const status = answer.is === 'ready' ? 200 : 503;
  const format = query.get('format') ?? 'json';
  if (format === 'line') return text(status, nodeLine(answer));
  return format === 'json'
    ? json(status, nodeBody(known, answer, now()))
    : problem(400, 'the format is json or line; where none is asked for, json');
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
