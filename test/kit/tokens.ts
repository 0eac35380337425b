/** Passwords that say when they end, as registries hand them out. No signature is a real one. */

const coded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

/** What `aws ecr get-login-password` prints. */
export function ecrPassword(endsMs: number): string {
  const payload = Buffer.alloc(600, 7).toString('base64');
  return coded({
    payload,
    datakey: payload.slice(0, 240),
    version: '2',
    type: 'DATA_KEY',
    expiration: Math.floor(endsMs / 1000),
  });
}

/** A JSON web token with these claims. */
export function jwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}
