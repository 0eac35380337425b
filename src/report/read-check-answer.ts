/** Reads the answer to a check that another drypull gave, perhaps an older or a newer one. What is no report is left out. */
import type { CheckedReport } from './check-answer.ts';
import { faultCodes } from './fault.ts';
import { verdicts } from './verdict.ts';

export function readCheckAnswer(body: unknown): readonly CheckedReport[] | undefined {
  const reports = fieldOf(body, 'reports');
  if (fieldOf(body, 'version') !== 1 || !Array.isArray(reports)) return undefined;
  return (reports as readonly unknown[]).filter(isReport);
}

/** As far as anything here reads a report: a verdict that is known, and lists where lists belong. */
function isReport(value: unknown): value is CheckedReport {
  const verdict = fieldOf(value, 'verdict');
  const is = fieldOf(verdict, 'is');
  const fault = fieldOf(verdict, 'fault');
  const lists = ['wantedBy', 'forecasts', 'performances', 'evidence', 'warnings'];
  return (
    fieldOf(value, 'version') === 1 &&
    ['image', 'node', 'at', 'policy'].every((key) => typeof fieldOf(value, key) === 'string') &&
    ['ms', 'ageMs'].every((key) => typeof fieldOf(value, key) === 'number') &&
    lists.every((key) => Array.isArray(fieldOf(value, key))) &&
    verdicts.some((known) => known === is) &&
    typeof fieldOf(fieldOf(verdict, 'confidence'), 'is') === 'string' &&
    Array.isArray(fieldOf(fieldOf(verdict, 'confidence'), 'because')) &&
    (is === 'pulls' || is === 'at_risk' || faultCodes.some((code) => code === fieldOf(fault, 'code')))
  );
}

function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
