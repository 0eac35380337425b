/** Rules tried on made-up time: `promtool test rules` over series, and which alerts fire in the end. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Series } from './scrapes.ts';

export interface Input {
  readonly instance: string;
  readonly series: readonly Series[];
  /** In promtool's notation, of a series' value: one an minute. Default: it stays. */
  readonly values?: (one: Series) => string;
}

export interface Firing {
  readonly alert: string;
  /** Those of its labels that a reader goes by. */
  readonly labels: Readonly<Record<string, string>>;
}

const shown = ['instance', 'registry', 'image', 'fault', 'host', 'severity', 'about', 'rule', 'source'] as const;

/** What promtool says against `expected` firing at `minute`, and nothing else firing; empty: it is so. */
export function complaint(
  rules: string,
  inputs: readonly Input[],
  { minute, expected }: { readonly minute: number; readonly expected: readonly Firing[] },
): string {
  const directory = mkdtempSync(join(tmpdir(), 'drypull-rules-'));
  try {
    const by = ['alertname', ...shown].join(', ');
    const suite = {
      rule_files: [rules],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: inputs.flatMap(inputSeries),
          promql_expr_test: [
            {
              expr: `count by (${by}) (ALERTS{alertstate="firing"})`,
              eval_time: `${minute}m`,
              exp_samples: expected.map(({ alert, labels }) => ({ labels: labelsText(alert, labels), value: 1 })),
            },
          ],
        },
      ],
    };
    const path = join(directory, 'suite.yaml');
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(suite));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function labelsText(alert: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries({ alertname: alert, ...labels }).map(
    ([name, value]) => `${name}=${JSON.stringify(value)}`,
  );
  return `{${pairs.join(', ')}}`;
}

function inputSeries({
  instance,
  series,
  values,
}: Input): readonly { readonly series: string; readonly values: string }[] {
  return series.map((one) => {
    const labels = [one.labels, `instance="${instance}"`, 'job="drypull"'].filter(Boolean).join(',');
    return { series: `${one.name}{${labels}}`, values: values?.(one) ?? `${one.value}x90` };
  });
}
