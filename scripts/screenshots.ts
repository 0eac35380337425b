/**
 * `npm run screenshots`: runs `npm run demo`, and writes its table to README.md and its page to docs/images. Needs Chromium
 * (Debian: apt-get install chromium; CHROMIUM names another program). Ports and times differ with every run, so no test compares.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root, withSection } from './docs.ts';

const run = promisify(execFile);
const chromium = process.env['CHROMIUM'] ?? 'chromium';
/** Blink's values of preferredColorScheme. */
const schemes = { dark: 0, light: 1 } as const;
/** As many lines of the demo as fit a front page: the table, and the first remedies. */
const remedies = 2;

async function main(): Promise<void> {
  const demo = spawn(process.execPath, [join(root, 'test/demo.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, DRYPULL_LISTEN: '127.0.0.1:0' },
  });
  try {
    const { text, page } = await outputOf(demo);
    await writeSample(sampleOf(text));
    // The page shows "just now" for a moment, and its first history after the second pass.
    await wait(35_000);
    for (const [name, scheme] of Object.entries(schemes)) await photograph(page, name, scheme);
  } finally {
    demo.kill();
    if (demo.exitCode === null) await once(demo, 'exit');
  }
}

/** What the demo prints, up to the line with the address of its page. */
async function outputOf({ stdout }: ChildProcess): Promise<{ readonly text: string; readonly page: string }> {
  let text = '';
  for await (const chunk of stdout ?? []) {
    text += String(chunk);
    const page = /http:\/\/127\.0\.0\.1:\d+\//.exec(text)?.[0];
    if (page !== undefined) return { text, page };
  }
  throw new Error(`the demo ended without a page:\n${text}`);
}

/** The table and its first remedies, without the ports of this run. */
function sampleOf(text: string): string {
  const lines = text.slice(text.indexOf('VERDICT')).split('\n');
  const end = lines.findIndex((line) => line.startsWith(`[${remedies + 1}]`));
  const table = lines.slice(0, lines.indexOf(''));
  const rest = lines.slice(table.length, end).map((line) => line.replaceAll(/:\d{4,5}\b/g, ''));
  return [...withoutPorts(table), ...rest, '…'].join('\n');
}

/** The column of images becomes narrower by the longest port. */
function withoutPorts([header = '', ...rows]: readonly string[]): readonly string[] {
  const [from, to] = [header.indexOf('IMAGE'), header.indexOf('STAGE')];
  const images = rows.map((row) =>
    row
      .slice(from, to)
      .trim()
      .replace(/:\d{4,5}\//, '/'),
  );
  const width = Math.max(...images.map((image) => image.length)) + 2;
  const cells = ['IMAGE', ...images].map((image) => image.padEnd(width));
  return [header, ...rows].map((row, i) => `${row.slice(0, from)}${cells[i] ?? ''}${row.slice(to)}`.trimEnd());
}

async function writeSample(sample: string): Promise<void> {
  const file = 'README.md';
  const path = join(root, file);
  const body = `\`\`\`\n${sample}\n\`\`\``;
  await writeFile(path, withSection(await readFile(path, 'utf8'), { file, name: 'demo', body }));
}

async function photograph(page: string, name: string, scheme: number): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'drypull-chromium-'));
  try {
    await run(chromium, [
      '--headless',
      // Chromium refuses to run as root with its sandbox; the page is this machine's own.
      '--no-sandbox',
      '--hide-scrollbars',
      '--window-size=1000,720',
      `--blink-settings=preferredColorScheme=${scheme}`,
      `--user-data-dir=${profile}`,
      `--screenshot=${join(root, 'docs/images', `page-${name}.png`)}`,
      page,
    ]);
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}

if (import.meta.main) await main();
