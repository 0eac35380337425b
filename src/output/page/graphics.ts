/**
 * The page's two graphics, as inline SVG without style attributes (the page's policy forbids them): when an image pulled and when
 * not, and where a rehearsal's time went. Each says the same in words.
 */
import { ownerOf } from '#report/fault.ts';
import type { History, Stretch } from '#report/verdict-history.ts';
import { timeline } from '#report/verdict-history.ts';
import type { Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import { requestSpan, stageOfAct } from '#output/metrics/observations.ts';
import { clockText, msText } from '#output/times.ts';

/** All timelines of a page share one span of time, so that what happened together stands in one column. */
export interface Frame {
  readonly fromMs: number;
  readonly nowMs: number;
}

const text: { readonly [I in Stretch['is']]: string } = {
  pulls: 'pulls',
  at_risk: 'at risk',
  fails: 'fails',
  unknown: 'unknown',
  forgotten: 'no longer known',
};

/** Told apart by height as well as by colour. */
const heights: { readonly [I in Stretch['is']]: number } = {
  pulls: 8,
  at_risk: 14,
  unknown: 14,
  fails: 24,
  forgotten: 2,
};

/** One stretch of a timeline, as it is drawn and as it is told. */
export interface Strip {
  readonly fromMs: number;
  readonly toMs: number;
  readonly is: Stretch['is'];
  readonly text: string;
}

export function timelineMarkup(history: History, frame: Frame): Markup {
  const strips = timeline(history, frame.nowMs).map(({ fromMs, toMs, is, fault }): Strip => {
    return { fromMs, toMs, is, text: `${text[is]}${fault === undefined ? '' : ` (${fault})`}` };
  });
  return stripMarkup(strips, frame);
}

export function stripMarkup(strips: readonly Strip[], frame: Frame): Markup {
  const shown = strips.filter(({ toMs }) => toMs >= frame.fromMs);
  const place = (atMs: number): number =>
    round((1000 * (Math.max(atMs, frame.fromMs) - frame.fromMs)) / Math.max(1, frame.nowMs - frame.fromMs));
  const bars = shown.map(({ fromMs, toMs, is }) => {
    const x = Math.min(place(fromMs), 996);
    return html`<rect
      class="v-${is}"
      x="${x}"
      y="${24 - heights[is]}"
      width="${Math.max(4, round(place(toMs) - x))}"
      height="${heights[is]}"
    />`;
  });
  return html`<figure class="timeline">
    <svg viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label="${timelineText(shown, frame)}">
      <rect class="floor" x="0" y="23" width="1000" height="1" />
      ${bars}
    </svg>
    <figcaption aria-hidden="true"><span>${clockText(frame.fromMs, frame.nowMs)} UTC</span><span>now</span></figcaption>
  </figure>`;
}

function timelineText(shown: readonly Strip[], { nowMs }: Frame): string {
  const labelled = shown.slice(-6).map((strip) => `${strip.text} since ${clockText(strip.fromMs, nowMs)}`);
  const more = shown.length > 6 ? `${shown.length - 6} earlier changes; ` : '';
  return `Timeline, UTC: ${more}${labelled.join('; then ')}.`;
}

interface Bar {
  readonly kind: string;
  readonly fromMs: number;
  readonly ms: number;
  readonly failed: boolean;
}

/** More requests than this are in the JSON. */
const rowsShown = 40;

export function waterfallMarkup(report: PullReport): Markup | undefined {
  const rows = report.attempts.flatMap(({ as, exchanges }) => exchanges.map((exchange) => ({ as, exchange })));
  if (rows.length === 0) return undefined;
  const ends = rows.map(({ exchange }) => exchange.startMs + exchange.ms);
  const total = Math.max(
    1,
    ends.reduce((a, b) => Math.max(a, b), 0),
  );
  const kinds = new Set(
    rows.flatMap(({ exchange }) => barsOf(exchange).map(({ kind, failed }) => (failed ? 'failed' : kind))),
  );
  const left = rows.length - rowsShown;
  return html`<p class="legend" aria-hidden="true">
      ${[...kinds].map(
        (kind) =>
          html`<span
            ><svg viewBox="0 0 10 10"><rect class="s-${kind}" width="10" height="10" rx="2" /></svg>${kind}</span
          > `,
      )}
    </p>
    <ol class="waterfall">
      ${rows.slice(0, rowsShown).map(({ exchange }) => rowMarkup(exchange, total))}
    </ol>
    ${left > 0 ? html`<p class="quiet">and ${left} more requests in the report</p>` : undefined}`;
}

function rowMarkup(exchange: Exchange, totalMs: number): Markup {
  const bars = barsOf(exchange);
  const rects = bars.map(({ kind, fromMs, ms, failed }) => {
    const x = Math.min(round((1000 * fromMs) / totalMs), 996);
    const width = Math.max(4, round((1000 * ms) / totalMs));
    return html`<rect
      class="${failed ? 's-failed' : `s-${kind}`}"
      x="${x}"
      y="0"
      width="${round(Math.min(width, 1000 - x))}"
      height="14"
    />`;
  });
  const labelled = bars.map(({ kind, ms, failed }) => `${kind} ${msText(ms)}${failed ? ' failed' : ''}`).join(' · ');
  return html`<li>
    <p class="ask">
      <span class="method">${exchange.method}</span> <span class="url">${exchange.url}</span>
      <span class="${exchange.outcome.ok ? 'got' : 'got bad'}">${endOf(exchange)}</span>
    </p>
    <svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
      <rect class="lane" x="0" y="0" width="1000" height="14" />
      ${rects}
    </svg>
    <p class="quiet">
      ${labelled}${exchange.as === undefined ? '' : ` · as ${exchange.as}`}${exchange.because === '' ? '' : ` · ${exchange.because}`}
    </p>
  </li>`;
}

function endOf({ outcome }: Exchange): string {
  return outcome.ok ? String(outcome.value.status) : outcome.fault.code;
}

function barsOf(exchange: Exchange): readonly Bar[] {
  const steps = exchange.steps.map(({ step, startMs, ms, outcome }): Bar => {
    // A fault on our side is no failure of theirs.
    const failed = !outcome.ok && ownerOf(outcome.fault.code) !== 'agent';
    return { kind: step, fromMs: startMs, ms, failed };
  });
  if (exchange.steps.length > 0 && exchange.steps.every(({ outcome }) => !outcome.ok)) return steps;
  const brokenOff = exchange.steps.at(-1)?.outcome.ok === false && !exchange.outcome.ok;
  if (brokenOff) return steps;
  const { startMs, ms } = requestSpan(exchange);
  return [...steps, { kind: stageOfAct(exchange.act), fromMs: startMs, ms, failed: !exchange.outcome.ok }];
}

function round(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0;
}
