/**
 * Door: what running programs have read, as far as somebody looked while it was still as they had found it. A program that reads
 * a file once, at its start, goes on by it however the file changes; whoever comes after the change cannot know. In memory alone.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Seen } from '#report/outcome.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import type { CredentialProvider } from '#kubelet/view.ts';
import type { PemFile } from '#report/certificate.ts';
import type { ContainerdFiles } from '#runtime/containerd/config/read.ts';
import type { Running } from './processes.ts';

export class AtStart {
  readonly containerd = new Held<ContainerdFiles>();
  readonly roots = new Held<readonly PemFile[]>();
  readonly providers = new Held<Seen<readonly CredentialProvider[]>>();
  readonly kubelet = new Held<Seen<KubeletConfig>>();
}

/** `of`: what was read of it with what else in mind, such as a version. `isOld`: its files' times say that it has not changed since the start. */
export interface Reading<T> {
  readonly of: string;
  readonly value: T;
  readonly isOld: boolean;
}

/** `same`: the process has read what lies there now. `other`: it has read this. `unknown`: nobody looked in time. */
export type Was<T> = { readonly is: 'same' | 'unknown' } | { readonly is: 'other'; readonly value: T };

/** A check that knows less of the node than the agent reads it with other eyes; more than a few are not there. */
const mostReadings = 4;

/** One subject of one process; another process begins anew. */
class Held<T> {
  #process = '';
  readonly #held = new Map<string, T>();

  compare(running: Running | undefined, { of, value, isOld }: Reading<T>): Was<T> {
    if (running?.ticks === undefined) return { is: isOld ? 'same' : 'unknown' };
    const process = `${running.pid} ${running.ticks}`;
    if (this.#process !== process) this.#held.clear();
    this.#process = process;
    const held = this.#held.get(of);
    if (held !== undefined) return isDeepStrictEqual(held, value) ? { is: 'same' } : { is: 'other', value: held };
    if (!isOld) return { is: 'unknown' };
    if (this.#held.size < mostReadings) this.#held.set(of, value);
    return { is: 'same' };
  }
}
