/** Words for what a registry answers before it comes to the image: whether it is one, whether it is well, whether it lets us in. */
import type { RateLimit } from '#report/fault.ts';
import { attachSecret, createSecret } from './commands.ts';
import { hostsFile, listed, place, plain, quoted, seconds, word } from './phrases.ts';
import type { About, FaultMessages } from './phrases.ts';
import { registryAt } from './registries.ts';

type Codes =
  | 'api.not_a_registry'
  | 'api.rate_limited'
  | 'api.unavailable'
  | 'api.rejected'
  | 'api.timed_out'
  | 'api.malformed'
  | 'api.redirect_failed'
  | 'api.announced'
  | 'auth.required'
  | 'auth.rejected'
  | 'auth.denied'
  | 'auth.unsupported'
  | 'auth.malformed_challenge'
  | 'auth.realm_failed'
  | 'auth.empty_token';

export const apiMessages: FaultMessages<Codes> = {
  'api.not_a_registry': {
    meaning: 'What answers is no registry: a login page, a captive portal, a web server, a proxy.',
    next: 'correct the registry host',
    shows: '…: unexpected media type text/html for sha256:…: not found',
    cause: ({ host, url, contentType }) =>
      `${plain(host)} answers ${plain(url)} with ${plain(contentType) || 'no content type'}, which no registry does.`,
    remedy: ({ host }, about) =>
      `Correct registry and port${place(about)}. If they are right, a captive portal, login page or proxy answers in place of ${plain(host)}: let the node through.`,
  },
  'api.rate_limited': {
    meaning: 'The registry has had enough requests from this address or account for now.',
    next: 'log in, wait, or use a mirror',
    shows: '…: unexpected status from HEAD request to https://H/v2/…: 429 Too Many Requests',
    cause: ({ host, status, limit, message }) =>
      `${plain(host)} answers ${status}: ${tooMany(limit)}.${quoted(message)}`,
    remedy: ({ host, limit }, about) => slower(host, limit, about),
  },
  'api.unavailable': {
    meaning: 'The registry answers that it is out of order.',
    next: 'wait, or ask its operator',
    shows: '…: unexpected status from HEAD request to https://H/v2/…: 503 Service Unavailable',
    cause: ({ host, status, message }) => `${plain(host)} answers ${status}.${quoted(message)}`,
    remedy: ({ host }) =>
      `The kubelet tries again by itself, at most every five minutes. Look at the registry's log or status page; a mirror in ${hostsFile(host)} carries a node over such times.`,
  },
  'api.rejected': {
    meaning: 'The registry refuses the request with a status that has no meaning of its own here.',
    next: "read the registry's message",
    shows: '…: unexpected status from HEAD request to https://H/v2/…: 400 Bad Request',
    cause: ({ host, status, message }) => `${plain(host)} answers ${status}.${quoted(message)}`,
    remedy: ({ host, status }) =>
      status === 400
        ? `If ${plain(host)} speaks HTTPS and is configured as http://, correct its scheme in ${hostsFile(host)}. Otherwise its log says why.`
        : `Look into the log of ${plain(host)}, and of the load balancer or proxy in front of it.`,
  },
  'api.timed_out': {
    meaning: 'The connection stands, and the registry does not answer.',
    next: 'look at the load of the registry',
    shows:
      '…: net/http: timeout awaiting response headers (containerd 2.3 and later; earlier versions hang in ContainerCreating)',
    cause: ({ host, afterMs }) => `${plain(host)} accepted the request and did not answer within ${seconds(afterMs)}.`,
    remedy: ({ host }) =>
      `Look at the load of ${plain(host)} and of its storage, and at whatever inspects traffic on the way.`,
  },
  'api.malformed': {
    meaning: 'The answer does not follow the protocol.',
    next: 'look at what answers there',
    shows: '…: malformed HTTP response (or another decoding error)',
    cause: ({ host, why }) => `The answer of ${plain(host)} cannot be used: ${plain(why)}.`,
    remedy: ({ host }) =>
      `Look at what answers at ${plain(host)}: a proxy or a web server in between, or a registry with a fault.`,
  },
  'api.redirect_failed': {
    meaning: 'The registry sends the runtime elsewhere, and that does not work.',
    next: 'correct the redirect',
    shows: '…: stopped after 10 redirects (or: unexpected status … 307 Temporary Redirect)',
    cause: ({ host, location, why }) => `${plain(host)} redirects to ${plain(location)}, which fails: ${plain(why)}.`,
    remedy: ({ host }) =>
      `Correct the external URL that ${plain(host)} is configured with: scheme, host and port of the redirect come from there.`,
  },
  'api.announced': {
    meaning: 'The registry announces something to its users. A forecast; it stops no pull.',
    next: 'read what the registry announces',
    shows: 'nothing: containerd does not show what registries announce',
    cause: ({ host, text }) => `${plain(host)} announces: "${plain(text).replaceAll('"', "'")}".`,
    remedy: ({ host }) => `Do what it says, or ask whoever runs ${plain(host)}.`,
  },
  'auth.required': {
    meaning: 'The registry wants credentials, and the kubelet has none for it.',
    next: 'add a pull secret',
    shows:
      '…: pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
    cause: ({ host, scheme }) =>
      `${plain(host)} wants ${article(scheme)} login, and no pull secret, node file or provider has one for it.`,
    remedy: (_fault, about) => `Add one: ${createSecret(about)}. ${attachSecret(about)}${login(about)}`,
  },
  'auth.rejected': {
    meaning: 'The registry does not accept the credentials: wrong, expired or revoked.',
    next: 'renew the credentials',
    shows:
      '…: failed to authorize: failed to fetch oauth token: unexpected status from POST request to REALM: 401 Unauthorized',
    cause: ({ host, as, status, message }) =>
      isAnonymous(as)
        ? `${plain(host)} grants no anonymous access (${status}).${quoted(message)}`
        : `${plain(host)} does not accept ${plain(as)} (${status}).${quoted(message)}`,
    remedy: ({ as }, about) =>
      isAnonymous(as)
        ? `The image is private, or does not exist. Add a pull secret: ${createSecret(about)}. ${attachSecret(about)}${login(about)}`
        : `Renew ${source(as)}. Once any credential matches, the kubelet never tries without, so this fails public images too.${login(about)}`,
  },
  'auth.denied': {
    meaning:
      'The registry knows who asks, and does not let them read this repository. Many say the same of a repository that does not exist.',
    next: 'grant the account the right to pull',
    shows:
      '…: unexpected status from HEAD request to https://H/v2/…: 403 Forbidden (or: server message: insufficient_scope: authorization failed)',
    cause: ({ host, as, status, message }) =>
      `${plain(host)} does not let ${isAnonymous(as) ? 'anonymous users' : plain(as)} read this repository (${status}).${quoted(message)}`,
    remedy: ({ as, host }, about) => denied(as, host, about),
  },
  'auth.unsupported': {
    meaning: 'The registry wants a kind of login that the runtime does not know.',
    next: 'offer Basic or Bearer',
    shows: '…: unexpected status from HEAD request to https://H/v2/…: 401 Unauthorized',
    cause: ({ host, schemes }) =>
      `${plain(host)} offers ${listed(schemes, 'no way to log in')}; containerd knows Basic and Bearer.`,
    remedy: ({ host }) => `Have ${plain(host)}, or the proxy in front of it, offer Basic or Bearer.`,
  },
  'auth.malformed_challenge': {
    meaning: 'The registry says 401, and how to log in cannot be read.',
    next: 'mend the WWW-Authenticate header',
    shows:
      '…: unexpected status from HEAD request to https://H/v2/…: 401 Unauthorized (or: no realm specified for token auth challenge)',
    cause: ({ host, why }) => `How to log in at ${plain(host)} cannot be read from its answer: ${plain(why)}.`,
    remedy: ({ host }) =>
      `Have ${plain(host)} send WWW-Authenticate with Basic, or Bearer with a realm; a proxy in front may have removed it.`,
  },
  'auth.realm_failed': {
    meaning: "The registry's token service answers with an error.",
    next: 'look at the token service',
    shows:
      '…: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to REALM: 500 Internal Server Error',
    cause: ({ realm, status, message }) => `The token service ${plain(realm)} answers ${status}.${quoted(message)}`,
    remedy: ({ realm, status }) =>
      status === 429
        ? 'Wait: the token service has had enough requests, or failed logins, for now. The kubelet tries again by itself.'
        : `Look at the token service (${plain(realm)}) and at any web firewall before it: containerd asks by POST first when it has a password.`,
  },
  'auth.empty_token': {
    meaning: 'The token service answers without a token.',
    next: 'look at the token service',
    shows: '…: failed to authorize: … authorization server did not include a token in the response',
    cause: ({ realm }) => `The token service ${plain(realm)} answered without a token.`,
    remedy: ({ realm }) =>
      `Look at the token service (${plain(realm)}): a login page or a proxy may answer in its place.`,
  },
};

