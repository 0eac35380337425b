/** Endings of a performance: failures worded as the CRI error, and ours as untold. */
import type { Fault } from '#report/fault.ts';
import type { Ending } from '#report/rehearsal.ts';
import { criError, openFailed, pullFailed, type Wording } from '#runtime/containerd/error-texts.ts';
import type { Scene } from '#runtime/attempt/context.ts';
import { stageOf, type Trouble } from '#runtime/attempt/trouble.ts';

/** Bytes that came and were wrong fail the commit; everything else fails the opening of the download. */
export function wrapFetch(scene: Scene, found: Trouble): Wording {
  const reference = scene.plan.image.runtime;
  return /^(failed commit|failed to copy|short read|failed to read expected)/.test(found.words.text)
    ? pullFailed(reference, found.words)
    : openFailed(reference, found.words);
}

export function failed(found: Trouble, words: Wording): Ending {
  return isOurs(found.fault)
    ? { is: 'untold', fault: found.fault, stage: stageOf(found.fault) }
    : { is: 'failed', fault: found.fault, stage: stageOf(found.fault), shown: criError(words) };
}

function isOurs(fault: Fault): boolean {
  return fault.code.startsWith('agent.');
}
