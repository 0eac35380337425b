/** What is shipped for Prometheus and Grafana, as values. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const at = (file: string): string =>
  fileURLToPath(new URL(`../../manifests/components/monitoring/${file}`, import.meta.url));

export const rulesPath = at('drypull.rules.yaml');

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Groups {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

export const ruleFile = parse(readFileSync(rulesPath, 'utf8')) as Groups;
export const rules = ruleFile.groups.flatMap((group) => group.rules);
export const ruleObject = parse(readFileSync(at('prometheus-rule.yaml'), 'utf8')) as { readonly spec: Groups };

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

export const dashboard = JSON.parse(readFileSync(at('dashboard.json'), 'utf8')) as {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};

/** The dashboard's queries as Grafana would send them with everything chosen. */
export const queries: readonly string[] = dashboard.panels
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  .map((expr) =>
    expr.replaceAll(/\$(?:registry|instance)\b/g, '.*').replaceAll(/\$__(?:rate_interval|range)\b/g, '5m'),
  );

/** Every metric that an expression names: ours, and what Prometheus' clients all have. */
export function metricsIn(expression: string): readonly string[] {
  return [...expression.matchAll(/\b(?:drypull_[a-z_]+|process_[a-z_]+)\b/g)].map(([name]) => name);
}
