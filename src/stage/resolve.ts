/**
 * The first half of a pull: a tag or digest turned into a descriptor, over the hosts that may resolve.
 * Imitates containerd core/remotes/docker/resolver.go (dockerResolver.Resolve), v1.6.20 to v2.3.4.
 */
import type { Fault, RateLimit } from '#pull/fault.ts';
import { kindOfMediaType, manifestMediaType } from '#pull/manifest.ts';
import { containerdMessage } from '#pull/registry-error.ts';
import { resolveStatusWords } from '#pull/shown.ts';
import type { Header } from '#pull/view.ts';
import { digestFlaw, digestOf } from '../registry/digest.ts';
import { readRateLimit } from '../registry/rate-limit.ts';
import { header, type Answer } from '../registry/wire.ts';
import type { Authorizer } from './authorizer.ts';
import type { Reply } from './hop.ts';
import { isMetered, knownTag } from './metered.ts';
import { accept, missing, notFound, pick, text, whyForbidden, type Host } from './missing.ts';
import { refusal } from './refusal.ts';
import { send } from './request.ts';
import type { Scene } from './scene.ts';
import { trouble, type Trouble } from './trouble.ts';

export interface Resolved {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly route: number;
  /** The body, where a GET had to stand in for the HEAD. */
  readonly body?: Uint8Array;
  readonly rateLimit?: RateLimit;
}

/** remotes.MaxManifestSize */
export const maxManifestBytes = 4 * 1048 * 1048;

export type ResolveEnding =
  | { readonly is: 'resolved'; readonly value: Resolved }
  | { readonly is: 'failed'; readonly trouble: Trouble }
  /** Going on would spend what is the kubelet's. */
  | { readonly is: 'held_back'; readonly fault: Fault };

/** One host's failure and how far it got: transport or login 1, 404 2, other status 3, too large 4. */
interface Failure {
  readonly trouble: Trouble;
  readonly reached: 1 | 2 | 3 | 4;
}

export async function resolve(scene: Scene, authorizer: Authorizer): Promise<ResolveEnding> {
  const { image, engine } = scene.plan;
  const wanted = image.digest === undefined ? (image.tag ?? 'latest') : image.digest;
  const routes = [...scene.routes.keys()].filter((i) => mayAsk(scene, i));
  if (routes.length === 0) {
    const fault: Fault = {
      code: 'hosts.none_may_resolve',
      registry: image.registry,
      file: scene.routes[0]?.because ?? '',
    };
    return {
      is: 'failed',
      trouble: { fault, words: { text: 'no resolve hosts: not found', code: 'NotFound' }, notFound: true },
    };
  }
  const failures: Failure[] = [];
  for (const kind of image.digest === undefined ? ['manifests'] : ['manifests', 'blobs']) {
    if (kind === 'blobs' && engine.asksBlobsAfterNotFoundOnly && failures.some(({ reached }) => reached > 2)) break;
    for (const route of routes) {
      const last = route === routes.at(-1);
      const because =
        failures.length === 0
          ? 'the first host that may resolve'
          : `${failures.at(-1)?.trouble.fault.code ?? ''} at the host before`;
      const ending = await askHost(scene, authorizer, { object: `${kind}/${wanted}`, route, last, because });
      if (!('reached' in ending)) return ending;
      failures.push(ending);
    }
  }
  return { is: 'failed', trouble: shownOf(failures, scene) };
}

function mayAsk(scene: Scene, i: number): boolean {
  const route = scene.routes[i];
  if (route === undefined || !route.mayPull) return false;
  return scene.plan.image.digest !== undefined || route.mayResolve;
}

/** Which host's error the kubelet shows. */
function shownOf(failures: readonly Failure[], scene: Scene): Trouble {
  const { engine, image } = scene.plan;
  if (engine.shows === 'first_not_404') {
    const first = failures.find(({ reached }) => reached !== 2) ?? failures[0];
    return first?.trouble ?? notFound(scene, image.registry, '');
  }
  const furthest = Math.max(...failures.map(({ reached }) => reached));
  return failures.find(({ reached }) => reached === furthest)?.trouble ?? notFound(scene, image.registry, '');
}

async function askHost(scene: Scene, authorizer: Authorizer, host: Host): Promise<ResolveEnding | Failure> {
  const known = knownTag(scene, host.route);
  const headers: Header[] = known === undefined ? [accept] : [accept, ['If-None-Match', `"${known.digest}"`]];
  const request = {
    method: 'HEAD' as const,
    ...pick(host),
    headers,
    maxBytes: maxManifestBytes,
    purpose: { act: 'resolve' as const, because: host.because },
  };
  const tried = await send(scene, authorizer, request);
  if (!tried.ok) return unreached(tried.trouble);
  const reply = tried.value;
  const { answer } = reply;
  if (answer.status === 304 && known !== undefined) return { is: 'resolved', value: { ...known, route: host.route } };
  if (answer.status > 299) return refused(scene, authorizer, host, reply);
  const limit = readRateLimit(answer.headers, '', scene.wire.now());
  const size = sizeOf(answer);
  const digest = scene.plan.image.digest ?? digestHeader(answer, size);
  const flaw = digest === undefined ? undefined : digestFlaw(digest);
  if (digest !== undefined && flaw !== undefined) {
    const why = `"${digest.slice(0, 80)}" in header not a valid digest: ${flaw}`;
    return abort({ code: 'api.malformed', host: reply.url.host, why });
  }
  if (digest !== undefined && size !== undefined)
    return described(
      scene,
      {
        digest,
        size,
        mediaType: manifestMediaType(header(answer, 'content-type')),
        route: host.route,
        ...limitField(limit),
      },
      reply,
    );
  if (reply.method === 'GET' && answer.whole) return fromBody(scene, host, reply, digest);
  if (isMetered(scene, host.route))
    return heldBack(scene, host, 'HEAD lacks a digest or a length, so only a GET could tell');
  return askByGet(scene, authorizer, host, digest);
}

