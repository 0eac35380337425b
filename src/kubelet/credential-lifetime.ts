/**
 * When a password ends by itself, where it says so: read offline, and only the dates leave. Private ECR's passwords are base64 of
 * JSON with an `expiration` (undocumented, so that one which cannot be read says nothing); the refresh tokens of ACR, the access
 * tokens of Artifactory and GitLab and many others are JWTs with an `exp` (RFC 7519 §4.1.4).
 */
import { decodeBase64 } from '#go/base64.ts';
import type { Secret } from '#report/secret.ts';

export interface Lifetime {
  readonly endsMs: number;
  /** When it was made, where that is known. */
  readonly beganMs?: number;
}

/** Longer than any that a header could carry. */
const mostChars = 64 * 1024;
/** AWS GetAuthorizationToken: "valid for 12 hours". */
const ecrLifeMs = 12 * 3_600_000;

/** undefined: it says nothing about its end. The signature is not looked at: whoever takes the token will. */
export function lifetimeOf(secret: Secret): Lifetime | undefined {
  const text = secret.reveal().trim();
  // Both begin with base64 of `{"`.
  if (!text.startsWith('eyJ') || text.length > mostChars) return undefined;
  const parts = text.split('.');
  if (parts.length === 1) return ecrLifetime(jsonIn(text));
  return parts.length === 3 ? jwtLifetime(jsonIn(parts[1] ?? '')) : undefined;
}

function ecrLifetime(json: ReadonlyMap<string, unknown>): Lifetime | undefined {
  const endsMs = instant(json.get('expiration'));
  if (endsMs === undefined || !json.has('payload')) return undefined;
  return { endsMs, beganMs: endsMs - ecrLifeMs };
}

function jwtLifetime(json: ReadonlyMap<string, unknown>): Lifetime | undefined {
  const endsMs = instant(json.get('exp'));
  const beganMs = instant(json.get('iat')) ?? instant(json.get('nbf'));
  if (endsMs === undefined) return undefined;
  return beganMs === undefined || beganMs >= endsMs ? { endsMs } : { endsMs, beganMs };
}

/** Seconds since the epoch, between 2001 and 5138: what lies outside is something else. */
function instant(value: unknown): number | undefined {
  return typeof value === 'number' && value > 1e9 && value < 1e11 ? Math.round(value * 1000) : undefined;
}

/** Either alphabet, with padding or without. */
function jsonIn(base64: string): ReadonlyMap<string, unknown> {
  const decoded = decodeBase64(base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''), 'raw');
  if (!decoded.ok) return new Map();
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(decoded.bytes));
    return typeof json === 'object' && json !== null ? new Map(Object.entries(json)) : new Map();
  } catch {
    return new Map();
  }
}
