/** A reader of plain image references, enough for tests about Pods: registry/path:tag or @digest, nothing clever. */
import type { Digest, Image } from '#image/reference.ts';
import { type Outcome, bad, good } from '#report/outcome.ts';

export function readImage(written: string): Outcome<Image> {
  const found =
    /^(?:([a-z0-9.-]+\.[a-z0-9.-]+|localhost:\d+)\/)?([a-z0-9/_.-]+)(?::([\w.-]+))?(@sha256:[0-9a-f]{64})?$/.exec(
      written,
    );
  if (found === null) return bad({ code: 'image.malformed', image: written, why: 'repository name must be lowercase' });
  const [, host, rest = '', tag, at] = found;
  const registry = host ?? 'docker.io';
  const path = host === undefined && !rest.includes('/') ? `library/${rest}` : rest;
  const repository = `${registry}/${path}`;
  const digest = at?.slice(1) as Digest | undefined;
  if (digest !== undefined)
    return good({ written, sent: written, registry, path, repository, digest, runtime: `${repository}@${digest}` });
  const sent = tag === undefined ? `${written}:latest` : written;
  return good({
    written,
    sent,
    registry,
    path,
    repository,
    tag: tag ?? 'latest',
    runtime: `${repository}:${tag ?? 'latest'}`,
  });
}
