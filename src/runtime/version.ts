/** Compares versions of runtimes. Only a runtime's own versions.ts uses it. */
import type { RuntimeVersion } from '#node/view.ts';

export function atLeast(version: RuntimeVersion, major: number, minor: number, patch = 0): boolean {
  if (version.major !== major) return version.major > major;
  if (version.minor !== minor) return version.minor > minor;
  return version.patch >= patch;
}
