/** Reports as a JUnit file, the dialect that CI systems share: one test case an image. */
import { remedyInFull, type PullReport } from '#report/report.ts';
import { oneLine } from '#report/advice/phrases.ts';
import { story } from '#output/terminal/details.ts';

type Mark = 'failure' | 'error' | 'skipped';

/** `atRiskFails`: an image at risk is a failure, as under --strict. `byNode`: reports of many nodes, each case named by its node. */
export function junit(reports: readonly PullReport[], { atRiskFails = false, byNode = false } = {}): string {
  const marks = reports.map((report) => markOf(report, atRiskFails));
  const count = (mark: Mark): number => marks.filter((each) => each === mark).length;
  const totals = `tests="${reports.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  const time = seconds(reports.reduce((sum, { ms }) => sum + ms, 0));
  const node = byNode ? 'many' : attribute(reports[0]?.node ?? '');
  const at = reports.map((report) => report.at).toSorted()[0];
  const stamp = at === undefined ? '' : ` timestamp="${attribute(at)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="drypull" ${totals} time="${time}">`,
    `  <testsuite name="image pulls" hostname="${node}" ${totals} time="${time}"${stamp}>`,
    ...reports.flatMap((report, index) => testCase(report, marks[index], byNode)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** What cannot be told for want of something is skipped; what went wrong on our side is an error. */
function markOf({ verdict }: PullReport, atRiskFails: boolean): Mark | undefined {
  switch (verdict.is) {
    case 'pulls':
      return undefined;
    case 'at_risk':
      return atRiskFails ? 'failure' : undefined;
    case 'fails':
      return 'failure';
    case 'unknown':
      return verdict.fault.code === 'agent.bug' || verdict.fault.code === 'agent.out_of_time' ? 'error' : 'skipped';
  }
}

function testCase(report: PullReport, mark: Mark | undefined, byNode: boolean): readonly string[] {
  const { verdict, advice, image, registry } = report;
  const group = byNode ? report.node : (registry ?? 'image');
  const open = `    <testcase classname="${attribute(group)}" name="${attribute(image)}" time="${seconds(report.ms)}">`;
  const shown = `<system-out>${text(story(report, { colour: false }))}</system-out>`;
  if (mark === undefined) return [open, `      ${shown}`, '    </testcase>'];
  const code = verdict.is === 'fails' || verdict.is === 'unknown' ? verdict.fault.code : 'at_risk';
  const cause = attribute(`${code}: ${advice?.cause ?? ''}`);
  const remedy = advice === undefined ? '' : text(`${advice.cause}\n${remedyInFull(advice)}`);
  const body =
    mark === 'skipped'
      ? `<skipped message="${cause}"/>`
      : `<${mark} type="${attribute(code)}" message="${cause}">${remedy}</${mark}>`;
  return [open, `      ${body}`, `      ${shown}`, '    </testcase>'];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attribute(value: string): string {
  return text(oneLine(value, 2000));
}

/** XML 1.0 §2.2: what is no Char cannot even be written as a reference. */
function text(value: string): string {
  return value
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
