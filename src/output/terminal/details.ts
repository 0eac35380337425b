/** The whole story of one image, for -v: who asked whom for what, in which order, why, and what came of it. */
import type { Forecast } from '#forecast/forecast.ts';
import type { Evidence, Attempt } from '#report/rehearsal.ts';
import { remedyInFull, type KubeletText, type PublicPlan, type PullReport } from '#report/report.ts';
import type { PullPolicy } from '#node/view.ts';
import { leftText, forecastText } from '#output/forecast-text.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { oneLine, plain, requesterText } from '#report/advice/phrases.ts';
import { exchangeLines } from './exchange.ts';
import { counted, duration } from '#output/measures.ts';
import { painter, verdictStyles } from './paint.ts';
import type { Paint } from './paint.ts';
import { contentText } from './table.ts';
import { evidenceText } from '#output/evidence-text.ts';

const policies: { readonly [P in PullPolicy]: string } = {
  Always: 'the kubelet asks the registry at each start of a container, also when the image is on the node',
  IfNotPresent: 'the kubelet asks the registry only where the image is not on the node',
  Never: 'the kubelet never asks a registry',
};

export function story(report: PullReport, { colour }: { readonly colour: boolean }): string {
  const paint = painter(colour);
  const { word, sign, style } = verdictStyles[report.verdict.is];
  return [
    `${paint(style, `${sign} ${word}`)}  ${paint('bold', plain(report.image, 512))}`,
    ...[
      ...gist(report),
      ...kubeletLines(report.kubelet, paint),
      ...forecastLines(report, paint),
      ...planLines(report.plan, paint),
      ...report.attempts.flatMap((attempt) => attemptLines(attempt, report, paint)),
      ...evidenceLines(report.evidence, paint),
      ...warningLines(report, paint),
    ].map((line) => `  ${line}`.trimEnd()),
  ].join('\n');
}

function gist({ verdict, advice, ...report }: PullReport): readonly string[] {
  const { is, because } = verdict.confidence;
  const whose = advice === undefined ? [] : [advice.cause, `→ ${remedyInFull(advice)}`, `whose door   ${advice.owner}`];
  const code =
    verdict.is === 'fails' || verdict.is === 'unknown'
      ? [`fault        ${verdict.fault.code}, at ${verdict.stage}`]
      : [];
  const wanted = report.requestedBy.slice(0, 20).map((requester) => `wanted by    ${plain(requesterText(requester))}`);
  const more = report.requestedBy.length > 20 ? [`             and ${report.requestedBy.length - 20} more`] : [];
  return [
    ...whose,
    ...code,
    `sure         ${is}${because.length === 0 ? '' : `: ${because.map((why) => plain(why)).join('; ')}`}`,
    ...(report.reference === undefined ? [] : [`runtime asks ${plain(report.reference, 512)}`]),
    ...wanted,
    ...more,
    `policy       ${report.policy}: ${policies[report.policy]}`,
    `took         ${duration(report.ms)}, ended ${plain(report.at, 40)} on ${plain(report.node, 80)}`,
  ];
}

function kubeletLines(kubelet: KubeletText | undefined, paint: Paint): readonly string[] {
  if (kubelet === undefined) return [];
  const backOff =
    kubelet.backOffMessage === undefined
      ? ['then         no back-off: the kubelet tries again at every sync of the Pod']
      : [
          `then         ImagePullBackOff: ${oneLine(kubelet.backOffMessage, 1000)}`,
          'next try     after 10 s, then 20 s, 40 s and so on, at most 5 min apart; a new Pod starts over',
        ];
  return [
    '',
    paint('bold', 'The kubelet would show'),
    `waiting      ${oneLine(kubelet.waitingReason, 1000)}: ${oneLine(kubelet.waitingMessage, 1000)}`,
    ...kubelet.events.map(
      ({ type, reason, message }) => `event        ${type} ${plain(reason)}: ${oneLine(message, 1000)}`,
    ),
    ...backOff,
  ];
}

function forecastLines({ forecasts }: PullReport, paint: Paint): readonly string[] {
  if (forecasts.length === 0) return [];
  const lines = forecasts.flatMap(forecastStory);
  return ['', paint('bold', 'What may come'), ...lines];
}

