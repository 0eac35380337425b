/**
 * door: answers without what we ourselves had to say. A server that quotes a password or a token back at us in an error would
 * else put it into reports. Challenges and Locations are left alone: they are obeyed, and a word in them may be a password.
 */
import type { Header } from '#node/view.ts';
import type { Answer, Asked } from '#registry/wire.ts';

/** Shorter ones cannot be told from words. */
const shortest = 4;

/** Names of configured headers whose values are nobody's business. */
const confidential = /auth|token|key|secret|cookie|password/i;

/** `own`: the configured headers, as in hosts.toml. `form`: a token request's body. */
export function withoutEcho(
  asked: Asked,
  heard: { readonly headers: readonly Header[]; readonly own?: readonly Header[]; readonly form?: string },
): Asked {
  if (!asked.outcome.ok) return asked;
  const secrets = [
    ...heard.headers.flatMap(([name, value]) => (name.toLowerCase() === 'authorization' ? loginsIn(value) : [])),
    ...(heard.own ?? []).flatMap(([name, value]) => (confidential.test(name) ? [value, ...loginsIn(value)] : [])),
    ...formSecrets(heard.form),
  ].filter((secret) => secret.length >= shortest);
  if (secrets.length === 0) return asked;
  return { ...asked, outcome: { ok: true, value: censored(asked.outcome.value, secrets) } };
}

function loginsIn(value: string): readonly string[] {
  const [scheme = '', credentials = ''] = value.split(' ', 2);
  if (scheme.toLowerCase() !== 'basic') return [credentials];
  const pair = Buffer.from(credentials, 'base64').toString();
  return [credentials, pair.slice(pair.indexOf(':') + 1)];
}

function formSecrets(form: string | undefined): readonly string[] {
  const fields = new URLSearchParams(form ?? '');
  return ['password', 'refresh_token'].flatMap((name) => fields.get(name) ?? []);
}

/** Bodies that are content stay as they are: they are hashed, not told. */
function censored(answer: Answer, secrets: readonly string[]): Answer {
  const variants = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]))];
  const clean = (text: string): string => variants.reduce((left, secret) => left.replaceAll(secret, '[secret]'), text);
  const shown = ['content-type', 'warning'].flatMap((name): readonly (readonly [string, readonly string[]])[] => {
    const values = answer.headers[name];
    return values === undefined ? [] : [[name, values.map(clean)]];
  });
  const headers = { ...answer.headers, ...Object.fromEntries(shown) };
  if (answer.status < 400 || answer.body.length === 0) return { ...answer, headers };
  return { ...answer, headers, body: Buffer.from(clean(Buffer.from(answer.body).toString('utf8'))) };
}
