/** Times in the sentences of forecasts. */

export const minuteS = 60;
export const hourS = 3600;
export const dayS = 24 * hourS;

/** `40 s`, `12 min`, `5 h`, `13 d`: as exact as anybody needs it. */
export function span(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 2 * minuteS) return `${Math.round(whole)} s`;
  if (whole < 2 * hourS) return `${Math.round(whole / minuteS)} min`;
  return whole < 2 * dayS ? `${Math.round(whole / hourS)} h` : `${Math.round(whole / dayS)} d`;
}

/** `2026-03-07 12:00 UTC`. */
export function minuteOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
