import { expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import { defaultPace } from '#budget/pace.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { AgentState } from '#agent/state.ts';
import { askedReport } from '../kit/asked-report.ts';
import { demandFor } from '../kit/stage.ts';

const start = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;
const registry = 'reg.example.com';
const held: Fault = { code: 'agent.over_budget', registry };
const full: Fault = { code: 'tcp.refused', address: '192.0.2.1', port: 443 };

test('who never went goes first, then who failed and may mend, then who was held back, then the longest unseen', () => {
  const state = new AgentState({
    node: 'n',
    startedMs: start,
    cadenceMs: 5 * minute,
    keep: 8,
    silenceMs: minute,
    history: emptyNodeHistory,
  });
  const names = ['seen-later', 'seen-first', 'held', 'never', 'failed'];
  state.ask(names.map((name) => demandFor(`${registry}/${name}:1`)));
  const enter = (name: string, minutes: number, fault?: Fault): void => {
    const asked = [{ host: registry, requests: 1, status: 200 }] as const;
    const what = { image: `${registry}/${name}:1`, registry, atMs: start + minutes * minute, asked };
    state.enter(askedReport({ ...what, ...(fault === undefined ? {} : { fault }) }), {
      pace: { ...defaultPace, cadenceMs: 5 * minute },
      dice: 0.5,
    });
  };
  enter('seen-first', 1);
  enter('seen-later', 2);
  enter('held', 3, held);
  enter('failed', 4, full);
  const due = state.due('regular', start + 30 * minute, new Map());
  expect(due.map(({ written }) => written.replace(`${registry}/`, '').replace(':1', ''))).toEqual([
    'never',
    'failed',
    'held',
    'seen-first',
    'seen-later',
  ]);
});
