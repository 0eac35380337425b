/** What the Node condition and the Events say. */
import type { NodeAnswer } from '#report/node-answer.ts';
import type { Entry } from '#report/ledger.ts';
import type { NodeEvent } from '#kubernetes/node-events.ts';
import type { Readiness } from '#kubernetes/condition.ts';
import type { Change } from './state.ts';

/** Without times or counters, so that the condition changes only when the answer does. */
export function readinessOf({ is, because, against }: NodeAnswer): Readiness {
  switch (is) {
    case 'ready':
      return { status: 'True', reason: 'ImagesWouldPull', message: because };
    case 'not_ready':
      return { status: 'False', reason: 'ImagesWouldNotPull', message: `${because}: ${causesOf(against)}` };
    case 'unknown':
      return { status: 'Unknown', reason: 'NotKnown', message: because };
  }
}

const mostCauses = 5;

/** `tls.expired at reg.example (app:1 and 2 more)`: by cause and registry, in alphabetical order. */
function causesOf(against: readonly Entry[]): string {
  const causes = Map.groupBy(against, ({ report: { verdict, registry } }) => {
    const code = verdict.is === 'fails' ? verdict.fault.code : verdict.is;
    return registry === undefined ? code : `${code} at ${registry}`;
  });
  const causesText = [...causes].map(([cause, entries]) => {
    const [first = '', ...others] = entries.map(({ report }) => report.image).sort();
    return `${cause} (${first}${others.length === 0 ? '' : ` and ${others.length} more`})`;
  });
  const more = causesText.length > mostCauses ? [`and ${causesText.length - mostCauses} more`] : [];
  return [...causesText.sort().slice(0, mostCauses), ...more].join('; ');
}

/** An image that pulls gets an Event only after it failed; an unknown verdict gets none. */
export function newsOf({ was, entry: { id, report } }: Change): NodeEvent | undefined {
  const { verdict, image, advice } = report;
  const text = advice === undefined ? '' : ` ${advice.cause} ${advice.remedy}`;
  switch (verdict.is) {
    case 'fails':
      return { about: id, type: 'Warning', reason: 'ImageWouldNotPull', note: `${image}:${text}` };
    case 'at_risk': {
      const [forecast] = verdict.forecasts;
      const note = `${image} pulls now and may soon fail: ${forecast?.fault ?? 'no reason given'}`;
      return { about: id, type: 'Warning', reason: 'ImagePullAtRisk', note };
    }
    case 'pulls':
      if (was === undefined || was === 'unknown') return undefined;
      return { about: id, type: 'Normal', reason: 'ImageWouldPullAgain', note: `${image} pulls again` };
    case 'unknown':
      return undefined;
  }
}
