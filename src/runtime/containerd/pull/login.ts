/** Which login a host gets that asks for one. Imitates containerd internal/cri/server/images/image_pull.go (registryHosts, ParseAuth). */
import { valueAt } from '#data/value-at.ts';
import type { Login } from '#registry/token/fetch-token.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

/**
 * The kubelet's credential goes to whichever host asks; without one, containerd's own for that host does. Without a user
 * name it is none (but for an identity token of containerd's own), and without a password nothing is ever presented.
 */
export function loginFor(context: AttemptContext, route: number, host: string): Login | undefined {
  const { credential, label } = context.identity;
  if (credential !== undefined) {
    const { username, password } = credential;
    return username === '' || password.isEmpty ? undefined : { label, username, secret: password };
  }
  const own = ownFor(context, written(context, route, host));
  if (own === undefined) return undefined;
  const named = { label: `containerd's own credential for ${host}`, username: own.username };
  const secret = own.username === '' ? own.identityToken : own.password;
  return secret === undefined || secret.isEmpty ? undefined : { ...named, secret };
}

function ownFor(
  { plan: { staticAuths } }: AttemptContext,
  host: string,
): AttemptContext['plan']['staticAuths'][string] | undefined {
  return valueAt(staticAuths, host);
}

/** A host as its configuration writes it: URLs leave out the port that goes without saying, Go and its maps do not. */
function written(context: AttemptContext, route: number, host: string): string {
  const at = context.routes[route];
  if (at === undefined) return host;
  const usual = at.scheme === 'https' ? ':443' : ':80';
  return at.authority === `${host}${usual}` ? at.authority : host;
}
