/** Passwords that say when they end, as registries hand them out. No signature is a real one. */
import type { Script } from './visit.ts';

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

/** A registry that takes a password until it ends, as it says in it; its clock is this one. */
export function untilItEnds(now: () => number): Script {
  return ({ seen, response, refuse }) => {
    response.setHeader('date', new Date(now()).toUTCString());
    const pair = Buffer.from(/^Basic (.+)$/.exec(seen.authorization ?? '')?.[1] ?? '', 'base64').toString();
    if (endOf(pair.slice(pair.indexOf(':') + 1)) > now()) return undefined;
    return refuse(401, 'DENIED', 'Your authorization token has expired. Reauthenticate and try again.', {
      'www-authenticate': 'Basic realm="ecr"',
    });
  };
}

function endOf(password: string): number {
  const text = Buffer.from(password.includes('.') ? (password.split('.')[1] ?? '') : password, 'base64').toString();
  const [, seconds = '0'] = /"(?:expiration|exp)":(\d+)/.exec(text) ?? [];
  return Number(seconds) * 1000;
}
