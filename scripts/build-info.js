/** What is compiled into the bundle about itself: the commit, and the time of that commit, so that a build can be repeated. */
import { execFileSync } from 'node:child_process';

/** For esbuild's `define`. An image is built without .git, so the environment comes first. */
export function buildInfo(env = process.env) {
  const commit = env.DRYPULL_COMMIT || git('rev-parse', 'HEAD') || 'unknown';
  const seconds = Number(env.SOURCE_DATE_EPOCH || git('show', '-s', '--format=%ct', 'HEAD'));
  const built = seconds > 0 ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') : 'unknown';
  return { DRYPULL_COMMIT: JSON.stringify(commit), DRYPULL_BUILT: JSON.stringify(built) };
}

function git(...args) {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
