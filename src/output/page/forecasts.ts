/** The page's first list: what will break next on this node, how soon and how surely, and what to do. What could not be told is folded. */
import type { Ledger } from '#report/ledger.ts';
import { upcomingForecasts, type UpcomingForecast } from '#forecast/upcoming.ts';
import { leftText, forecastText } from '#output/forecast-text.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import { imageMarkup } from './card.ts';
import { longText, timeMarkup } from '#output/times.ts';

/** More than this are folded, and more than `most` are in the JSON. */
const open = 8;
const most = 100;
const imagesNamed = 3;

export function forecastsMarkup(ledger: Ledger, nowMs: number): Markup | undefined {
  const prospects = upcomingForecasts(ledger);
  if (ledger.entries.length === 0 && prospects.length === 0) return undefined;
  const known = prospects.filter(({ forecast }) => forecast.likelihood !== 'unknown');
  const coming = known.filter(({ forecast }) => forecast.effect !== 'none');
  const toKnow = known.filter(({ forecast }) => forecast.effect === 'none');
  const untold = prospects.filter(({ forecast }) => forecast.likelihood === 'unknown');
  return html`<section class="outlook" aria-labelledby="next">
    <h2 id="next">
      What will break next on this node
      ${coming.length === 0 ? undefined : html`<span class="quiet">${coming.length}</span>`}
    </h2>
    ${
      coming.length === 0
        ? html`<p class="calm">
            Nothing that drypull can see${untold.length === 0 ? '' : '; what it cannot is listed below'}.
          </p>`
        : listMarkup(coming.slice(0, open), nowMs)
    }
    ${foldedMarkup(coming.slice(open), nowMs, 'Later, or less sure')}
    ${foldedMarkup(toKnow, nowMs, 'To know: no pull of this node fails by it')}
    ${untold.length === 0 ? undefined : untoldMarkup(untold)}
  </section>`;
}

function listMarkup(prospects: readonly UpcomingForecast[], nowMs: number): Markup {
  return html`<ol class="prospects" role="list">
    ${prospects.slice(0, most).map((upcoming) => upcomingMarkup(upcoming, nowMs))}
  </ol>`;
}

function foldedMarkup(prospects: readonly UpcomingForecast[], nowMs: number, title: string): Markup | undefined {
  if (prospects.length === 0) return undefined;
  return html`<details class="fold">
    <summary>${title} <span class="quiet">${prospects.length}</span></summary>
    ${listMarkup(prospects, nowMs)}
  </details>`;
}

function upcomingMarkup({ forecast, byMs, images }: UpcomingForecast, nowMs: number): Markup {
  const { about, fault, because, remedy, assuming, effect } = forecast;
  return html`<li class="e-${effect}">
    <p class="when"><strong>${whenMarkup(byMs, nowMs)}</strong> <span>${forecastText(forecast)}</span></p>
    <div class="what">
      <p class="cause">${sentence(because, assuming)}</p>
      <p class="do">${remedy}</p>
      <p class="quiet">
        <span class="image">${about}</span> · <code>${fault}</code> ·
        ${imagesMarkup(images)}${heldMarkup(forecast, nowMs)}
      </p>
    </div>
  </li>`;
}

/** Rules write a clause; a sentence that ends already ends once. */
function sentence(because: string, assuming?: string): string {
  const clause = because.replace(/\.$/, '');
  return `${clause}${assuming === undefined ? '' : `, if ${assuming}`}.`;
}

function whenMarkup(byMs: number | undefined, nowMs: number): Markup {
  const left = leftText(byMs === undefined ? undefined : Math.max(0, byMs - nowMs));
  if (byMs === undefined || left === undefined) return html`time unknown`;
  return left === 'any moment' ? html`${left}` : html`in ${timeMarkup(byMs, left)}`;
}

function imagesMarkup(images: readonly string[]): Markup {
  if (images.length === 0) return html`the whole node`;
  if (images.length > imagesNamed) return html`${images.length} images`;
  return html`${images.map((image, index) => html`${index === 0 ? '' : ', '}${imageMarkup(image)}`)}`;
}

/** Since when it has been told, and whether it is seen now. */
function heldMarkup({ since, seen }: UpcomingForecast['forecast'], nowMs: number): Markup | undefined {
  const ago = (iso: string): Markup => timeMarkup(Date.parse(iso), longText(nowMs - Date.parse(iso)));
  if (seen !== undefined) return html` · not seen now; last seen ${ago(seen)} ago, held because it may come back`;
  return since === undefined ? undefined : html` · foretold for ${ago(since)}`;
}

function untoldMarkup(untold: readonly UpcomingForecast[]): Markup {
  return html`<details class="fold">
    <summary>What could not be told, and why <span class="quiet">${untold.length}</span></summary>
    <ul class="prospects untold" role="list">
      ${untold.slice(0, most).map(
        ({ forecast, images }) =>
          html`<li>
            <p class="cause">${sentence(forecast.because)}</p>
            <p>${forecast.remedy}</p>
            <p class="quiet">
              <span class="image">${forecast.about}</span> · <code>${forecast.fault}</code> · ${imagesMarkup(images)}
            </p>
          </li>`,
      )}
    </ul>
  </details>`;
}
