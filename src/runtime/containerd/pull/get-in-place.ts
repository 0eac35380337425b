/** The GET of a tag that stands in for a HEAD without digest or length, or one that is refused. */
import { kindOfMediaType, manifestMediaType } from '#image/manifest.ts';
import { digestOf } from '#image/digest.ts';
import { header } from '#registry/wire.ts';
import type { Authorizer } from './authorizer.ts';
import type { Reply } from './hop.ts';
import { accept, pick, type Host } from './missing.ts';
import { send } from './request.ts';
import {
  abort,
  asBefore,
  described,
  maxManifestBytes,
  refused,
  type Failure,
  type ResolveEnding,
  type Unsaid,
} from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { etagOf, readCondition, type Condition } from './short-cut.ts';

export interface InPlace {
  readonly host: Host;
  /** What the HEAD said. */
  readonly digest: string | undefined;
  readonly condition: Condition | undefined;
}

export async function askByGet(
  context: AttemptContext,
  authorizer: Authorizer,
  { host, digest, condition }: InPlace,
): Promise<ResolveEnding | Failure | Unsaid> {
  const tried = await send(context, authorizer, {
    method: 'GET',
    ...pick(host),
    lastHost: true,
    headers: condition === undefined ? [accept] : [accept, ['If-None-Match', condition.etag]],
    maxBytes: maxManifestBytes + 1,
    purpose: { act: 'resolve', because: 'HEAD lacked a digest or a length' },
  });
  if (!tried.ok) return { is: 'failed', trouble: tried.trouble };
  const { answer } = tried.value;
  const answered = condition === undefined ? 'answer' : readCondition(condition, tried.value);
  if (condition !== undefined && answered === 'as_before')
    return asBefore(context, condition.known, { route: host.route, answer, shown: 'same_tag' });
  if (answered === 'nothing') return { is: 'unsaid', tries: 0 };
  const { status } = answer;
  if (status >= 400 && (context.plan.engine.checksResolveGet || status === 429)) {
    const ending = await refused(context, authorizer, host, tried.value);
    return 'reached' in ending ? { is: 'failed', trouble: ending.trouble } : ending;
  }
  return fromBody(context, host, tried.value, digest);
}

export function fromBody(
  context: AttemptContext,
  host: Host,
  reply: Reply,
  named: string | undefined,
): ResolveEnding | Failure {
  const { answer } = reply;
  if (answer.bodyFault !== undefined && !answer.bodyFault.ok) return abort(answer.bodyFault.fault);
  const at = { route: host.route, shown: 'tag' as const };
  if (!answer.whole)
    return described(context, { digest: 'sha256:', size: answer.body.length, mediaType: '', ...at }, reply);
  const mediaType = manifestMediaType(header(answer, 'content-type'));
  if (kindOfMediaType(mediaType) === 'schema1' && !context.plan.engine.convertsSchema1)
    return abort({ code: 'manifest.unsupported', mediaType, host: reply.url.host });
  const body = answer.body;
  const digest = named ?? digestOf(body);
  const etag = etagOf(answer, digest);
  const found = { digest, size: body.length, mediaType, body, ...(etag === undefined ? {} : { etag }) };
  return described(context, { ...found, ...at }, reply);
}
