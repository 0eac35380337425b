/**
 * The text of a failed CRI PullImage call, piece by piece as containerd wraps it. Recorded from containerd 1.6.20, 1.7.34,
 * 2.1.9 and 2.3.4; sources: core/remotes/docker/{resolver,fetcher,authorizer}.go, core/remotes/errors, internal/cri/util/sanitize.go.
 */
import { statusLine } from '#go/http-status.ts';
import { requestText, shownUrl, urlError, type SentRequest } from '#go/url-error.ts';
import type { Fault } from '#report/fault.ts';
import type { Engine } from '#runtime/engine.ts';
import type { ContainerdEngine } from './versions.ts';

/** gRPC codes that the kubelet's client leaves in the text; all others are stripped (cri-client remote_image.go). */
type GrpcCode = 'NotFound' | 'DeadlineExceeded' | 'FailedPrecondition' | 'InvalidArgument' | 'Unimplemented';

/** Text that is still to be wrapped, and the code that it will have at the end. */
export interface ErrorText {
  readonly text: string;
  readonly code?: GrpcCode;
}

/** `failed to do request: Head "https://…": …` */
export function transportText(request: SentRequest, fault: Fault, engine: ContainerdEngine): ErrorText {
  return {
    text: `failed to do request: ${urlError(request, fault, engine)}`,
    ...(fault.code === 'tcp.timed_out' && engine.texts.deadlineCode ? { code: 'DeadlineExceeded' as const } : {}),
  };
}

/** A request that failed on the client's own side, such as a redirect that it does not follow. */
export function requestFailed(request: SentRequest, why: string, engine: ContainerdEngine): string {
  return `failed to do request: ${requestText(request, engine)}: ${why}`;
}

/** The error of a digest that is missing (resolver.go withErrorCheck, request.String). */
export function contentNotFound(requested: URL): string {
  return `content at ${shownUrl(requested, false)} not found: not found`;
}

/** The status of a HEAD, or of the GET that replaces it, that resolves a name. */
export function resolveStatusText(
  request: SentRequest,
  answer: { readonly status: number; readonly authority: string; readonly path: string; readonly message: string },
  engine: ContainerdEngine,
): ErrorText {
  const status = statusLine(answer.status);
  if (engine.texts.headStatus === 'pulling_from_host') {
    return { text: `pulling from host ${answer.authority} failed with status code [${answer.path}]: ${status}` };
  }
  const message = answer.message === '' ? '' : `\n${answer.message}`;
  return {
    text: `unexpected status from ${request.method} request to ${shownUrl(request.url, false)}: ${status}${message}`,
  };
}

/** The status of a GET that fetches content. */
export function fetchStatusText(
  request: SentRequest,
  answer: { readonly status: number; readonly requested: URL; readonly message: string },
  engine: ContainerdEngine,
): ErrorText {
  const status = statusLine(answer.status);
  if (engine.texts.getStatus === 'server_message') {
    const message = answer.message === '' ? '' : ` - Server message: ${answer.message}`;
    return { text: `unexpected status code ${shownUrl(answer.requested, false)}: ${status}${message}` };
  }
  const message = answer.message === '' ? '' : `\n${answer.message}`;
  return { text: `unexpected status from GET request to ${shownUrl(request.url, false)}: ${status}${message}` };
}

/** The token service's status, inside `failed to fetch … token: …`. */
export function tokenStatusText(request: SentRequest, status: number, engine: ContainerdEngine): string {
  if (engine.texts.tokenStatus === 'bare') return `unexpected status: ${statusLine(status)}`;
  return `unexpected status from ${request.method} request to ${shownUrl(request.url, false)}: ${statusLine(status)}`;
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
export function shortRead(gotBytes: number, expectedBytes: number, engine: ContainerdEngine): ErrorText {
  const what =
    engine.texts.shortRead === 'with_sizes'
      ? `short read: expected ${expectedBytes} bytes but got ${gotBytes}`
      : 'failed to read expected number of bytes';
  return { text: `${what}: unexpected EOF` };
}

/** Bytes that came and that the content store refuses: of another size (metadata/content.go), or of another digest. */
export function commitFailed(ref: string, what: { readonly got: number; readonly wanted: number } | string): ErrorText {
  const why = typeof what === 'string' ? what : `"${ref}" failed size validation: ${what.got} != ${what.wanted}`;
  return { text: `failed commit on ref "${ref}": ${why}: failed precondition`, code: 'FailedPrecondition' };
}

export function pullFailed(reference: string, errorText: ErrorText): ErrorText {
  return { ...errorText, text: `failed to pull and unpack image "${reference}": ${errorText.text}` };
}

/** The CRI error as the kubelet receives it. */
export function criError(errorText: ErrorText): string {
  return errorText.code === undefined ? errorText.text : `rpc error: code = ${errorText.code} desc = ${errorText.text}`;
}

/**
 * The CRI error for a plan without routes: containerd finds the fault in its own configuration before any packet
 * (docker/config/hosts.go updateTLSConfigFromHost; a CRI image plugin that did not load answers no call).
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
