/**
 * Foreign errors of sockets and of the HTTP parser, translated into faults by their code: the only place that knows
 * ECONNREFUSED. What is not in the tables is our bug and says so by name. Texts named `why` are Go's, where Go has one.
 */
import type { Fault, FailurePoint } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import { tlsFault } from '#registry/tls/fault.ts';

/** Where the error was met: the host as asked for, the address as dialled. */
export interface Spot {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly failurePoint: FailurePoint;
  /** How long it was waited for. */
  readonly afterMs: number;
}

type Translate = (spot: Spot, error: Error) => Fault;

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

/** undici says with one code that the other side closed, and that it answered what nobody asked. */
const socketError: Translate = (spot, error) => {
  if (error.message === 'bad response') return malformed('unexpected response')(spot, error);
  if (error.message === 'bad upgrade') return malformed('unexpected switch of protocols')(spot, error);
  return closed(spot, error);
};

/** A body that is cut short; before there is one it means that the headers contradict themselves. */
const lengthMismatch: Translate = (spot, error) =>
  spot.failurePoint === 'body'
    ? closed(spot, error)
    : malformed('malformed HTTP response: bad Content-Length')(spot, error);

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
  UND_ERR_HEADERS_OVERFLOW: malformed('net/http: server response headers exceeded 10485760 bytes; aborted'),
  UND_ERR_RES_EXCEEDED_MAX_SIZE: malformed('the response is larger than what is read'),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: lengthMismatch,
  UND_ERR_DESTROYED: outOfTime,
  UND_ERR_CLOSED: outOfTime,
};

/** The parser's own message names the rule that was broken, never the content. */
const parserError: Translate = (spot, error) => {
  const reason = /\(([^()]*)\)$/.exec(error.message)?.[1] ?? nameOf(error);
  // A chunked body that ends in its middle: Go says "unexpected EOF".
  if (reason === 'Invalid EOF state') return closed(spot, error);
  return { code: 'api.malformed', host: spot.host, why: `malformed HTTP response: ${reason}` };
};

export function wireFault(error: unknown, spot: Spot): Fault {
  if (!(error instanceof Error)) return { code: 'agent.bug', where: 'wire', what: typeof error };
  const code = codeOf(error);
  const translate = valueAt(translations, code);
  if (translate !== undefined) return translate(spot, error);
  // undici's parser errors have a name and, for want of a table, no code.
  if (error.name === 'HTTPParserError' || code.startsWith('HPE_')) return parserError(spot, error);
  return tlsFault(code, spot) ?? bug(spot, error);
}

/** `code` of a Node, OpenSSL or undici error; empty where there is none. */
export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Never the message: it may hold what the other side sent. */
function nameOf(error: Error): string {
  const code = codeOf(error);
  return code === '' ? error.name : `${error.name} ${code}`;
}
