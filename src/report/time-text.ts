/** Times and spans of time in the sentences of forecasts. */

/** `2026-03-04 12:00 UTC`. Of a time that no calendar holds: `an unknown time`. */
export function minuteText(atMs: number): string {
  if (!(Math.abs(atMs) <= 8.64e15)) return 'an unknown time';
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `40 s`, `45 min`, `7 h`, `3 days`: as exact as anybody needs it, and rounded down, so that nobody has less than is said. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
