/** One request to the Kubernetes API and its answer. A missing answer is a value as well; the caller decides what it means. */
import { type Bad, bad } from '#report/outcome.ts';
import { codeOf } from '#data/error-code.ts';
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
  /** For a list: receives each item as it arrives. The answer's body is then the list without items. */
  readonly takeItem?: (item: unknown) => void;
}

export type Answer = Answered | Refused | Away;

interface Answered {
  readonly is: 'answered';
  readonly body: unknown;
  /** The API server's clock, to the second (RFC 9110 §6.6.1); absent where the answer has no date. */
  readonly dateMs?: number;
}

/** Refused by the API server with a metav1.Status, or by an HTTP server in front of it. */
export interface Refused {
  readonly is: 'refused';
  readonly status: number;
  /** `Forbidden`, `NotFound`, `Expired`, `Conflict`; empty where the answer has none. */
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** As in Answered. */
  readonly dateMs?: number;
}

/** No answer: a refused or broken connection, a timeout, or an answer that cannot be read. */
export interface Away {
  readonly is: 'away';
  readonly why: string;
}

export const MiB = 1024 * 1024;

/** For single objects: etcd stores at most 1.5 MiB of each, and JSON is longer than what is stored. */
export const objectBounds = { deadlineMs: 15_000, maxBytes: 8 * MiB } as const;

/** The message of a Status is shown to users: it is cut to 500 characters. */
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

/** The fault for a verdict: the agent could not see something. It never means that a pull fails. */
export function faultOf(what: string, answer: Refused | Away): Bad {
  if (answer.is === 'away') return bad({ code: 'agent.cannot_see', what, why: answer.why });
  if (answer.status === 401 || answer.status === 403) return bad({ code: 'agent.not_allowed', what });
  const why = `HTTP ${answer.status} ${answer.reason} ${answer.message}`;
  return bad({ code: 'agent.cannot_see', what, why: why.replaceAll(/ +/g, ' ').trim() });
}

function clip(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 500)}…`;
}

/**
 * Why there is no answer: the error's code where it has one, and else its name or its message. Messages of TLS and file errors
 * quote what they read: use `message` only for the errors of a client library.
 */
export function reasonOf(error: unknown, otherwise: 'name' | 'message'): string {
  if (!(error instanceof Error)) return 'an unknown error';
  if (error.name === 'TimeoutError') return 'no answer in time';
  const code = codeOf(error);
  if (code !== '') return code;
  if (error.cause instanceof Error) return reasonOf(error.cause, otherwise);
  return otherwise === 'name' ? error.name : error.message.slice(0, 200);
}

export function tooLong(read: 'too_long' | 'too_many_pieces', maxBytes: number): Away {
  const why = read === 'too_long' ? `is longer than ${maxBytes} bytes` : 'comes in too many pieces';
  return { is: 'away', why: `the answer ${why}` };
}
