/** Endings of a performance: failures worded as the CRI error, and ours as untold. */
import type { Fault } from '#report/fault.ts';
import type { Ending } from '#report/rehearsal.ts';
import { criError, openFailed, pullFailed, type ErrorText } from '#runtime/containerd/error-texts.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { stageOf, type Trouble } from '#runtime/attempt/trouble.ts';

/** Bytes that came and were wrong fail the commit; everything else fails the opening of the download. */
export function wrapFetch(context: AttemptContext, found: Trouble): ErrorText {
  const reference = context.plan.image.runtime;
  return /^(failed commit|failed to copy|short read|failed to read expected)/.test(found.errorText.text)
    ? pullFailed(reference, found.errorText)
    : openFailed(reference, found.errorText);
}

export function failed(found: Trouble, errorText: ErrorText): Ending {
  return isOurs(found.fault)
    ? { is: 'undetermined', fault: found.fault, stage: stageOf(found.fault) }
    : { is: 'failed', fault: found.fault, stage: stageOf(found.fault), shown: criError(errorText) };
}

function isOurs(fault: Fault): boolean {
  return fault.code.startsWith('agent.');
}
