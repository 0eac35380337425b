/** What is shipped for Prometheus and Grafana names what drypull exports and what its README explains. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faultCodes } from '#report/fault.ts';
import { dashboard, metricsIn, queries, ruleFile, ruleObject, rules } from './kit/monitoring.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const documented = new Set([...readme.matchAll(/^\| `((?:drypull|process)_[a-z_]+)` \|/gm)].map(([, name]) => name));
const alerts = rules.filter(({ alert }) => alert !== undefined);

/** A histogram is documented under its own name. */
const bare = (name: string): string => name.replace(/_(?:bucket|count|sum)$/, '');

test('the object for the operator holds the rules of the file', () => {
  expect(ruleObject.spec.groups).toEqual(ruleFile.groups);
});

test('every metric that a rule or a panel asks for is one that the README documents', () => {
  const asked = [...rules.map(({ expr }) => expr), ...queries].flatMap(metricsIn);
  const unknown = asked.filter((name) => !documented.has(name) && !documented.has(bare(name)));
  expect([...new Set(unknown)]).toEqual([]);
});

test('every recorded series that a rule or a panel asks for is recorded', () => {
  const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
  const asked = [...rules.map(({ expr }) => expr), ...queries].flatMap((expr) =>
    [...expr.matchAll(/\bdrypull:[a-z0-9_:]+/g)].map(([name]) => name),
  );
  expect(asked.filter((name) => !recorded.has(name))).toEqual([]);
});

describe.each(alerts.map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
  test('says how bad it is, what happened, what to do and where to read on', () => {
    expect(rule.labels?.['severity']).toMatch(/^(critical|warning|info)$/);
    expect(rule.annotations?.['summary']).toMatch(/\S/);
    expect(rule.annotations?.['description']).toMatch(/\.$|\/$/);
    expect(rule.annotations?.['runbook_url']).toMatch(/^https:\/\/.*README\.md#/);
  });

  test('leads to a place that is there', () => {
    const anchor = /#(.*)$/.exec(rule.annotations?.['runbook_url'] ?? '')?.[1] ?? '';
    if (anchor === '{{ $labels.fault }}') expect(rule.expr).toContain('fault');
    else expect(readme).toMatch(new RegExp(`<a id="${anchor.replaceAll('.', '\\.')}">`));
  });
});

test('every fault has the anchor that alerts lead to', () => {
  expect(faultCodes.filter((code) => !readme.includes(`<a id="${code}">`))).toEqual([]);
});

describe('the dashboard', () => {
  test('has panels that neither overlap nor leave the grid', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x},${y}`), `${title} at ${x},${y}`).toBe(false);
          taken.add(`${x},${y}`);
        }
    }
  });

  test('gives every panel an id of its own and a title', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title } of dashboard.panels) expect(title).toMatch(/\S/);
  });
});
