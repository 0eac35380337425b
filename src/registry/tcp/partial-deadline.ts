/** dial.go partialDeadline saneMinimum. */
const leastMs = 2_000;

/** How long the next of so many addresses may take of the time that is left (Go's net/dial.go partialDeadline). */
export function partialDeadline(remainingMs: number, addressesLeft: number): number {
  return Math.min(remainingMs, Math.max(remainingMs / addressesLeft, leastMs));
}
