/** Names of things on the stage. */

/** `registry.example.test:40123/team/app:v1` */
export function at(port: number, host = 'registry'): string {
  return `${host}.example.test:${port}/team/app:v1`;
}

/** The directory below certs.d for that registry. */
export function hostDir(port: number, host = 'registry'): string {
  return `${host}.example.test:${port}`;
}

/** One `[host]` table. */
export function host(url: string, ...lines: readonly string[]): string {
  return [`[host."${url}"]`, ...lines, ''].join('\n');
}
