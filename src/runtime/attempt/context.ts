/** One call of the kubelet to the runtime: the plan, one identity, and the record of what was asked on its behalf. */
import { readAnnouncements } from '#registry/http/warning-header.ts';
import type { Identity, PullPlan, Route } from '#runtime/plan.ts';
import type { Act, Exchange, ExchangeFacts } from '#report/rehearsal.ts';
import { good, type Outcome } from '#report/outcome.ts';
import { leastTimedBytes } from '#report/throughput.ts';
import { proxyFor } from '#go/http-proxy.ts';
import type { Family } from '#report/quota.ts';
import { header, type Answer, type Asked } from '#registry/wire.ts';
import { budgetKeyOf, wasSent } from '#budget/key.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import { countsPulls } from './metered.ts';
import type { RequestKind } from './spending.ts';
import type { Wire } from './wire.ts';

export interface AttemptContext {
  readonly plan: PullPlan;
  readonly identity: Identity;
  readonly routes: readonly Route[];
  readonly wire: Wire;
  readonly signal: AbortSignal;
  /** When this image's rehearsal began, on the wire's clock. */
  readonly zeroMs: number;
  readonly exchanges: Exchange[];
  /** Whether this image may be asked for in a lane now; absent: in all of them. */
  readonly mayEnter?: (budgetKey: string) => boolean;
}

export interface Purpose {
  readonly act: Act;
  readonly route: number;
  readonly because: string;
}

/** Writes down one request and what came of it. */
export function record(
  context: AttemptContext,
  purpose: Purpose,
  sent: { method: 'HEAD' | 'GET' | 'POST'; url: URL; as?: string },
  asked: Asked,
): void {
  for (const step of asked.steps) {
    if (step.step === 'tcp' && step.outcome.ok) context.wire.reachedAt.set(sent.url.host, step.outcome.value.address);
  }
  noteSpending(context, purpose, sent.method, asked);
  context.exchanges.push({
    ...purpose,
    method: sent.method,
    url: publicUrl(sent.url),
    startMs: Math.max(0, asked.startMs - context.zeroMs),
    ms: asked.ms,
    steps: asked.steps.map((step) => ({ ...step, startMs: Math.max(0, step.startMs - context.zeroMs) })),
    ...(sent.as === undefined ? {} : { as: sent.as }),
    outcome: facts(context, asked, { url: sent.url, act: purpose.act }),
  });
}

function noteSpending(
  context: AttemptContext,
  { act, route }: Purpose,
  method: 'HEAD' | 'GET' | 'POST',
  asked: Asked,
): void {
  const at = context.routes[route];
  if (at === undefined || !wasSent(asked)) return;
  const budgetKey = budgetKeyOf(context.plan.image.registry, at);
  const kind = kindOf(act, method);
  const answer = asked.outcome.ok ? asked.outcome.value : undefined;
  const limit = answer === undefined ? undefined : readRateLimit(answer.headers, '', context.wire.now());
  const counts = countsPulls(context, route) || (limit?.limit !== undefined && limit.scope === 'quota');
  const spends = counts && kind === 'get_manifest';
  context.wire.memory.spending.note({ budgetKey, kind, spends, limited: answer?.status === 429 });
}

function kindOf(act: Act, method: 'HEAD' | 'GET' | 'POST'): RequestKind {
  if (act === 'token') return 'token';
  if (method === 'HEAD') return 'head';
  return act === 'resolve' || act === 'manifest' ? 'get_manifest' : 'get_blob';
}

function facts(
  context: AttemptContext,
  asked: Asked,
  { url, act }: { readonly url: URL; readonly act: Act },
): Outcome<ExchangeFacts> {
  if (!asked.outcome.ok) return asked.outcome;
  const now = context.wire.now();
  const answer = asked.outcome.value;
  const limit = readRateLimit(
    answer.headers,
    answer.status === 429 ? Buffer.from(answer.body).toString('utf8') : '',
    now,
  );
  const ahead = clockAheadS(answer, now);
  const type = header(answer, 'content-type');
  const announcements = readAnnouncements(answer.headers['warning'] ?? []);
  return good({
    status: answer.status,
    bytes: answer.body.length,
    ...(limit === undefined ? {} : { rateLimit: limit, family: familyOf(context, url) }),
    ...(ahead === undefined ? {} : { clockAheadS: ahead }),
    ...(type === undefined ? {} : { mediaType: type.slice(0, 120) }),
    ...(act === 'layer' && answer.body.length >= leastTimedBytes ? { bodyMs: answer.bodyMs } : {}),
    ...(announcements.length === 0 ? {} : { announcements }),
  });
}

/** Of the connection that is open: a proxy's own address counts, whatever the registry's would be. */
function familyOf({ plan, wire }: AttemptContext, url: URL): Family {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  const proxied = proxyFor(plan.proxy, { scheme, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port });
  if (proxied.ok && proxied.value !== null) return 'proxy';
  return (wire.reachedAt.get(url.host) ?? '').includes(':') ? 'ipv6' : 'ipv4';
}

/** An answer out of a cache (Age, RFC 9111 §5.1) shows when it was made. */
function clockAheadS(answer: Answer, now: Date): number | undefined {
  if (Number(header(answer, 'age') ?? 0) > 0) return undefined;
  const date = Date.parse(header(answer, 'date') ?? '');
  return Number.isNaN(date) ? undefined : Math.round((date - now.getTime()) / 1000);
}

/** A URL fit to be seen: presigned queries are bearer capabilities, `ns` and token parameters are not. */
export function publicUrl(url: URL): string {
  const shown = [...url.searchParams].map(([name, value]) =>
    name === 'ns' || name === 'scope' || name === 'service' ? `${name}=${value}` : `${name}=…`,
  );
  const bare = `${url.protocol}//${url.host}${url.pathname}`;
  return shown.length === 0 ? bare : `${bare}?${shown.join('&')}`;
}
