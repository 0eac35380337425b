/** One image on the page: what it comes to, since when, why, what to do, what the kubelet says; and, folded away, the evidence. */
import type { Owner } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Entry } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { Verdict } from '#report/verdict.ts';
import { leftMs, leftText, forecastText } from '#output/forecast-text.ts';
import type { Markup } from './html.ts';
import { html } from './html.ts';
import type { Frame } from './graphics.ts';
import { timelineMarkup, waterfallMarkup } from './graphics.ts';
import { longText, msText, timeMarkup } from '#output/times.ts';
import { requesterText } from '#report/advice/phrases.ts';
import { evidenceText } from '#output/evidence-text.ts';

export const verdictText: { readonly [V in Verdict['is']]: string } = {
  pulls: 'pulls',
  at_risk: 'at risk',
  fails: 'fails',
  unknown: 'unknown',
};

const targets: { readonly [S in Owner]: string } = {
  workload: 'whoever wrote the workload',
  credentials: 'whoever keeps the credentials',
  node: 'whoever runs this node',
  network: 'whoever runs the network',
  registry: 'whoever runs the registry',
  agent: 'whoever runs drypull',
};

export interface CardOptions {
  readonly frame: Frame;
  /** Whether the evidence is on this page, or behind a link. */
  readonly evidence: 'folded' | 'linked';
}

export function cardMarkup(entry: Entry, { frame, evidence }: CardOptions): Markup {
  const { report, history } = entry;
  const { is } = report.verdict;
  const inside = html`<header>
      <h3><span class="badge b-${is}">${verdictText[is]}</span> ${imageMarkup(report.image)}</h3>
      <p class="quiet">
        ${sinceMarkup(entry, frame.nowMs)} · rehearsed
        ${timeMarkup(Date.parse(report.at), `${longText(frame.nowMs - Date.parse(report.at))} ago`)} in
        ${msText(report.ms)}
      </p>
    </header>
    ${adviceMarkup(report)} ${is === 'at_risk' ? forecastsMarkup(report, frame.nowMs) : undefined}
    ${timelineMarkup(history, frame)} ${kubeletMarkup(report)}
    ${is === 'at_risk' ? undefined : forecastsMarkup(report, frame.nowMs)}
    <div class="evidence">
      ${evidence === 'folded' ? evidenceMarkup(report) : undefined}
      <p class="links">
        ${evidence === 'linked' ? html`<a href="/?image=${encodeURIComponent(entry.id)}">steps<span class="hidden"> of ${report.image}</span></a> ` : undefined}<a
          href="/reports/${encodeURIComponent(entry.id)}"
          >report as JSON<span class="hidden"> for ${report.image}</span></a
        >
      </p>
    </div>`;
  return html`<li class="card c-${is}"><article>${inside}</article></li>`;
}

/** A name that breaks, where it must, between its parts: a tag cut in two reads as another tag. */
export function imageMarkup(image: string): Markup {
  const parts = image.split(/(?<=[/:@])/);
  return html`<span class="image">${parts.map((part, index) => (index === 0 ? part : html`<wbr />${part}`))}</span>`;
}

const standings: { readonly [V in Verdict['is']]: string } = {
  pulls: 'has pulled for',
  at_risk: 'at risk for',
  fails: 'failing for',
  unknown: 'unknown for',
};

function sinceMarkup({ history, report }: Entry, nowMs: number): Markup {
  const { sinceMs } = history;
  const { is } = report.verdict;
  if (sinceMs === undefined) return html`${verdictText[is]}`;
  return html`${standings[is]} ${timeMarkup(sinceMs, longText(nowMs - sinceMs))}`;
}

function adviceMarkup({ advice: given, verdict, requestedBy, forecasts }: PullReport): Markup {
  // What is foreseen is told, with its remedies, by the forecasts below.
  const advice = verdict.is === 'at_risk' && forecasts.length > 0 ? undefined : given;
  const fault = verdict.is === 'fails' || verdict.is === 'unknown' ? verdict : undefined;
  const wanters = requestedBy.slice(0, 5).map(requesterText);
  const more = requestedBy.length > 5 ? ` and ${requestedBy.length - 5} more` : '';
  const rows = [
    advice === undefined
      ? undefined
      : html`<div class="cause">
          <dt>Why</dt>
          <dd>${advice.cause}</dd>
        </div>`,
    advice === undefined
      ? undefined
      : html`<div class="remedy">
          <dt>Remedy</dt>
          <dd>${advice.remedy}</dd>
        </div>`,
    fault === undefined
      ? undefined
      : html`<div>
          <dt>Fault</dt>
          <dd>
            <code>${fault.fault.code}</code> in stage
            ${fault.stage}${advice === undefined ? undefined : html`: ask ${targets[advice.owner]}`}
          </dd>
        </div>`,
    wanters.length === 0
      ? undefined
      : html`<div>
          <dt>Wanted by</dt>
          <dd>${wanters.join('; ')}${more}</dd>
        </div>`,
    verdict.confidence.is === 'exact'
      ? undefined
      : html`<div>
          <dt>Certainty</dt>
          <dd>${[verdict.confidence.is, ...verdict.confidence.because.slice(0, 3)].join('; ')}</dd>
        </div>`,
  ].filter((row) => row !== undefined);
  return rows.length === 0 ? html`` : html`<dl>${rows}</dl>`;
}

