/** What a HEAD cannot say: why a host forbids, and whether it is the repository or the tag that is missing. */
import { containerdMessage, messageFor, readRegistryErrors } from '#registry/http/error-body.ts';
import type { Header } from '#node/view.ts';
import type { Answer } from '#registry/wire.ts';
import type { Authorizer } from './authorizer.ts';
import type { Reply } from './hop.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import { send } from './request.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Trouble } from '#runtime/attempt/trouble.ts';

/** Resolver's Accept, as docker.NewResolver sets it. */
export const accept: Header = [
  'Accept',
  [
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
    '*/*',
  ].join(', '),
];

export interface Host {
  readonly object: string;
  readonly route: number;
  readonly last: boolean;
  readonly because: string;
}

export function pick(host: Host): { readonly object: string; readonly route: number; readonly lastHost: boolean } {
  return { object: host.object, route: host.route, lastHost: host.last };
}

/** resolver.go withGETErrorBody. */
export async function whyForbidden(
  context: AttemptContext,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<string> {
  if (!context.plan.engine.asksWhyForbidden || reply.method === 'GET' || isMetered(context, host.route)) {
    return containerdMessage(text(reply.answer));
  }
  const purpose = { act: 'resolve' as const, because: 'a HEAD that answers 403 cannot say why' };
  const tried = await send(context, authorizer, {
    method: 'GET',
    ...pick(host),
    lastHost: false,
    headers: [accept],
    maxBytes: 64_000,
    purpose,
  });
  return tried.ok ? containerdMessage(text(tried.value.answer)) : '';
}

/** 404: asks the origin once more, by GET, whether it is the repository or the tag that is unknown. */
export async function missing(
  context: AttemptContext,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<Trouble> {
  const route = context.routes[host.route];
  const curious =
    host.last && route?.role === 'origin' && host.object.startsWith('manifests/') && !isMetered(context, host.route);
  let body = text(reply.answer);
  if (body === '' && curious) {
    const purpose = {
      act: 'resolve' as const,
      because: "a HEAD that answers 404 cannot say what is missing (ours, not the runtime's)",
    };
    const tried = await send(context, authorizer, {
      method: 'GET',
      ...pick(host),
      headers: [accept],
      maxBytes: 64_000,
      purpose,
    });
    if (tried.ok && tried.value.answer.status === 404) body = text(tried.value.answer);
  }
  return notFound(context, reply.url.host, body);
}

export function notFound(context: AttemptContext, host: string, body: string): Trouble {
  const { image } = context.plan;
  const codes = readRegistryErrors(body).map(({ code }) => code);
  const facts = { image: image.runtime, host, message: messageFor(body) };
  const unknown = codes.includes('NAME_UNKNOWN')
    ? 'manifest.unknown_repository'
    : image.digest === undefined
      ? 'manifest.unknown_tag'
      : 'manifest.unknown_digest';
  return {
    fault: { code: unknown, ...facts },
    errorText: { text: `${image.runtime}: not found`, code: 'NotFound' },
    notFound: true,
  };
}

export function text(answer: Answer): string {
  return Buffer.from(answer.body).toString('utf8');
}
