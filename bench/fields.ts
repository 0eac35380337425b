/**
 * The fields on which contestants are measured: images on one registry or on twenty, with or without a round trip. They are
 * served by a process of their own (serve-fields.ts), so that serving costs the measured process nothing.
 */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One image, by the two names under which its registry's certificate knows it. */
export interface Target {
  /** `r00.bench.test:40123`, which the node root's hosts file turns into loopback. */
  readonly named: string;
  /** `127.0.0.1:40123`, for programs that read this machine's own resolver. */
  readonly loopback: string;
  readonly repository: string;
  readonly tag: string;
}

export interface Field {
  readonly name: FieldName;
  readonly registries: number;
  readonly targets: readonly Target[];
}

export const fieldNames = ['one', 'twenty', 'near', 'guarded'] as const;
export type FieldName = (typeof fieldNames)[number];

export interface Layout {
  /** PEM text. */
  readonly authority: string;
  readonly fields: Readonly<Record<FieldName, Field>>;
}

export const roundTripMs = 20;
export const imagesPerField = 200;

/** What a new TLS connection costs besides: one round trip for TCP, one for TLS 1.3. */
export const openingMs = 2 * roundTripMs;

export interface Grounds extends AsyncDisposable {
  readonly layout: Layout;
  /** Requests that all registries saw since they were last asked. */
  readonly requests: () => Promise<number>;
}

export type Word =
  { readonly is: 'layout'; readonly layout: Layout } | { readonly is: 'requests'; readonly count: number };

export async function openGrounds(): Promise<Grounds> {
  const child = fork(join(import.meta.dirname, 'serve-fields.ts'), { stdio: 'inherit' });
  const heard = (): Promise<Word> =>
    new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the registries ended'));
      child.once('exit', ended).once('message', (word) => {
        child.off('exit', ended);
        resolve(word as Word);
      });
    });
  const first = await heard();
  if (first.is !== 'layout') throw new Error('the registries said something else first');
  return {
    layout: first.layout,
    requests: async () => {
      const coming = heard();
      child.send('requests');
      const word = await coming;
      return word.is === 'requests' ? word.count : NaN;
    },
    [Symbol.asyncDispose]: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}

/** For other processes of the benchmark's own. */
export async function layoutFrom(file: string): Promise<Layout> {
  return JSON.parse(await readFile(file, 'utf8')) as Layout;
}
