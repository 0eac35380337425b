/** Imitates kube-apiserver: its recorded objects, and helpers for JSON. */
import { readFileSync } from 'node:fs';

export type Json = Record<string, unknown>;

export function object(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object');
  return value as Json;
}

export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((here, key) => object(here)[key], value);
}

export function text(value: unknown, ...path: readonly string[]): string {
  const found = path.reduce<unknown>(
    (here, key) => (typeof here === 'object' && here !== null ? (here as Json)[key] : undefined),
    value,
  );
  return typeof found === 'string' ? found : '';
}

export function recordedText(name: string): string {
  return readFileSync(new URL(`../fixtures/kube/${name}`, import.meta.url), 'utf8');
}

export function recordedJson(name: string): Json {
  return object(JSON.parse(recordedText(name)));
}

/** The recorded watch, one event on each line. */
export function recordedWatch(): readonly string[] {
  return recordedText('pods-watch.jsonl').split('\n').filter(Boolean);
}
