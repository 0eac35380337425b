/** One request of a rehearsal, with the steps that opened its connection, as lines of text. */
import type { Act, Exchange, ExchangeFacts, Step } from '#report/rehearsal.ts';
import type { PublicRoute } from '#report/report.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { plain } from '#report/advice/phrases.ts';
import { bytes, duration } from '#output/measures.ts';
import type { Paint } from './paint.ts';

const purposes: { readonly [A in Act]: string } = {
  resolve: 'to resolve the reference',
  manifest: 'for the manifest',
  config: 'for the configuration',
  layer: 'for a layer',
  token: 'for a token',
};

export function exchangeLines(exchange: Exchange, routes: readonly PublicRoute[], paint: Paint): readonly string[] {
  const { act, method, url, startMs, ms, because, steps, as, outcome, route } = exchange;
  const sign = outcome.ok ? paint('green', '✓') : paint('red', '✗');
  const what = outcome.ok
    ? facts(outcome.value)
    : `${outcome.fault.code}: ${adviceFor(outcome.fault, { requestedBy: [] }).cause}`;
  const role = routes[route]?.role;
  const why = [
    purposes[act],
    ...(role === undefined ? [] : [`${role} ${route + 1}`]),
    because,
    ...(as === undefined ? [] : [`as ${as}`]),
  ];
  return [
    `${sign} +${duration(startMs)}  ${method} ${plain(url, 600)}`,
    `    ${duration(ms)}: ${what}`,
    `    ${paint('dim', plain(why.filter((part) => part !== '').join('; '), 600))}`,
    ...steps.map((step) => `      ${stepLine(step, paint)}`),
  ];
}

function facts({ status, bytes: size, mediaType, note, rateLimit, clockAheadS }: ExchangeFacts): string {
  const left = rateLimit?.remaining;
  const quota = left === undefined ? [] : [`${left} of ${rateLimit?.limit ?? '?'} pulls left`];
  const clock =
    clockAheadS === undefined || Math.abs(clockAheadS) < 60
      ? []
      : [`its clock is ${duration(Math.abs(clockAheadS) * 1000)} ${clockAheadS > 0 ? 'ahead' : 'behind'}`];
  return [
    String(status),
    ...(size > 0 ? [bytes(size)] : []),
    ...(mediaType === undefined ? [] : [plain(mediaType)]),
    ...quota,
    ...clock,
    ...(note === undefined ? [] : [plain(note)]),
  ].join(', ');
}

function stepLine(step: Step, paint: Paint): string {
  const took = duration(step.ms);
  const name = step.step.padEnd(5);
  if (!step.outcome.ok) {
    const { fault } = step.outcome;
    return `${paint('red', '✗')} ${name} ${plain(step.target)}, ${took}: ${fault.code}: ${adviceFor(fault, { requestedBy: [] }).cause}`;
  }
  return `${paint('green', '✓')} ${name} ${plain(step.target)}, ${took}: ${stepFacts(step)}`;
}

function stepFacts(step: Step): string {
  if (!step.outcome.ok) return '';
  switch (step.step) {
    case 'dns': {
      const { addresses, answeredBy } = step.outcome.value;
      return `${addresses.map((address) => plain(address)).join(', ')} (from ${plain(answeredBy)})`;
    }
    case 'tcp':
      return 'connected';
    case 'proxy':
      return `${step.outcome.value.status} through ${plain(step.outcome.value.proxy)}`;
    case 'tls': {
      const { version, subject, issuer, notAfter, verified } = step.outcome.value;
      return plain(
        `${version}, ${subject}, issued by ${issuer}, until ${notAfter}${verified ? '' : ', NOT VERIFIED'}`,
        600,
      );
    }
  }
}
