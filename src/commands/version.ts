/** What `drypull --version` prints. bundle.js defines both names (scripts/build-info.js); a run from source has neither. */
declare const DRYPULL_COMMIT: string | undefined;
declare const DRYPULL_BUILT: string | undefined;

export function versionText(version: string): string {
  if (typeof DRYPULL_COMMIT === 'undefined' || typeof DRYPULL_BUILT === 'undefined') return `${version} (development)`;
  return `${version} (commit ${DRYPULL_COMMIT}, built ${DRYPULL_BUILT})`;
}
