/**
 * The text of a failed CRI PullImage call, piece by piece as containerd wraps it. Recorded from containerd 1.6.20, 1.7.34,
 * 2.1.9 and 2.3.4; sources: core/remotes/docker/{resolver,fetcher,authorizer}.go, core/remotes/errors, internal/cri/util/sanitize.go.
 */
import type { Engine } from './versions.ts';
import type { Fault } from '#report/fault.ts';
import { goError } from '#go/error-text.ts';

/** gRPC codes that the kubelet's client leaves in the text; all others are stripped (cri-client remote_image.go). */
export type GrpcCode = 'NotFound' | 'DeadlineExceeded' | 'FailedPrecondition' | 'InvalidArgument' | 'Unimplemented';

/** Text that is still being wrapped, and the code it would carry at the end. */
export interface ErrorText {
  readonly text: string;
  readonly code?: GrpcCode;
}

export interface Asking {
  readonly method: string;
  /** The whole URL as containerd would know it. */
  readonly url: URL;
}

/** `failed to do request: Head "https://…": …` */
export function transportText(asking: Asking, fault: Fault, engine: Engine): ErrorText {
  return {
    text: `failed to do request: ${urlError(asking, fault, engine)}`,
    ...(fault.code === 'tcp.timed_out' && engine.texts.deadlineCode ? { code: 'DeadlineExceeded' as const } : {}),
  };
}

/** A request that failed on the client's own side: a redirect that it would not follow. */
export function requestFailed(asking: Asking, why: string, engine: Engine): string {
  return `failed to do request: ${opened(asking, engine)}: ${why}`;
}

/** net/url Error: `Get "URL": …`, its query hidden where containerd hides it and always where it may be a capability. */
export function urlError(asking: Asking, fault: Fault, engine: Engine): string {
  return `${opened(asking, engine)}: ${goError(fault, engine)}`;
}

function opened({ method, url }: Asking, engine: Engine): string {
  return `${method.charAt(0)}${method.slice(1).toLowerCase()} "${shownUrl(url, engine.texts.redactsQueries)}"`;
}

const harmless = new Set(['ns', 'scope', 'service']);

/** What fetching a digest meets where it is missing (resolver.go withErrorCheck, request.String). */
export function contentNotFound(requested: URL): string {
  return `content at ${shownUrl(requested, false)} not found: not found`;
}

function shownUrl(url: URL, redact: boolean): string {
  const bare = `${url.protocol}//${url.host}${url.pathname}`;
  const pairs = [...url.searchParams].map(([name, value]) => {
    const hidden = redact || !harmless.has(name);
    return `${queryEscape(name)}=${queryEscape(hidden ? '[REDACTED]' : value)}`;
  });
  return pairs.length === 0 ? bare : `${bare}?${pairs.join('&')}`;
}

/** net/url QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+');
  return escaped.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The status of a HEAD (or the GET standing in for it) that resolves a name. */
export function resolveStatusText(
  asking: Asking,
  answer: { readonly status: number; readonly authority: string; readonly path: string; readonly message: string },
  engine: Engine,
): ErrorText {
  const status = statusLine(answer.status);
  if (engine.texts.headStatus === 'pulling_from_host') {
    return { text: `pulling from host ${answer.authority} failed with status code [${answer.path}]: ${status}` };
  }
  const message = answer.message === '' ? '' : `\n${answer.message}`;
  return {
    text: `unexpected status from ${asking.method} request to ${shownUrl(asking.url, false)}: ${status}${message}`,
  };
}

/** The status of a GET that fetches content. */
export function fetchStatusText(
  asking: Asking,
  answer: { readonly status: number; readonly requested: URL; readonly message: string },
  engine: Engine,
): ErrorText {
  const status = statusLine(answer.status);
  if (engine.texts.getStatus === 'server_message') {
    const message = answer.message === '' ? '' : ` - Server message: ${answer.message}`;
    return { text: `unexpected status code ${shownUrl(answer.requested, false)}: ${status}${message}` };
  }
  const message = answer.message === '' ? '' : `\n${answer.message}`;
  return { text: `unexpected status from GET request to ${shownUrl(asking.url, false)}: ${status}${message}` };
}

/** The token service's status, as it stands inside `failed to fetch … token: …`. */
export function tokenStatusText(asking: Asking, status: number, engine: Engine): string {
  if (engine.texts.tokenStatus === 'bare') return `unexpected status: ${statusLine(status)}`;
  return `unexpected status from ${asking.method} request to ${shownUrl(asking.url, false)}: ${statusLine(status)}`;
}

