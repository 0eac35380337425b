/** One look at Docker Hub's quota: a token and a HEAD, never a GET of a manifest, which would be a pull. */
import type { Fault } from '#report/fault.ts';
import type { QuotaPlace, QuotaSample } from '#report/quota.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import { Authorizer } from './authorizer.ts';
import { accept } from './missing.ts';
import { send } from './request.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

export type Sampled =
  { readonly is: 'reported'; readonly sample: QuotaSample } | { readonly is: 'failed'; readonly fault: Fault };

/** `route`: the one that leads to Docker Hub itself. The scene's image is the preview image. */
export async function sampleQuota(context: AttemptContext, route: number, place: QuotaPlace): Promise<Sampled> {
  const { wire } = context;
  if (wire.manners.spend)
    return { is: 'failed', fault: { code: 'agent.bug', where: 'sampleQuota', what: 'a look that may spend' } };
  const tried = await send(context, new Authorizer(context), {
    method: 'HEAD',
    route,
    object: `manifests/${context.plan.image.tag ?? 'latest'}`,
    headers: [accept],
    maxBytes: 64_000,
    lastHost: false,
    purpose: { act: 'resolve', because: 'how much of the quota is left' },
  });
  if (!tried.ok) return { is: 'failed', fault: tried.trouble.fault };
  const { answer, url } = tried.value;
  const limit = readRateLimit(answer.headers, '', wire.now());
  if (answer.status !== 200 && answer.status !== 429)
    return {
      is: 'failed',
      fault: { code: 'api.rejected', host: url.host, status: answer.status, message: '' },
    };
  return {
    is: 'reported',
    sample: {
      ...place,
      atMs: wire.now().getTime(),
      ...(limit === undefined ? {} : { limit }),
      ...(answer.status === 429 ? { refused: true as const } : {}),
    },
  };
}
