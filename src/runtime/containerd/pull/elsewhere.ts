/**
 * Content whose descriptor says where else it lies: a foreign layer's `urls`, each asked before the registry, without credentials and
 * by the system's own trust, whatever hosts.toml says. Imitates containerd core/remotes/docker/fetcher.go (dockerFetcher.Fetch; the
 * same from v1.6.20 to v2.3.4): only what is not found there is looked for further on.
 */
import type { Descriptor } from '#image/manifest.ts';
import type { Route } from '#runtime/plan.ts';
import type { TlsRule } from '#node/view.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

/** net/http DefaultTransport. */
const dialTimeoutMs = 30_000;
const systemTrust: TlsRule = { verify: true, extraRoots: [], clients: [] };

export interface Elsewhere {
  readonly url: URL;
  /** What stands for a route of the plan's. */
  readonly at: Route;
}

/** In the order in which they are asked. What is no URL of HTTP is passed over. */
export function elsewhereOf({ plan }: AttemptContext, { urls }: Descriptor): readonly Elsewhere[] {
  return urls.flatMap((written): readonly Elsewhere[] => {
    const url = URL.canParse(written) ? new URL(written) : undefined;
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.host === '') return [];
    // Neither is a part of what is asked for.
    Object.assign(url, { username: '', password: '', hash: '' });
    const scheme = url.protocol === 'https:' ? 'https' : 'http';
    const at: Route = {
      role: 'mirror',
      scheme,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
      authority: url.host,
      path: '',
      mayPull: true,
      mayResolve: false,
      tls: systemTrust,
      httpsFirst: false,
      headers: [],
      realmHeaders: [],
      dialTimeoutMs,
      because: `a descriptor of ${plan.image.runtime}`,
    };
    return [{ url, at }];
  });
}