function isAnonymous(as: string): boolean {
  return as === '' || as === 'anonymous';
}

function login(about: About): string {
  const registry = registryAt(about.registry);
  return registry === undefined ? '' : ` ${registry.login}`;
}

function denied(as: string, host: string, about: About): string {
  const registry = registryAt(about.registry ?? host);
  const lead = isAnonymous(as)
    ? `The image is private, or does not exist: correct the name${place(about)}, or add a pull secret with ${createSecret(about)}. ${attachSecret(about)}`
    : `Have the owner of the repository let this account pull, or correct the name${place(about)}.`;
  return registry === undefined ? lead : `${lead} ${isAnonymous(as) ? registry.login : registry.denial}`;
}

/** `pull secret shop/hub, key docker.io, user ci` → where to renew it. */
function source(as: string): string {
  const secret = /^pull secret ([^/\s]+)\/([^\s,]+)/.exec(as);
  if (secret === null) return `the credentials of ${plain(as)}`;
  const [namespace, name] = [word(secret[1], 'NAMESPACE'), word(secret[2], 'SECRET')];
  return `${plain(as)}: \`kubectl -n ${namespace} delete secret ${name}\`, then create it anew with the password that works today`;
}

function article(scheme: string): string {
  return /^[aeiou]/i.test(scheme) ? `an ${plain(scheme, 40)}` : `a ${plain(scheme, 40)}`;
}

