/** What is compiled into the bundle about itself: the commit, and the time of that commit, so that a build can be repeated. */
import { execFileSync } from 'node:child_process';

export interface BuildInfo {
  readonly commit: string;
  /** RFC 3339, in UTC; `unknown` where neither the environment nor git says it. */
  readonly built: string;
}

/** The environment comes before git, because an image is built without .git. */
export function buildInfo(env: Readonly<Record<string, string | undefined>> = process.env): BuildInfo {
  const commit = given(env['DRYPULL_COMMIT']) ?? git('rev-parse', 'HEAD') ?? 'unknown';
  const seconds = Number(given(env['SOURCE_DATE_EPOCH']) ?? git('show', '-s', '--format=%ct', 'HEAD'));
  const built = seconds > 0 ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') : 'unknown';
  return { commit, built };
}

/** For esbuild's `define`; src/commands/version.ts reads both. */
export function buildDefine(): Readonly<Record<string, string>> {
  const { commit, built } = buildInfo();
  return { DRYPULL_COMMIT: JSON.stringify(commit), DRYPULL_BUILT: JSON.stringify(built) };
}

function git(...args: readonly string[]): string | undefined {
  try {
    return given(execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim());
  } catch {
    return undefined;
  }
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