/** `failed to pull and unpack image "REF": failed to resolve …: …` */
export function resolveFailed(reference: string, errorText: ErrorText, engine: Engine): ErrorText {
  const where = engine.kind === 'local' ? `failed to resolve reference "${reference}"` : 'failed to resolve image';
  return { ...errorText, text: `failed to pull and unpack image "${reference}": ${where}: ${errorText.text}` };
}

/** `failed to pull and unpack image "REF": failed to copy: httpReadSeeker: failed open: …` */
export function openFailed(reference: string, errorText: ErrorText): ErrorText {
  return {
    ...errorText,
    text: `failed to pull and unpack image "${reference}": failed to copy: httpReadSeeker: failed open: ${errorText.text}`,
  };
}

/** A body that ended well before its size (content/helpers.go Copy). */
export function shortRead(gotBytes: number, expectedBytes: number, engine: Engine): ErrorText {
  const what =
    engine.texts.shortRead === 'with_sizes'
      ? `short read: expected ${expectedBytes} bytes but got ${gotBytes}`
      : 'failed to read expected number of bytes';
  return { text: `${what}: unexpected EOF` };
}

/** Bytes that came, and that the content store does not take: of another size (metadata/content.go), or of another digest. */
export function commitFailed(ref: string, what: { readonly got: number; readonly wanted: number } | string): ErrorText {
  const why = typeof what === 'string' ? what : `"${ref}" failed size validation: ${what.got} != ${what.wanted}`;
  return { text: `failed commit on ref "${ref}": ${why}: failed precondition`, code: 'FailedPrecondition' };
}

export function pullFailed(reference: string, errorText: ErrorText): ErrorText {
  return { ...errorText, text: `failed to pull and unpack image "${reference}": ${errorText.text}` };
}

/** The CRI error as the kubelet holds it. */
export function criError(errorText: ErrorText): string {
  return errorText.code === undefined ? errorText.text : `rpc error: code = ${errorText.code} desc = ${errorText.text}`;
}

/**
 * The CRI error for a plan without routes: containerd finds the fault in its own configuration before any packet
 * (docker/config/hosts.go updateTLSConfigFromHost; a CRI image plugin that did not load answers to nothing).
 */
export function refusedText(
  fault: Fault,
  plan: { readonly image: { readonly runtime: string }; readonly engine: Engine },
): string {
  if (fault.code === 'runtime.misconfigured')
    return 'rpc error: code = Unimplemented desc = unknown service runtime.v1.ImageService';
  return criError(resolveFailed(plan.image.runtime, { text: hostsText(fault) }, plan.engine));
}

function hostsText(fault: Fault): string {
  const loads = (what: string, file: string, why: string): string =>
    /^(?:open|read) /.test(why) ? `unable to read ${what} "${file}": ${why}` : `unable to load ${what} "${file}"`;
  switch (fault.code) {
    case 'hosts.ca_unreadable':
      return loads('CA cert', fault.file, fault.why);
    case 'hosts.client_unreadable':
      return /^(?:open|read) /.test(fault.why)
        ? `unable to read CERT file "${fault.file}": ${fault.why}`
        : `failed to load X509 key pair: ${fault.why}`;
    default:
      return 'why' in fault ? fault.why : fault.code;
  }
}

/** errors.Aggregate: equal texts once, several in brackets (kuberuntime_image.go PullImage). */
export function aggregate(texts: readonly string[]): string {
  const distinct = [...new Set(texts)];
  return distinct.length === 1 ? (distinct[0] ?? '') : `[${distinct.join(', ')}]`;
}

/** net/http StatusText, which is what HTTP/2 shows; over HTTP/1 a server may write words of its own. */
const reasons: Readonly<Record<number, string>> = {
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  305: 'Use Proxy',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  418: "I'm a teapot",
  421: 'Misdirected Request',
  417: 'Expectation Failed',
  422: 'Unprocessable Entity',
  423: 'Locked',
  424: 'Failed Dependency',
  425: 'Too Early',
  426: 'Upgrade Required',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  507: 'Insufficient Storage',
  508: 'Loop Detected',
  511: 'Network Authentication Required',
};

function statusLine(status: number): string {
  const reason = reasons[status];
  return reason === undefined ? String(status) : `${status} ${reason}`;
}
