import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSchedule } from '#agent/schedule.ts';

const directory = mkdtempSync(join(tmpdir(), 'drypull-bundle-'));
const bundle = join(directory, 'schedule.mjs');
let bundled: typeof parseSchedule;

beforeAll(async () => {
  execFileSync(process.execPath, ['bundle.js', 'src/agent/schedule.ts', bundle], {
    cwd: join(import.meta.dirname, '../..'),
  });
  ({ parseSchedule: bundled } = (await import(bundle)) as { parseSchedule: typeof parseSchedule });
});
afterAll(() => rmSync(directory, { recursive: true }));

// The bundle reads the local time without Intl: the next runs are the same all the same.
test.each([
  '*/5 * * * *',
  '*/10 * * * * *',
  '0 9 * * 1-5',
  '30 3 1 * *',
  '0 0 29 2 *',
  '15 14 * 1,7 SUN',
  '0 0 30 2 *',
])('one file and the sources agree on %s', (cron) => {
  const none = (): undefined => undefined;
  expect(bundled(cron, none)).toEqual(parseSchedule(cron, none));
});
