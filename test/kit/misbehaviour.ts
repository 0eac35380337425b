/** Ready-made scripts for the fake registry: what registries, and the boxes in front of them, do wrong. */
import { digestOf } from './image.ts';
import type { Script, SeenRequest, Visit, Visited } from './visit.ts';

// --- where it happens

export function onManifests(script: Script): Script {
  return on('manifest', script);
}

export function onBlobs(script: Script): Script {
  return on('blob', script);
}

export function onTokens(script: Script): Script {
  return on('token', script);
}

export function onMethod(method: string, script: Script): Script {
  return (visit) => (visit.seen.method === method ? script(visit) : undefined);
}

/** The first `times` requests of each kind only: what gets better when it is tried again. */
export function atFirst(times: number, script: Script): Script {
  return (visit) => (visit.nth <= times ? script(visit) : undefined);
}

export function ifSeen(test: (seen: SeenRequest) => boolean, script: Script): Script {
  return (visit) => (test(visit.seen) ? script(visit) : undefined);
}

function on(kind: Visited, script: Script): Script {
  return (visit) => (visit.kind === kind ? script(visit) : undefined);
}

// --- answers

export function refuses(status: number, code = 'UNKNOWN', message = 'refused', headers = {}): Script {
  return (visit) => visit.refuse(status, code, message, headers);
}

export function sends(status: number, headers: Readonly<Record<string, string>>, body: Buffer | string = ''): Script {
  return (visit) => visit.send(status, headers, body);
}

/** 401 whatever is presented. */
export function alwaysUnauthorized(challenge?: string): Script {
  return (visit) =>
    visit.refuse(401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': challenge ?? `Bearer realm="${visit.url.origin}/token",service="loop"`,
    });
}

export function rateLimited(retryAfterS?: number): Script {
  return refuses(429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.', {
    ...(retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }),
    'ratelimit-limit': '100;w=21600',
    'ratelimit-remaining': '0;w=21600',
  });
}

/** A log-in page in place of the registry. */
export function captivePortal(): Script {
  return sends(200, { 'content-type': 'text/html; charset=utf-8' }, '<!doctype html><title>Guest network</title>');
}

export function headNotAllowed(): Script {
  return onMethod('HEAD', sends(405, { allow: 'GET' }));
}

export function wrongDigest(digest = digestOf(Buffer.from('something else'))): Script {
  return sendsFound((found) => ({ 'docker-content-digest': digest, 'content-length': String(found.bytes.length) }));
}

export function noDigest(): Script {
  return sendsFound((found) => ({ 'content-length': String(found.bytes.length) }));
}

/** Other bytes of the same length under the right headers. */
export function corrupts(digest: string): Script {
  return (visit) => {
    if (visit.reference !== digest || !visit.found) return undefined;
    return visit.send(200, { 'content-type': visit.found.mediaType }, Buffer.alloc(visit.found.bytes.length, 'x'));
  };
}

export function misses(digest: string): Script {
  return (visit) => (visit.reference === digest ? visit.refuse(404, 'BLOB_UNKNOWN', 'blob unknown') : undefined);
}

// --- redirects

/** To the same path, or one of its own, below another base. */
export function redirects(base: string, status = 307): Script {
  return (visit) => visit.send(status, { location: new URL(visit.seen.url, base).href });
}

/** Each request so many times, before its answer. */
export function redirectsTimes(times: number): Script {
  return (visit) => {
    const next = new URL(visit.url);
    const done = Number(next.searchParams.get('hop') ?? 0);
    next.searchParams.set('hop', String(done + 1));
    return done < times ? visit.send(307, { location: next.href }) : undefined;
  };
}

export function redirectsToItself(): Script {
  return (visit) => visit.send(307, { location: visit.url.href });
}

// --- bytes

export function resets(): Script {
  return ({ socket }) => {
    socket.resetAndDestroy();
    return 'done';
  };
}

/** Closes without a word. */
export function hangsUp(): Script {
  return ({ socket }) => {
    socket.destroy();
    return 'done';
  };
}

/** Never answers. */
export function staysSilent(): Script {
  return () => 'done';
}

export function sendsGarbage(bytes: Buffer | string = '\x16\x03\x01 this is not HTTP\r\n\r\n'): Script {
  return ({ request }) => {
    request.socket.end(bytes);
    return 'done';
  };
}

/** Good headers, then `bytes` of the body, then the end of the connection. */
export function breaksOff(bytes: number): Script {
  return (visit) => {
    if (!visit.found || visit.seen.method === 'HEAD') return undefined;
    visit.response.writeHead(200, headersOf(visit));
    visit.response.write(visit.found.bytes.subarray(0, bytes), () => visit.socket.destroy());
    return 'done';
  };
}

/** Good headers, then one byte of the body every so often. */
export function drips(everyMs: number): Script {
  return (visit) => {
    if (!visit.found || visit.seen.method === 'HEAD') return undefined;
    visit.response.writeHead(200, headersOf(visit));
    feed(visit, visit.found.bytes, everyMs);
    return 'done';
  };
}

/** A body without an end, as fast as it is read. */
export function neverEnds(contentType = 'application/json'): Script {
  return (visit) => {
    visit.response.writeHead(200, { 'content-type': contentType });
    // To HEAD nothing is written, however long one tries.
    if (visit.seen.method === 'HEAD') return endOf(visit);
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const pour = (): void => {
      while (!visit.response.destroyed && visit.response.write(chunk));
    };
    visit.response.on('drain', pour);
    pour();
    return 'done';
  };
}

export function hugeHeaders(bytes = 1024 * 1024): Script {
  return (visit) => visit.send(200, { 'x-padding': 'x'.repeat(bytes) });
}

function sendsFound(headers: (found: NonNullable<Visit['found']>) => Record<string, string>): Script {
  return ({ found, send }) => found && send(200, { 'content-type': found.mediaType, ...headers(found) }, found.bytes);
}

function endOf({ response }: Visit): 'done' {
  response.end();
  return 'done';
}

function headersOf({ found }: Visit): Record<string, string> {
  if (!found) return {};
  return {
    'content-type': found.mediaType,
    'content-length': String(found.bytes.length),
    'docker-content-digest': found.digest,
  };
}

function feed({ response }: Visit, bytes: Buffer, everyMs: number): void {
  let at = 0;
  response.flushHeaders();
  const timer = setInterval(() => {
    response.write(bytes.subarray(at, at + 1));
    at += 1;
    if (at < bytes.length) return;
    clearInterval(timer);
    response.end();
  }, everyMs);
  response.on('close', () => clearInterval(timer));
}
