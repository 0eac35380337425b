/** The answers of many nodes as a table, JSON or JUnit. */
import type { CheckedReport } from '#report/check-answer.ts';
import { groupReports } from '#report/group-reports.ts';
import type { Spared } from './landing.ts';
import { poolOf, zoneOf } from './sample-nodes.ts';
import type { Stream } from './check.ts';
import type { FleetNode } from '#kubernetes/port-forward/ask-agents.ts';
import type { NodeResult } from './ask-round.ts';
import { columnsOf, fleetTable, junit, table } from '#output/print.ts';

export interface Answers {
  readonly cluster: string;
  readonly nodes: readonly FleetNode[];
  readonly results: ReadonlyMap<string, NodeResult>;
  /** In the order of the nodes, and for each in the order of the images. */
  readonly reports: readonly CheckedReport[];
  readonly spared: readonly Spared[];
  readonly sample: { readonly asked: number; readonly of: number; readonly kinds: number } | undefined;
}

export interface PrintOptions {
  readonly output: 'table' | 'json' | 'junit';
  readonly verbose: boolean;
  readonly strict: boolean;
}

export function fleetAnswer({ output, verbose, strict }: PrintOptions, answers: Answers, stdout: Stream): string {
  switch (output) {
    case 'json':
      return `${JSON.stringify(documentOf(answers), undefined, 2)}\n`;
    case 'junit':
      return junit(answers.reports, { atRiskFails: strict, byNode: true });
    case 'table': {
      const readView = { width: stdout.isTTY === true ? columnsOf(stdout) : Infinity, colour: stdout.colour };
      const byName = new Map(answers.nodes.map((node) => [node.name, node]));
      const nodes = verbose
        ? answers.nodes.map((node) => `${node.name}\n${table(of(answers, node), readView)}\n\n`)
        : [];
      return `${nodes.join('')}${fleetTable(groupReports(answers.reports, byName), readView)}\n`;
    }
  }
}

function of({ results }: Answers, { name }: FleetNode): readonly CheckedReport[] {
  return results.get(name)?.reports ?? [];
}

function documentOf({ cluster, nodes, results, reports, spared, sample }: Answers): unknown {
  return {
    version: 1,
    cluster,
    nodes: nodes.map((node) => {
      const result = results.get(node.name);
      return {
        name: node.name,
        is: result?.isAnswered === true ? 'answered' : 'unknown',
        why: result === undefined ? 'it was not asked' : result.why,
        ms: Math.round(result?.ms ?? 0),
        architecture: node.architecture,
        runtime: node.runtime,
        zone: zoneOf(node) || undefined,
        pool: poolOf(node),
      };
    }),
    sample,
    spared,
    reports,
  };
}
