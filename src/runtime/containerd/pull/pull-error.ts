/** A step of a pull that failed: its cause, its text as containerd would go on to wrap it, and how the attempt ends with it. */
import type { Fault } from '#report/fault.ts';
import type { Ending } from '#report/rehearsal.ts';
import { stageOf } from '#runtime/attempt/faults.ts';
import type { FailedAt } from '#runtime/attempt/request.ts';
import { criError, openFailed, pullFailed, type ErrorText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';

export interface PullError {
  readonly fault: Fault;
  readonly errorText: ErrorText;
  readonly at?: FailedAt;
  /** The host answered with a status, though not to this very request. */
  readonly answered?: true;
  /** containerd's ErrNotFound: 404, and what is wrapped around it. */
  readonly notFound?: true;
  /** docker.ErrInvalidAuthorization: `pull access denied` is prefixed to it. */
  readonly invalidAuthorization?: true;
  /** The download was open: its bytes fail the commit. Everything else fails the opening of the download. */
  readonly isOfBytes?: true;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: PullError };

/** An error for which containerd has a plain text. */
export function pullError(fault: Fault, text: string): PullError {
  return { fault, errorText: { text } };
}

/** The text of a fetch that failed, with the layers that client.Pull wraps around it. */
export function fetchText({ plan }: PullContext, { errorText, isOfBytes }: PullError): ErrorText {
  const reference = plan.image.runtime;
  return isOfBytes === true ? pullFailed(reference, errorText) : openFailed(reference, errorText);
}

export function fetchFailed(context: PullContext, error: PullError): Ending {
  return endingOf(error, fetchText(context, error));
}

/** The end of an attempt. A limit of the agent's own leaves the outcome undetermined. */
export function endingOf({ fault }: Pick<PullError, 'fault'>, errorText: ErrorText): Ending {
  const stage = stageOf(fault);
  return fault.code.startsWith('agent.')
    ? { is: 'undetermined', fault, stage }
    : { is: 'failed', fault, stage, shown: criError(errorText) };
}
