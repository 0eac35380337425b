/** For a socket between two owners: an error that nobody listens for would end the process; the next owner meets it. */
export function ignore(): void {
  // Nothing: whoever uses the socket next finds it destroyed.
}
