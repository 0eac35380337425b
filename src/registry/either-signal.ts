/** One signal for two, for a limited time. AbortSignal.any leaves a registration behind on a long-lived signal for each call. */

export interface EitherSignal {
  readonly signal: AbortSignal;
  /** Call it when the signal is no longer used. */
  readonly release: () => void;
}

export function eitherOf(one: AbortSignal, other: AbortSignal): EitherSignal {
  const both = new AbortController();
  const end = (): void => both.abort();
  for (const signal of [one, other]) {
    if (signal.aborted) both.abort();
    signal.addEventListener('abort', end);
  }
  return {
    signal: both.signal,
    release: () => {
      for (const signal of [one, other]) signal.removeEventListener('abort', end);
    },
  };
}
