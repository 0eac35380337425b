/**
 * The first half of a pull: a tag or digest turned into a descriptor, over the hosts that may resolve.
 * Imitates containerd core/remotes/docker/resolver.go (dockerResolver.Resolve), v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import { askHost } from './ask-host.ts';
import type { Authorizer } from './authorizer.ts';
import { notFound } from './missing.ts';
import type { Failure, ResolveEnding } from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Trouble } from '#runtime/attempt/trouble.ts';

export async function resolve(context: AttemptContext, authorizer: Authorizer): Promise<ResolveEnding> {
  const { image, engine } = context.plan;
  const wanted = image.digest === undefined ? (image.tag ?? 'latest') : image.digest;
  const routes = [...context.routes.keys()].filter((i) => mayAsk(context, i));
  if (routes.length === 0) {
    const fault: Fault = {
      code: 'hosts.none_may_resolve',
      registry: image.registry,
      file: context.routes[0]?.because ?? '',
    };
    return {
      is: 'failed',
      trouble: { fault, errorText: { text: 'no resolve hosts: not found', code: 'NotFound' }, notFound: true },
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
      const ending = await askHost(context, authorizer, { object: `${kind}/${wanted}`, route, last, because });
      if (!('reached' in ending)) return ending;
      failures.push(ending);
    }
  }
  return { is: 'failed', trouble: shownOf(failures, context) };
}

function mayAsk(context: AttemptContext, i: number): boolean {
  const route = context.routes[i];
  if (route === undefined || !route.mayPull) return false;
  return context.plan.image.digest !== undefined || route.mayResolve;
}

/** Which host's error the kubelet shows. */
function shownOf(failures: readonly Failure[], context: AttemptContext): Trouble {
  const { engine, image } = context.plan;
  if (engine.shows === 'first_not_404') {
    const first = failures.find(({ reached }) => reached !== 2) ?? failures[0];
    return first?.trouble ?? notFound(context, image.registry, '');
  }
  const furthest = Math.max(...failures.map(({ reached }) => reached));
  return failures.find(({ reached }) => reached === furthest)?.trouble ?? notFound(context, image.registry, '');
}
