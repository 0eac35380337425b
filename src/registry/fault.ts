/**
 * Translates errors of sockets and of the HTTP parser into faults, by their code. A code that the tables lack becomes
 * `agent.bug` with its name. Texts named `why` are Go's, where Go has one.
 */
import type { Fault, FailurePoint } from '#report/fault.ts';
import { codeOf } from '#data/error-code.ts';
import { valueAt } from '#data/value-at.ts';
import { tlsFault } from '#registry/tls/fault.ts';

/** Where the error occurred: the host of the request, and the address of the connection. */
export interface ErrorLocation {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly failurePoint: FailurePoint;
  /** From the start of the step that failed. */
  readonly afterMs: number;
}

type Translate = (at: ErrorLocation, error: Error) => Fault;

const refused: Translate = ({ address, port }) => ({ code: 'tcp.refused', address, port });
const timedOut: Translate = ({ address, port, afterMs }) => ({ code: 'tcp.timed_out', address, port, afterMs });
const reset: Translate = ({ address, port, failurePoint }) => ({ code: 'tcp.reset', address, port, failurePoint });
const closed: Translate = ({ address, port, failurePoint }) => ({ code: 'tcp.closed', address, port, failurePoint });
const silent: Translate = ({ host, afterMs }) => ({ code: 'api.timed_out', host, afterMs });
const outOfTime: Translate = ({ failurePoint, afterMs }) => ({
  code: 'agent.out_of_time',
  step: failurePoint,
  afterMs,
});
const unreachable =
  (why: string): Translate =>
  ({ address, port }) => ({ code: 'tcp.unreachable', address, port, why });
const malformed =
  (why: string): Translate =>
  ({ host }) => ({ code: 'api.malformed', host, why });
const exhausted =
  (why: string): Translate =>
  () => ({ code: 'agent.cannot_see', what: 'the network', why });
const bug: Translate = (_, error) => ({ code: 'agent.bug', where: 'wire', what: nameOf(error) });

/** undici has one code for a connection that the other side closed and for a response without a request. */
const socketError: Translate = (at, error) => {
  if (error.message === 'bad response') return malformed('unexpected response')(at, error);
  if (error.message === 'bad upgrade') return malformed('unexpected switch of protocols')(at, error);
  return closed(at, error);
};

/** In a body: it is cut short. Before the body: the headers contradict each other. */
const lengthMismatch: Translate = (at, error) =>
  at.failurePoint === 'body' ? closed(at, error) : malformed('malformed HTTP response: bad Content-Length')(at, error);

const translations: Readonly<Record<string, Translate>> = {
  ECONNREFUSED: refused,
  ETIMEDOUT: timedOut,
  ECONNRESET: reset,
  ECONNABORTED: reset,
  EPIPE: reset,
  ENOTCONN: closed,
  ESHUTDOWN: closed,
  EHOSTUNREACH: unreachable('no route to host'),
  EHOSTDOWN: unreachable('host is down'),
  ENETUNREACH: unreachable('network is unreachable'),
  ENETDOWN: unreachable('network is down'),
  ENETRESET: unreachable('network dropped connection on reset'),
  EADDRNOTAVAIL: unreachable('cannot assign requested address'),
  EAFNOSUPPORT: unreachable('address family not supported by protocol'),
  EPROTONOSUPPORT: unreachable('protocol not supported'),
  EPROTO: unreachable('protocol error'),
  EACCES: unreachable('permission denied'),
  EPERM: unreachable('operation not permitted'),
  EINVAL: unreachable('invalid argument'),
  EMFILE: exhausted('too many open files'),
  ENFILE: exhausted('too many open files in system'),
  ENOBUFS: exhausted('no buffer space available'),
  ENOMEM: exhausted('cannot allocate memory'),
  EADDRINUSE: exhausted('no local port is free'),
  ABORT_ERR: outOfTime,
  UND_ERR_ABORT: outOfTime,
  UND_ERR_ABORTED: outOfTime,
  UND_ERR_SOCKET: socketError,
  UND_ERR_CONNECT_TIMEOUT: timedOut,
  UND_ERR_HEADERS_TIMEOUT: silent,
  UND_ERR_BODY_TIMEOUT: silent,
  // Go's limit; the agent reads 64 KiB (http/connection.ts), which is as far beyond what servers send.
  UND_ERR_HEADERS_OVERFLOW: malformed('net/http: server response headers exceeded 10485760 bytes; aborted'),
  UND_ERR_RES_EXCEEDED_MAX_SIZE: malformed('the response is larger than what is read'),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: lengthMismatch,
  UND_ERR_DESTROYED: outOfTime,
  UND_ERR_CLOSED: outOfTime,
};

/** The parser's message names the rule that was broken, and never the content. */
const parserError: Translate = (at, error) => {
  const reason = /\(([^()]*)\)$/.exec(error.message)?.[1] ?? nameOf(error);
  // A chunked body that ends before its last chunk: "unexpected EOF" in Go.
  if (reason === 'Invalid EOF state') return closed(at, error);
  return { code: 'api.malformed', host: at.host, why: `malformed HTTP response: ${reason}` };
};

export function wireFault(error: unknown, at: ErrorLocation): Fault {
  if (!(error instanceof Error)) return { code: 'agent.bug', where: 'wire', what: typeof error };
  const code = codeOf(error);
  const translate = valueAt(translations, code);
  if (translate !== undefined) return translate(at, error);
  // Some of undici's parser errors have a name and no code.
  if (error.name === 'HTTPParserError' || code.startsWith('HPE_')) return parserError(at, error);
  return tlsFault(code, at) ?? bug(at, error);
}

/** Never the message: it may contain what the other side sent. */
function nameOf(error: Error): string {
  const code = codeOf(error);
  return code === '' ? error.name : `${error.name} ${code}`;
}
