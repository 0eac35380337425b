/** `code` of a Node, OpenSSL or undici error (`ECONNREFUSED`); empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
