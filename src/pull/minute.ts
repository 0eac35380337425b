/** `2026-03-04 12:00 UTC`, for sentences. Of a time that no calendar holds: `an unknown time`. */
export function minuteText(atMs: number): string {
  if (!(Math.abs(atMs) <= 8.64e15)) return 'an unknown time';
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