function forecastStory(forecast: Forecast): readonly string[] {
  const { rule, about, fault, withinS, assuming, because, remedy, since, seen } = forecast;
  const left = leftText(withinS === undefined ? undefined : withinS * 1000);
  const when = left === undefined ? '' : left === 'any moment' ? `, ${left}` : `, in ${left}`;
  const held =
    seen === undefined
      ? since === undefined
        ? []
        : [`             foretold since ${plain(since, 40)}`]
      : [`             not seen now, last at ${plain(seen, 40)}; held because it may come back`];
  return [
    `${forecastText(forecast)}${when}: ${plain(fault)} (${plain(rule)}, about ${plain(about)})`,
    `             ${plain(because, 600)}${assuming === undefined ? '' : `, if ${plain(assuming)}`}`,
    `             → ${plain(remedy, 600)}`,
    ...held,
  ];
}

function planLines(plan: PublicPlan | undefined, paint: Paint): readonly string[] {
  if (plan === undefined) return [];
  const identities = plan.identities.map((label, index) => `${String(index + 1).padStart(4)} ${plain(label)}`);
  const routes = plan.routes.flatMap(({ url, role, resolves, tls, because }, index) => [
    `${String(index + 1).padStart(4)} ${role.padEnd(6)} ${plain(url)}${resolves ? '' : ', not for tags'}, TLS ${tls}`,
    `            ${paint('dim', `because ${plain(because)}`)}`,
  ]);
  const doubts = plan.doubts.map(
    ({ is, about, because }) => `     ${is === 'approximate' ? '~' : '*'} ${about}: ${plain(because)}`,
  );
  return [
    '',
    `${paint('bold', 'The plan')} of ${plain(plan.runtime)} (${plain(plan.engine)}) for ${plain(plan.platform)}`,
    'credentials, in the order of the kubelet',
    ...(identities.length === 0 ? ['     none are tried'] : identities),
    'routes, in the order of the runtime',
    ...(routes.length === 0 ? ['     none are tried'] : routes),
    ...(doubts.length === 0 ? [] : ['doubts', ...doubts]),
  ];
}

function attemptLines(attempt: Attempt, report: PullReport, paint: Paint): readonly string[] {
  const routes = report.plan?.routes ?? [];
  const lines = attempt.exchanges.flatMap((exchange) => exchangeLines(exchange, routes, paint));
  return [
    '',
    `${paint('bold', 'Rehearsed')} as ${plain(attempt.as)}, ${counted(attempt.exchanges.length, 'request')}`,
    ...lines,
    ...endingLines(attempt, report, paint),
  ];
}

function endingLines({ ending }: Attempt, report: PullReport, paint: Paint): readonly string[] {
  switch (ending.is) {
    case 'pulled': {
      const { digest, blobHosts, depth } = ending.content;
      const hosts = blobHosts.length === 0 ? '' : `, layers from ${blobHosts.map((host) => plain(host)).join(', ')}`;
      return [
        `${paint('green', '✓')} ${plain(digest)}: ${contentText(ending.content)}${hosts} (looked at: ${depth.replace('_', ' ')})`,
      ];
    }
    case 'failed': {
      const { cause } = adviceFor(ending.fault, { requestedBy: report.requestedBy });
      return [
        `${paint('red', '✗')} ${ending.fault.code} at ${ending.stage}: ${cause}`,
        `  shown: ${oneLine(ending.shown, 1000)}`,
      ];
    }
    case 'undetermined': {
      const { cause } = adviceFor(ending.fault, { requestedBy: report.requestedBy });
      return [`${paint('magenta', '?')} ${ending.fault.code} at ${ending.stage}: ${cause}`];
    }
  }
}

function evidenceLines(evidence: readonly Evidence[], paint: Paint): readonly string[] {
  if (evidence.length === 0) return [];
  const lines = evidence.map(({ of, host, target, ms, outcome }) => {
    const sign = outcome.ok ? paint('green', '✓') : paint('red', '✗');
    const what = outcome.ok ? plain(outcome.value.note) : adviceFor(outcome.fault, { requestedBy: [] }).cause;
    return `${sign} ${evidenceText[of]} ${plain(target)} for ${plain(host)}, ${duration(ms)}: ${what}`;
  });
  return ['', `${paint('bold', 'Each for itself')}, beside the pull`, ...lines];
}

function warningLines({ warnings, requestedBy }: PullReport, paint: Paint): readonly string[] {
  if (warnings.length === 0) return [];
  const lines = warnings.flatMap((fault) => {
    const advice = adviceFor(fault, { requestedBy });
    return [`${paint('yellow', '!')} ${fault.code}: ${advice.cause}`, `  → ${remedyInFull(advice)}`];
  });
  return ['', paint('bold', 'Read oddly'), ...lines];
}
