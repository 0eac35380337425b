/** A credential provider's answer, read as strictly as the kubelet reads it. What is refused is never quoted. */
import { isFields } from '#data/fields.ts';
import { goDurationMs } from '#go/duration.ts';
import { Secret } from '#report/secret.ts';
import { bareRecord } from '#data/bare-record.ts';
import type { CacheScope, ProviderAuth } from './provider-cache.ts';

export interface ProviderResponse {
  readonly cacheKeyType: CacheScope;
  readonly cacheMs?: number;
  readonly auth: ProviderAuth;
}
export type ProviderReading =
  { readonly ok: true; readonly value: ProviderResponse } | { readonly ok: false; readonly why: string };

const scopes: readonly CacheScope[] = ['Image', 'Registry', 'Global'];

export function readProviderResponse(text: string, apiVersion: string): ProviderReading {
  const response = parse(text);
  if (response === undefined) return refuse('its answer is not a JSON object');
  if (response['apiVersion'] !== apiVersion) return refuse(`its answer does not have the apiVersion ${apiVersion}`);
  if (response['kind'] !== 'CredentialProviderResponse') return refuse('its answer has the wrong kind');
  const known = ['kind', 'apiVersion', 'cacheKeyType', 'cacheDuration', 'auth'];
  if (Object.keys(response).some((name) => !known.includes(name))) return refuse('its answer has an unknown field');
  const cacheKeyType = scopes.find((scope) => scope === response['cacheKeyType']);
  if (cacheKeyType === undefined) return refuse('its answer has no valid cacheKeyType');
  const duration = response['cacheDuration'] ?? undefined;
  const cacheMs = typeof duration === 'string' ? goDurationMs(duration) : undefined;
  if (duration !== undefined && cacheMs === undefined) return refuse('its cacheDuration is not a duration');
  const auth = readAuth(response['auth'] ?? {});
  if (auth === undefined) return refuse('its auth is not a map of user names and passwords');
  return { ok: true, value: { cacheKeyType, ...(cacheMs === undefined ? {} : { cacheMs }), auth } };
}

function refuse(why: string): ProviderReading {
  return { ok: false, why };
}

function readAuth(value: unknown): ProviderAuth | undefined {
  if (!isFields(value)) return undefined;
  const auth: [string, ProviderAuth[string]][] = [];
  for (const [pattern, entry] of Object.entries(value)) {
    if (!isFields(entry)) return undefined;
    if (Object.keys(entry).some((name) => name !== 'username' && name !== 'password')) return undefined;
    const username = entry['username'] ?? '';
    const password = entry['password'] ?? '';
    if (typeof username !== 'string' || typeof password !== 'string') return undefined;
    auth.push([pattern, { username, password: new Secret(password) }]);
  }
  return bareRecord(auth);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