const limits: { readonly [S in RateLimit['scope']]: string } = {
  quota: 'the pull quota is used up',
  burst: 'too many requests in a short time',
  abuse: 'its guard against abuse has stepped in',
  login: 'too many failed logins',
  monthly: "the month's volume is used up",
  unknown: 'too many requests',
};

function tooMany({ scope, limit, windowS, source: who }: RateLimit): string {
  const numbers =
    limit === undefined
      ? ''
      : ` (${limit}${windowS === undefined ? '' : ` in ${windowS >= 3600 ? `${Number((windowS / 3600).toFixed(1))} h` : `${windowS} s`}`})`;
  const counted =
    who === undefined ? '' : `, counted against ${/[.:]/.test(who) ? 'the address' : 'the account'} ${plain(who, 60)}`;
  return `${limits[scope]}${numbers}${counted}`;
}

function slower(host: string, { scope, retryAfterS, source: who }: RateLimit, about: About): string {
  const wait = retryAfterS === undefined ? 'Wait' : `Wait ${retryAfterS} s`;
  const mirrors = hostsFile(about.registry ?? host);
  if (scope === 'login') {
    return `${retryAfterS === undefined ? 'Wait 15 minutes' : wait}: the account is locked, even for the right password. Replace the wrong pull secret meanwhile.`;
  }
  if (scope === 'abuse' || scope === 'burst') {
    return `${wait}: this passes. Fewer nodes pulling at once, or a mirror named in ${mirrors}, keep it from coming back.`;
  }
  const share =
    who !== undefined && !/[.:]/.test(who)
      ? 'It counts against the account, so all that use it share it.'
      : 'Without a login it counts against the address, which all nodes behind one NAT share.';
  return `${wait}, log in with a pull secret (${createSecret(about)}), or pull through a mirror named in ${mirrors}. ${share}`;
}
