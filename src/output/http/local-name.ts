/** A rebound name reaches this socket with its own name in Host; only names that cannot be rebound are let in. */
export function isLocalName(host: string | undefined): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host ?? '');
}
