/**
 * The words of one request to the Kubernetes API and of its answer. An answer that could not be had is a value like any
 * other; what a refusal means for a verdict is decided by whoever asked.
 */
import { type Bad, bad } from '#report/outcome.ts';
import { numberAt, textAt } from './json.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root of the API server, without a query: `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: 'application/json' | 'application/strategic-merge-patch+json';
  /** For the whole exchange; a watch ends then, too. */
  readonly deadlineMs: number;
  readonly maxBytes: number;
  /** Of a list: takes each item as it comes, and the answer's body is the list without items. */
  readonly takeItem?: (item: unknown) => void;
}

export type Answer = Answered | Refused | Away;

export interface Answered {
  readonly is: 'answered';
  readonly body: unknown;
  /** The API server's clock, to the second (RFC 9110 §6.6.1); absent where the answer has no date. */
  readonly dateMs?: number;
}

/** The API server said no: a metav1.Status, or something in front of it that speaks HTTP. */
export interface Refused {
  readonly is: 'refused';
  readonly status: number;
  /** `Forbidden`, `NotFound`, `Expired`, `Conflict`: empty where nobody said. */
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** As in Answered. */
  readonly dateMs?: number;
}

/** No answer: refused connections, broken ones, silence, or an answer that cannot be read. */
export interface Away {
  readonly is: 'away';
  readonly why: string;
}

export const MiB = 1024 * 1024;

/** Single objects: etcd holds at most 1.5 MiB of each, JSON is longer than what is stored. */
export const objectBounds = { deadlineMs: 15_000, maxBytes: 8 * MiB } as const;

/** `https://10.0.0.1:443/api…` answers are shown to people: a Status message is kept, and kept short. */
export function refusedBy(status: number, body: unknown, retryAfter: string | undefined): Refused {
  const seconds = Number(retryAfter ?? Number.NaN);
  return {
    is: 'refused',
    status: numberAt(body, 'code') ?? status,
    reason: textAt(body, 'reason'),
    message: clip(textAt(body, 'message')),
    ...(seconds >= 0 && seconds < 86_400 ? { retryAfterMs: seconds * 1000 } : {}),
  };
}

/** What an answer that is no answer means to a verdict: never a failed pull, always something that we could not see. */
export function faultOf(what: string, answer: Refused | Away): Bad {
  if (answer.is === 'away') return bad({ code: 'agent.cannot_see', what, why: answer.why });
  if (answer.status === 401 || answer.status === 403) return bad({ code: 'agent.not_allowed', what });
  const why = `HTTP ${answer.status} ${answer.reason} ${answer.message}`;
  return bad({ code: 'agent.cannot_see', what, why: why.replaceAll(/ +/g, ' ').trim() });
}

function clip(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 500)}…`;
}
