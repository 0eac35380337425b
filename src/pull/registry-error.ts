/**
 * The error body of a registry (OCI distribution-spec, error codes) as containerd prints it, and as people should read it.
 * Imitates containerd core/remotes/docker/errcode.go (Errors.UnmarshalJSON, Error.Error) and errdesc.go, v2.1.9.
 */
export interface RegistryError {
  readonly code: string;
  readonly message: string;
}

/** containerd's own message for the codes it knows; a registry that repeats it is shown by its code alone. */
const known: Readonly<Record<string, string>> = {
  UNKNOWN: 'unknown error',
  UNSUPPORTED: 'the operation is unsupported',
  UNAUTHORIZED: 'authentication required',
  DENIED: 'requested access to the resource is denied',
  UNAVAILABLE: 'service unavailable',
  TOOMANYREQUESTS: 'too many requests',
};

/** Errors of an `{"errors":[…]}` body, bounded; none for any other body. */
export function readRegistryErrors(body: string): readonly RegistryError[] {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return [];
  }
  if (typeof json !== 'object' || json === null || !('errors' in json) || !Array.isArray(json.errors)) return [];
  return json.errors.slice(0, 8).flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null) return [];
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
    const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
    return [{ code: code.slice(0, 64), message: message.slice(0, 300) }];
  });
}

/** As containerd appends it to a status: `denied`, or `toomanyrequests: You have reached your pull rate limit.` */
export function containerdMessage(errors: readonly RegistryError[]): string {
  const lines = errors.map((error) => {
    const code = Object.hasOwn(known, error.code) ? error.code : 'UNKNOWN';
    const short = code.toLowerCase();
    return error.message === '' || error.message === known[code] ? short : `${short}: ${error.message}`;
  });
  if (lines.length < 2) return lines[0] ?? '';
  return `errors:\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** One line for people: the first message, else the first line of a short text body. */
export function messageFor(body: string): string {
  const [first] = readRegistryErrors(body);
  if (first !== undefined) return first.message === '' ? first.code : `${first.code}: ${first.message}`;
  const line = body.trim().split('\n')[0] ?? '';
  return /^[<{]/.test(line) ? '' : line.slice(0, 200);
}
