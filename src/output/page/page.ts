/**
 * The node's page for people: what pulls, what does not, why, since when, what to do. One document, no script, nothing from
 * elsewhere; readable on a phone, in the dark and aloud. All names on it come from strangers and are escaped.
 */
import { createHash } from 'node:crypto';
import type { NodeAnswer } from '#report/node-answer.ts';
import { answerFor } from '#report/node-answer.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import { cardMarkup, verdictText } from './card.ts';
import type { Frame } from './graphics.ts';
import { hostsMarkup } from './hosts.ts';
import { forecastsMarkup } from './forecasts.ts';
import { predictionsMarkup, sumOf } from './predictions.ts';
import { style } from './style.ts';
import { longText, timeMarkup } from '#output/times.ts';

export interface PageOptions {
  readonly nowMs: number;
  readonly version: string;
  /** Seconds after which the page loads itself anew; only where the reader asked for it. */
  readonly refreshS?: number;
  /** Only this image. */
  readonly image?: string;
}

/** One value, because the policy's hash covers every byte between the tags. */
const styleElement: Markup = { markup: `<style>${style}</style>` };
const styleHash = createHash('sha256').update(style).digest('base64');
export const pagePolicy = `default-src 'none'; style-src 'sha256-${styleHash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** Worst first. */
const order: readonly Verdict['is'][] = ['fails', 'unknown', 'at_risk', 'pulls'];
/** Beyond this many images, the steps of those that pull are behind a link, and at most so many are drawn. */
const unfolded = 40;
const drawn = 500;
const dayMs = 86_400_000;

export function page(ledger: Ledger, options: PageOptions): string {
  const { nowMs, refreshS, image } = options;
  const answer = answerFor(ledger, nowMs);
  const entries = image === undefined ? ledger.entries : ledger.entries.filter(({ id }) => id === image);
  const frame = frameOf(entries, nowMs);
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refreshS === undefined ? undefined : html`<meta http-equiv="refresh" content="${refreshS}" />`}
        <title>${titleOf(ledger, answer)}</title>
        <link rel="icon" href="${iconOf(answer)}" />
        ${styleElement}
      </head>
      <body>
        <a class="skip" href="#images">Skip to the images</a>
        ${headerMarkup(ledger, answer, options)}
        <main>
          ${image === undefined ? forecastsMarkup(ledger, nowMs) : html`<p><a href="/">All images of this node</a></p>`}
          <div id="images">
            ${emptyMarkup(ledger, entries, image)} ${order.map((is) => groupMarkup(is, entries, frame))}
          </div>
          ${image === undefined ? hostsMarkup(ledger.routes, frame) : undefined}
          ${ledger.scores === undefined || image !== undefined ? undefined : predictionsMarkup(ledger.scores, nowMs)}
        </main>
        ${footerMarkup(options)}
      </body>
    </html> `;
  return document.markup;
}

function frameOf(entries: readonly Entry[], nowMs: number): Frame {
  const first = entries.map(({ history }) => history.spans[0]?.fromMs ?? nowMs).reduce((a, b) => Math.min(a, b), nowMs);
  return { fromMs: Math.max(Math.min(first, nowMs - 60_000), nowMs - dayMs), nowMs };
}

function titleOf(ledger: Ledger, answer: NodeAnswer): string {
  const failing = answer.counts.fails;
  return failing > 0 ? `${failing} failing · ${ledger.node} · drypull` : `${ledger.node} · drypull`;
}

const iconColours = { ready: '%23197a3e', not_ready: '%23c02a2a', unknown: '%237a7a85' } as const;

function iconOf({ is }: NodeAnswer): string {
  return `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='${iconColours[is]}'/></svg>`;
}

function headerMarkup(ledger: Ledger, answer: NodeAnswer, options: PageOptions): Markup {
  const { pass } = ledger;
  const { nowMs } = options;
  return html`<header class="top a-${answer.is}">
    <div class="inner">
      <h1><span class="brand">drypull</span> ${ledger.node}</h1>
      <p class="answer">${sentence(answer, ledger)}</p>
      ${tallyMarkup(answer)}
      <p class="fresh">
        ${pass === undefined ? 'not checked yet' : html`checked ${timeMarkup(pass.endedMs, `${longText(nowMs - pass.endedMs)} ago`)}`},
        every ${longText(ledger.cadenceMs)} · <code>/node</code> says
        <a href="/node">${answer.is.replace('_', ' ')}</a>${trustMarkup(ledger, options)} · ${refreshMarkup(options)}
      </p>
    </div>
  </header>`;
}

