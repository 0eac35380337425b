/** What is remembered outlives a restart where it may be written, and harms nothing where it may not. */
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { openState } from '#agent/open-state.ts';
import { openLog, type Log } from '#output/log.ts';

let dir = '';
let lines: string[] = [];
let log: Log;
const history: NodeHistory = {
  ...emptyNodeHistory,
  tags: { 'reg.test/a:1': { digest: 'sha256:a', sinceMs: 1, seenMs: 2 } },
};

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'drypull-state-'));
  lines = [];
  log = openLog({ level: 'debug', node: 'node-7', to: { write: (line) => lines.push(line) } });
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

test('the next life of the agent begins with what the last one knew', async () => {
  await openState(dir, log)?.save(history);
  expect(await openState(dir, log)?.read()).toEqual(history);
  expect(await readdir(dir)).toEqual(['past.json']);
});

test('without a directory nothing is kept', () => {
  expect(openState(null, log)).toBeUndefined();
});

test('the directory is made where it is missing', async () => {
  const deeper = path.join(dir, 'a/b');
  await openState(deeper, log)?.save(history);
  expect(await openState(deeper, log)?.read()).toEqual(history);
});

test.each([
  ['half a file', '{"version":1,"tags":{"a"'],
  ['no JSON', 'hello'],
  ['another shape', '[1]'],
])('%s starts anew', async (_, text) => {
  await writeFile(path.join(dir, 'past.json'), text);
  expect(await openState(dir, log)?.read()).toEqual(emptyNodeHistory);
});

test('a place that cannot be written is said once', async () => {
  const taken = path.join(dir, 'taken');
  await writeFile(taken, '');
  const state = openState(taken, log);
  await state?.save(history);
  await state?.save({ ...history, tags: {} });
  expect(lines.filter((line) => line.includes('cannot be kept'))).toHaveLength(1);
});

test('what did not change is not written again', async () => {
  const state = openState(dir, log);
  await state?.save(history);
  await writeFile(path.join(dir, 'past.json'), 'marked');
  await state?.save({ ...history });
  expect(await readFile(path.join(dir, 'past.json'), 'utf8')).toBe('marked');
});

test('a directory in the place of the file is said, and the agent starts', async () => {
  await mkdir(path.join(dir, 'past.json'));
  await chmod(dir, 0o755);
  expect(await openState(dir, log)?.read()).toEqual(emptyNodeHistory);
  expect(lines.some((line) => line.includes('starting anew'))).toBe(true);
});