function limitField(limit: RateLimit | undefined): { readonly rateLimit?: RateLimit } {
  return limit === undefined ? {} : { rateLimit: limit };
}

/** The GET that stands in for a HEAD without digest or length. */
async function askByGet(
  scene: Scene,
  authorizer: Authorizer,
  host: Host,
  digest: string | undefined,
): Promise<ResolveEnding | Failure> {
  const purpose = { act: 'resolve' as const, because: 'HEAD lacked a digest or a length' };
  const tried = await send(scene, authorizer, {
    method: 'GET',
    ...pick(host),
    lastHost: true,
    headers: [accept],
    maxBytes: maxManifestBytes + 1,
    purpose,
  });
  if (!tried.ok) return { is: 'failed', trouble: tried.trouble };
  const { status } = tried.value.answer;
  if (status >= 400 && (scene.plan.engine.checksResolveGet || status === 429)) {
    const ending = await refused(scene, authorizer, host, tried.value);
    return 'reached' in ending ? { is: 'failed', trouble: ending.trouble } : ending;
  }
  return fromBody(scene, host, tried.value, digest);
}

function fromBody(scene: Scene, host: Host, reply: Reply, digest: string | undefined): ResolveEnding | Failure {
  const { answer } = reply;
  if (answer.bodyFault !== undefined && !answer.bodyFault.ok) return abort(answer.bodyFault.fault);
  if (!answer.whole)
    return described(scene, { digest: 'sha256:', size: answer.body.length, mediaType: '', route: host.route }, reply);
  const mediaType = manifestMediaType(header(answer, 'content-type'));
  if (kindOfMediaType(mediaType) === 'schema1' && !scene.plan.engine.convertsSchema1)
    return abort({ code: 'manifest.unsupported', mediaType, host: reply.url.host });
  const body = answer.body;
  return described(
    scene,
    { digest: digest ?? digestOf(body), size: body.length, mediaType, route: host.route, body },
    reply,
  );
}

function described(scene: Scene, value: Resolved, reply: Reply): ResolveEnding | Failure {
  if (value.size <= maxManifestBytes) return { is: 'resolved', value };
  const fault: Fault = { code: 'manifest.oversize', bytes: value.size, host: reply.url.host };
  const text = `rejecting ${value.size} byte manifest for ${scene.plan.image.runtime}: not found`;
  return { reached: 4, trouble: { fault, words: { text, code: 'NotFound' }, notFound: true } };
}

/** The host could not be asked, or the login failed. */
function unreached(found: Trouble): ResolveEnding | Failure {
  if (found.fault.code.startsWith('agent.') && found.fault.code !== 'agent.distrusts_realm')
    return { is: 'failed', trouble: found };
  if (found.invalidAuthorization !== true) return { reached: found.answered === true ? 3 : 1, trouble: found };
  const text = `pull access denied, repository does not exist or may require authorization: ${found.words.text}`;
  return { reached: 1, trouble: { ...found, words: { ...found.words, text } } };
}

async function refused(
  scene: Scene,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<ResolveEnding | Failure> {
  const { status } = reply.answer;
  if (status === 404) return { reached: 2, trouble: await missing(scene, authorizer, host, reply) };
  const fault = refusal(reply, scene);
  const message =
    status === 403 ? await whyForbidden(scene, authorizer, host, reply) : containerdMessage(text(reply.answer));
  const path = host.object.replace('/', ' ');
  const words = resolveStatusWords(
    { method: reply.method, url: reply.url },
    { status, authority: scene.routes[host.route]?.authority ?? '', path, message },
    scene.plan.engine,
  );
  if (status < 400) return { is: 'failed', trouble: { fault, words } };
  return { reached: 3, trouble: { fault, words } };
}

function heldBack(scene: Scene, host: Host, what: string): ResolveEnding {
  return {
    is: 'held_back',
    fault: { code: 'agent.spends_quota', host: scene.routes[host.route]?.authority ?? '', what },
  };
}

function abort(fault: Fault): ResolveEnding {
  const why = fault.code === 'api.malformed' ? fault.why : fault.code;
  return { is: 'failed', trouble: trouble(fault, why) };
}

function sizeOf(answer: Answer): number | undefined {
  const length = header(answer, 'content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

function digestHeader(answer: Answer, size: number | undefined): string | undefined {
  const digest = header(answer, 'docker-content-digest');
  return digest === undefined || digest === '' || size === undefined ? undefined : digest;
}