/** How often it was right, in front of whoever is about to believe it. */
function trustMarkup({ scores }: Ledger, { image }: PageOptions): Markup | undefined {
  if (scores === undefined || image !== undefined) return undefined;
  const { all, wrong } = sumOf(scores);
  if (all === 0) return undefined;
  return html` · <a href="#predictions">${all - wrong} of ${all} prediction${all === 1 ? '' : 's'} right</a>`;
}

function sentence({ counts }: NodeAnswer, { pass, entries }: Ledger): string {
  const able = counts.pulls + counts.at_risk;
  if (counts.asked === 0) return 'This node is asked for no image.';
  if (pass === undefined && entries.length < counts.asked)
    return `Starting: ${entries.length} of ${counts.asked} images rehearsed so far.`;
  if (able === counts.asked)
    return counts.asked === 1 ? 'This node can pull its one image.' : `This node can pull all ${counts.asked} images.`;
  return `This node can pull ${able} of ${counts.asked} image${counts.asked === 1 ? '' : 's'}.`;
}

function tallyMarkup({ counts }: NodeAnswer): Markup {
  const total = order.reduce((sum, is) => sum + counts[is], 0);
  if (total === 0) return html``;
  let x = 0;
  const bars = order.map((is) => {
    const width = (1000 * counts[is]) / total;
    const bar = html`<rect
      class="v-${is}"
      x="${Math.round(x)}"
      y="0"
      width="${Math.round(x + width) - Math.round(x)}"
      height="10"
    />`;
    x += width;
    return bar;
  });
  const present = order.filter((is) => counts[is] > 0);
  return html`<svg class="tally" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">${bars}</svg>
    <ul class="counts" role="list">
      ${present.map(
        (is) =>
          html`<li>
            <a href="#${is}"><span class="badge b-${is}">${counts[is]}</span> ${verdictText[is]}</a>
          </li>`,
      )}
    </ul>`;
}

function refreshMarkup({ refreshS, image }: PageOptions): Markup {
  const same = image === undefined ? '' : `image=${encodeURIComponent(image)}`;
  if (refreshS === undefined)
    return html`<a href="/?${same === '' ? '' : `${same}&`}refresh=30">refresh every 30 s</a>`;
  return html`refreshing every ${refreshS} s, <a href="/${same === '' ? '' : `?${same}`}">stop</a>`;
}

function emptyMarkup(ledger: Ledger, entries: readonly Entry[], image: string | undefined): Markup | undefined {
  if (entries.length > 0) return undefined;
  if (image !== undefined) return html`<p class="empty">There is no report on ${image}.</p>`;
  if (ledger.asked === 0) return html`<p class="empty">Nothing is asked for: list images in the configuration.</p>`;
  return html`<p class="empty">The first rehearsals are under way.</p>`;
}

function groupMarkup(is: Verdict['is'], entries: readonly Entry[], frame: Frame): Markup | undefined {
  const group = entries
    .filter(({ report }) => report.verdict.is === is)
    .toSorted(
      (a, b) => (is === 'pulls' ? 0 : (b.history.sinceMs ?? 0) - (a.history.sinceMs ?? 0)) || compare(a.id, b.id),
    );
  if (group.length === 0) return undefined;
  const evidence = entries.length > unfolded && is === 'pulls' ? 'linked' : 'folded';
  const left = group.length - drawn;
  return html`<section aria-labelledby="${is}">
    <h2 id="${is}">${headings[is]} <span class="quiet">${group.length}</span></h2>
    <ul class="cards g-${is}" role="list">
      ${group.slice(0, drawn).map((entry) => cardMarkup(entry, { frame, evidence }))}
    </ul>
    ${left > 0 ? html`<p class="quiet">and ${left} more in <a href="/reports">the reports</a></p>` : undefined}
  </section>`;
}

const headings: { readonly [V in Verdict['is']]: string } = {
  fails: 'Cannot be pulled',
  unknown: 'Cannot be told',
  at_risk: 'Can be pulled, for now',
  pulls: 'Can be pulled',
};

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function footerMarkup({ version, nowMs }: PageOptions): Markup {
  return html`<footer>
    <p>
      drypull ${version} · page of ${timeMarkup(nowMs, new Date(nowMs).toISOString().slice(0, 19).replace('T', ' '))}
      UTC · <a href="/reports">reports</a> · <a href="/metrics">metrics</a>
    </p>
  </footer>`;
}
