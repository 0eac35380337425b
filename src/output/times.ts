/** Times for people: how long ago, how long, and the absolute time beside it. */
import type { Markup } from '#output/page/html.ts';
import { html } from '#output/page/html.ts';

/** `3 s`, `47 min`, `3 h 10 min`, `2 days`. */
export function longText(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 90) return `${s} s`;
  const min = Math.round(s / 60);
  if (min < 90) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 48) return min % 60 === 0 || h >= 10 ? `${h} h` : `${h} h ${min % 60} min`;
  return `${Math.round(h / 24)} days`;
}

export function msText(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms > 0 && ms < 1 ? '<1 ms' : `${Math.round(ms)} ms`;
}

/** A relative time that tells the absolute one to machines and to the pointer. */
export function timeMarkup(atMs: number, text: string): Markup {
  const iso = isoOf(atMs);
  return html`<time datetime="${iso}" title="${iso}">${text}</time>`;
}

/** `11:13`, or with the day where that is another one. */
export function clockText(atMs: number, nowMs: number): string {
  const iso = isoOf(atMs);
  const sameDay = iso.slice(0, 10) === isoOf(nowMs).slice(0, 10);
  return sameDay ? iso.slice(11, 16) : `${iso.slice(5, 10)} ${iso.slice(11, 16)}`;
}

/** Of a time that no calendar holds: the epoch. */
export function isoOf(atMs: number): string {
  return new Date(Math.abs(atMs) <= 8.64e15 ? atMs : 0).toISOString();
}
