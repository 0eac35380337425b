/** A route that comes and goes: verdicts and forecasts stay, a failure is told at once, and in the end it is over. */
import { expect, test } from 'vitest';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { learnHeld } from '#forecast/damping.ts';
import { AgentState } from '#agent/state.ts';
import { certificate, queue } from '../../kit/foretold.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { refuses } from '../../kit/misbehaviour.ts';
import { predicted, minute, RememberingNode } from '../../kit/remembering.ts';
import { gist, nodeOf, plain, toml } from '../../kit/stage.ts';

const start = Date.parse('2026-03-04T12:00:00.000Z');

test('a mirror that fails every other time keeps its images at risk; once it is well, two rehearsals end that; what fails is told at once', async () => {
  const images = { 'team/app:v1': image() };
  await using registry = await FakeRegistry.open({ images });
  await using mirror = await FakeRegistry.open({ images });
  const name = `reg.test:${registry.port}`;
  const view = nodeOf({
    registries: { 'reg.test': registry },
    hosts: { 'mirror.test': ['127.0.0.1'] },
    dirs: { [name]: toml(plain(name), plain(`mirror.test:${mirror.port}`)) },
  });
  const app = `${name}/team/app:v1`;
  const node = new RememberingNode(view, start);
  const once = async (mirrorIs: 'well' | 'ill'): Promise<string> => {
    registry.play(node.dates);
    mirror.play(node.dates, ...(mirrorIs === 'ill' ? [refuses(503)] : []));
    return gist(await node.after(5 * minute, app));
  };
  expect(await once('well')).toBe('pulls');
  const flapping: string[] = [];
  for (let turn = 0; turn < 6; turn += 1) flapping.push(await once(turn % 2 === 0 ? 'ill' : 'well'));
  expect(flapping).toEqual(Array.from({ length: 6 }, () => 'at_risk route-down'));

  const report = await node.rehearse(app);
  expect(predicted(report, 'route-down')).toBeUndefined();
  expect(gist(report)).toBe('pulls');

  await once('ill');
  registry.play(node.dates, refuses(503));
  mirror.play(node.dates, refuses(503));
  expect(gist(await node.after(minute, app))).toBe('fails api.unavailable');
});

test('what is foretold of the node as a whole is held in the same way, and over a restart', () => {
  const held = learnHeld({}, [certificate, queue], start);
  const history = { ...emptyNodeHistory, damped: { images: {}, node: held } };
  const state = new AgentState({
    node: 'node-7',
    startedMs: start,
    cadenceMs: 300_000,
    keep: 8,
    silenceMs: 60_000,
    history,
  });
  const shown = (atMs: number): readonly string[] => {
    state.evaluate(nodeOf(), atMs);
    return state.read().forecasts.map(({ rule }) => rule);
  };
  expect(shown(start + minute)).toEqual(['certificate-expires', 'pulls-queue']);
  expect(state.read()).toMatchObject({ forecastMs: start + minute });
  expect(shown(start + 2 * minute)).toEqual([]);
});
