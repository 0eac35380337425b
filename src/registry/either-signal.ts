/** One signal for two, for as long as something lasts. What AbortSignal.any makes stays behind for each of many short dials. */

export interface Either {
  readonly signal: AbortSignal;
  /** To be called when nobody listens any more. */
  readonly release: () => void;
}

export function eitherOf(one: AbortSignal, other: AbortSignal): Either {
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
