/**
 * The error body of a registry (OCI distribution-spec, error codes) as containerd prints it, and as people should read it.
 * Imitates containerd core/remotes/docker/errcode.go (Errors.UnmarshalJSON, Error.Error) and errdesc.go, v2.1.9.
 */
import { fieldValues, readGoJson, type GoJson, lastText } from '#go/json.ts';

export interface RegistryError {
  readonly code: string;
  readonly message: string;
}

const mostErrors = 8;
const mostMessage = 300;

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
  return json.errors.slice(0, mostErrors).flatMap((error: unknown) => {
    if (typeof error !== 'object' || error === null) return [];
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
    const message = 'message' in error && typeof error.message === 'string' ? error.message : '';
    return [{ code: code.slice(0, 64), message: message.slice(0, mostMessage) }];
  });
}

/**
 * What containerd appends to a status: `denied`, or `toomanyrequests: You have reached your pull rate limit.` Read as
 * encoding/json reads it: one value of a wrong type, and nothing is appended.
 */
export function containerdMessage(body: string): string {
  const lines = goErrors(body);
  if (lines.length < 2) return lines[0] ?? '';
  return `errors:\n${lines.map((line) => `${line}\n`).join('')}`;
}

function goErrors(body: string): readonly string[] {
  const json = readGoJson(body);
  if (!json.ok || json.value.is !== 'object') return [];
  const values = fieldValues(json.value, 'errors');
  if (values.some(({ is }) => is !== 'array' && is !== 'null')) return [];
  const errors = values.at(-1);
  const lines = errors?.is === 'array' ? errors.items.map(goError) : [];
  return lines.every((line) => line !== undefined) ? lines.slice(0, mostErrors) : [];
}

function goError(error: GoJson): string | undefined {
  if (error.is === 'null') return 'unknown';
  if (error.is !== 'object') return undefined;
  const [codes, messages] = [fieldValues(error, 'code'), fieldValues(error, 'message')];
  if ([...codes, ...messages].some(({ is }) => is !== 'string' && is !== 'null')) return undefined;
  const written = lastText(error, 'code');
  const code = Object.hasOwn(known, written) ? written : 'UNKNOWN';
  const message = lastText(error, 'message');
  const isBare = (fieldValues(error, 'detail').at(-1) ?? nothing).is === 'null';
  const short = code.toLowerCase();
  return isBare && (message === '' || message === known[code]) ? short : `${short}: ${message.slice(0, mostMessage)}`;
}

const nothing: GoJson = { is: 'null' };

/** One line for people: the first message, else the first line of a short text body. */
export function messageFor(body: string): string {
  const [first] = readRegistryErrors(body);
  if (first !== undefined) return first.message === '' ? first.code : `${first.code}: ${first.message}`;
  const line = body.trim().split('\n')[0] ?? '';
  return /^[<{]/.test(line) ? '' : line.slice(0, 200);
}
