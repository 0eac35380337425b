/**
 * What was said against what the kubelet then got, both texts side by side. What was wrong comes first: a miss is the most
 * interesting thing on the page to whoever wants to know how far to trust it.
 */
import type { Scores } from '#report/ledger.ts';
import type { Scored, ScoreKind } from '#report/score.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import { clip, imageMarkup, verdictText } from './card.ts';
import { longText, timeMarkup } from '#output/times.ts';

/** Worst first. */
const kinds: readonly ScoreKind[] = ['miss', 'false_alarm', 'hit', 'correct_rejection'];
const shownAtMost = 20;

const kindText: { readonly [K in ScoreKind]: string } = {
  miss: 'missed',
  false_alarm: 'false alarm',
  hit: 'foretold',
  correct_rejection: 'pulled as said',
};

/** In the colours of the verdicts: as bad as a failure, as a risk, as good as a pull. */
const colours: { readonly [K in ScoreKind]: string } = {
  miss: 'fails',
  false_alarm: 'at_risk',
  hit: 'pulls',
  correct_rejection: 'pulls',
};

export interface Sum {
  readonly all: number;
  readonly wrong: number;
}

export function sumOf({ tally: { counts } }: Scores): Sum {
  const wrong = counts.miss + counts.false_alarm;
  return { all: wrong + counts.hit + counts.correct_rejection, wrong };
}

export function predictionsMarkup(scores: Scores, nowMs: number): Markup {
  const { tally, recent } = scores;
  // Misses are kept longer than the rest.
  const known = [...new Set([...tally.misses, ...recent])].toSorted(
    (a, b) => kinds.indexOf(a.is) - kinds.indexOf(b.is) || b.outcome.at.getTime() - a.outcome.at.getTime(),
  );
  const telling = known.filter(({ is }) => is !== 'correct_rejection').slice(0, shownAtMost);
  const dull = known.filter(({ is }) => is === 'correct_rejection').slice(0, shownAtMost);
  return html`<section aria-labelledby="predictions">
    <h2 id="predictions">Predictions against what the kubelet got</h2>
    <p class="sum">${sumText(scores)}</p>
    <ul class="cards" role="list">
      ${telling.map((scored) => scoredMarkup(scored, nowMs))}
    </ul>
    ${dull.length === 0 ? undefined : dullMarkup(dull, nowMs)}
  </section>`;
}

function sumText(scores: Scores): string {
  const { counts, unscored } = scores.tally;
  const { all, wrong } = sumOf(scores);
  const rest = unscored === 0 ? '' : ` Of ${unscored} more nothing certain had been said.`;
  if (all === 0) return `The kubelet has tried no pull yet that had been rehearsed before.${rest}`;
  const right = `Of ${times(all, 'pull')} by the kubelet, ${wrong === 0 ? 'every one' : all - wrong} went as foretold`;
  const parts = [
    ...(counts.miss === 0 ? [] : [`${counts.miss} failed unforetold`]),
    ...(counts.false_alarm === 0 ? [] : [times(counts.false_alarm, 'false alarm')]),
  ];
  return `${[right, ...parts].join(', ')}.${rest}`;
}

function times(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function scoredMarkup(scored: Scored, nowMs: number): Markup {
  const { is, outcome } = scored;
  return html`<li class="card c-${colours[is]}">
    <article>
      <header>
        <h3><span class="badge b-${colours[is]}">${kindText[is]}</span> ${imageMarkup(outcome.image)}</h3>
        <p class="quiet">${placeText(scored)} · ${agoMarkup(outcome.at.getTime(), nowMs)}${remark(scored)}</p>
      </header>
      <div class="pair">
        ${textMarkup('drypull had said', actualText(scored))} ${textMarkup('The kubelet got', gotText(scored))}
      </div>
    </article>
  </li>`;
}

function placeText({ outcome: { namespace, pod, part } }: Scored): string {
  return `Pod ${namespace}/${pod}${part === '' ? '' : `, ${part}`}`;
}

function agoMarkup(atMs: number, nowMs: number): Markup {
  return timeMarkup(atMs, `${longText(nowMs - atMs)} ago`);
}

function remark({ is, leadS, sameReason }: Scored): string {
  const lead = is === 'hit' && leadS !== undefined ? ` · foretold ${longText(leadS * 1000)} before` : '';
  return `${lead}${sameReason === false ? ' · for another reason than foretold' : ''}`;
}

interface ScoredRow {
  readonly headline: string;
  /** Empty: the headline is all. */
  readonly text: string;
  readonly aside?: string;
}

function textMarkup(who: string, { headline, text, aside }: ScoredRow): Markup {
  return html`<div>
    <p>
      <span class="quiet">${who}</span>
      <strong>${headline}</strong>${aside === undefined ? undefined : html`<span class="quiet">, ${aside}</span>`}
    </p>
    ${text === '' ? undefined : html`<pre>${clip(text, 2000)}</pre>`}
  </div>`;
}

function actualText({ prediction: { report }, outcome }: Scored): ScoredRow {
  const { verdict, kubelet, advice, forecasts } = report;
  const aside = `${longText(outcome.begun.getTime() - Date.parse(report.at))} before`;
  const headline = `${verdictText[verdict.is]}${kubelet === undefined ? '' : `, ${kubelet.waitingReason}`}`;
  return { headline, aside, text: kubelet?.waitingMessage ?? advice?.cause ?? forecasts[0]?.because ?? '' };
}

function gotText({ outcome: { result, reason, message } }: Scored): ScoredRow {
  if (result === 'pulled') return { headline: 'pulled', text: '' };
  return { headline: reason === '' ? 'failed' : clip(reason, 200), text: message };
}

/** Nothing to compare: one line each. */
function dullMarkup(dull: readonly Scored[], nowMs: number): Markup {
  return html`<details class="dull">
    <summary>Pulled as said <span class="quiet">the last ${dull.length}</span></summary>
    <ul role="list">
      ${dull.map(
        (scored) =>
          html`<li>
            ${imageMarkup(scored.outcome.image)}
            <span class="quiet">${placeText(scored)} · ${agoMarkup(scored.outcome.at.getTime(), nowMs)}</span>
          </li>`,
      )}
    </ul>
  </details>`;
}
