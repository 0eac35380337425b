/** The hosts that pulls ask (registries, mirrors, token services, blob hosts), each with when it answered and when not. */
import type { RouteHistory, RouteState, RoutesHistory } from '#forecast/history/routes.ts';
import { spansOf } from '#forecast/history/routes.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import { stripMarkup, type Frame, type Strip } from './graphics.ts';
import { longText, timeMarkup } from '#output/times.ts';

const text: { readonly [S in RouteState]: string } = {
  works: 'answers',
  falters: 'answers now and then',
  fails: 'does not answer',
};
/** In the colours of the verdicts. */
const summaries: { readonly [S in RouteState]: Strip['is'] } = { works: 'pulls', falters: 'at_risk', fails: 'fails' };
const order: readonly RouteState[] = ['fails', 'falters', 'works'];
const drawn = 40;

interface Host {
  readonly name: string;
  readonly strips: readonly Strip[];
  readonly is: RouteState;
  readonly sinceMs: number;
  /** All the time that is shown. */
  readonly isWell: boolean;
}

export function hostsMarkup(routes: RoutesHistory | undefined, frame: Frame): Markup | undefined {
  const hosts = Object.entries(routes ?? {})
    .flatMap(([name, history]) => hostOf(name, history, frame) ?? [])
    .toSorted((a, b) => order.indexOf(a.is) - order.indexOf(b.is) || (a.name < b.name ? -1 : 1));
  if (hosts.length === 0) return undefined;
  const troubled = hosts.filter(({ isWell }) => !isWell);
  const well = hosts.filter(({ isWell }) => isWell);
  return html`<section aria-labelledby="hosts">
    <h2 id="hosts">Hosts that pulls ask <span class="quiet">${hosts.length}</span></h2>
    ${troubled.length === 0 ? undefined : listMarkup(troubled, frame)}
    ${
      well.length === 0
        ? undefined
        : html`<details class="fold">
            <summary>Answered all the time that is shown <span class="quiet">${well.length}</span></summary>
            ${listMarkup(well, frame)}
          </details>`
    }
  </section>`;
}

function hostOf(name: string, history: RouteHistory, { fromMs, nowMs }: Frame): Host | undefined {
  const spans = spansOf(history);
  const last = spans.at(-1);
  if (last === undefined || last.toMs < fromMs) return undefined;
  const strips = spans.map((span, index): Strip => {
    const toMs = spans[index + 1]?.fromMs ?? nowMs;
    const why = span.fault === undefined ? '' : ` (${span.fault})`;
    return { fromMs: span.fromMs, toMs, is: summaries[span.is], text: `${text[span.is]}${why}` };
  });
  const isWell = spans.every((span, index) => span.is === 'works' || (spans[index + 1]?.fromMs ?? nowMs) < fromMs);
  return { name, strips, is: last.is, sinceMs: last.fromMs, isWell };
}

function listMarkup(hosts: readonly Host[], frame: Frame): Markup {
  return html`<ul class="hosts" role="list">
    ${hosts.slice(0, drawn).map(
      ({ name, strips, is, sinceMs }) =>
        html`<li>
          <p>
            <span class="image">${name}</span>
            <span class="w-${is}">${text[is]}</span>
            <span class="quiet">for ${timeMarkup(sinceMs, longText(frame.nowMs - sinceMs))}</span>
          </p>
          ${stripMarkup(strips, frame)}
        </li>`,
    )}
  </ul>`;
}