function kubeletMarkup({ kubelet }: PullReport): Markup | undefined {
  if (kubelet === undefined) return undefined;
  return html`<div class="kubelet">
    <p><span class="quiet">The kubelet would say</span> <strong>${kubelet.waitingReason}</strong></p>
    <pre>${clip(kubelet.waitingMessage, 2000)}</pre>
  </div>`;
}

/** What could not be told is said once, at the top of the page. */
function forecastsMarkup(report: PullReport, nowMs: number): Markup | undefined {
  const shown = report.forecasts.filter(({ likelihood }) => likelihood !== 'unknown');
  if (shown.length === 0) return undefined;
  const at = { madeMs: Date.parse(report.at), nowMs };
  return html`<h4>What is coming</h4>
    <ul class="forecasts" role="list">
      ${shown.slice(0, 10).map((forecast) => forecastMarkup(forecast, at))}
    </ul>`;
}

function forecastMarkup(forecast: Forecast, at: { readonly madeMs: number; readonly nowMs: number }): Markup {
  const { because, remedy, fault, effect, seen } = forecast;
  const left = leftMs(forecast, at.madeMs, at.nowMs);
  const text = leftText(left);
  const when =
    left === undefined || text === undefined
      ? undefined
      : html`, ${text === 'any moment' ? text : html`in ${timeMarkup(at.nowMs + left, text)}`}`;
  return html`<li class="e-${effect}">
    <p>
      <strong>${forecastText(forecast)}${when}</strong>
      <code>${fault}</code
      >${seen === undefined ? undefined : html` <span class="quiet">not seen now; last seen ${timeMarkup(Date.parse(seen), longText(at.nowMs - Date.parse(seen)))} ago</span>`}
    </p>
    <dl>
      <div class="cause">
        <dt>Why</dt>
        <dd>${because}</dd>
      </div>
      <div class="remedy">
        <dt>Remedy</dt>
        <dd>${remedy}</dd>
      </div>
    </dl>
  </li>`;
}

function evidenceMarkup(report: PullReport): Markup | undefined {
  const steps = waterfallMarkup(report);
  const { plan } = report;
  if (steps === undefined && plan === undefined) return undefined;
  const requests = report.attempts.reduce((sum, { exchanges }) => sum + exchanges.length, 0);
  const count = requests === 0 ? 'no request' : requests === 1 ? '1 request' : `${requests} requests`;
  return html`<details>
    <summary>Steps <span class="quiet">${count}</span></summary>
    ${steps}
    ${
      plan === undefined
        ? undefined
        : html`<p class="quiet">
              As ${plan.runtime} (${plan.engine}) for ${plan.platform}; credentials tried:
              ${plan.identities.slice(0, 10).join(', ')}; hosts tried:
            </p>
            <ol class="routes">
              ${plan.routes.slice(0, 20).map(({ url, role, because }) => html`<li><span class="url">${url}</span> <span class="quiet">${role}, ${because}</span></li>`)}
            </ol>`
    }
    ${summaryMarkup(report)}
  </details>`;
}

/** Name servers and addresses judged for themselves: half-up is not up. */
function summaryMarkup({ evidence }: PullReport): Markup | undefined {
  if (evidence.length === 0) return undefined;
  const rows = evidence.slice(0, 30).map(
    ({ of, host, target, ms, outcome }) =>
      html`<tr>
        <td>${evidenceText[of]} ${target}</td>
        <td>${host}</td>
        <td>${msText(ms)}</td>
        <td class="${outcome.ok ? 'got' : 'got bad'}">${outcome.ok ? outcome.value.note : outcome.fault.code}</td>
      </tr>`,
  );
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Each name server and address by itself">
    <table>
      <caption>
        Each name server and address by itself
      </caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">For</th>
          <th scope="col">Took</th>
          <th scope="col">Said</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

export function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
