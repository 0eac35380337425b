/** The listener of `drypull catalog`, which only reads: its metrics and its own health. */
import type { IncomingMessage } from 'node:http';
import type { ListenAddress, Opened, Reply } from './listener.ts';
import { addressOf, listen, problem } from './listener.ts';

export interface CatalogListener {
  readonly scrape: () => Promise<{ readonly body: string }>;
  /** Why not; undefined where it is. */
  readonly notAlive: () => string | undefined;
  readonly notReady: () => string | undefined;
}

export function listenForCatalog(at: ListenAddress, source: CatalogListener): Promise<Opened> {
  return listen(at, (request) => respond(request, source));
}

async function respond(request: IncomingMessage, source: CatalogListener): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return problem(405, 'this listener only reads', { Allow: 'GET, HEAD' });
  switch (addressOf(request)?.path) {
    case '/livez':
      return health(source.notAlive());
    case '/readyz':
      return health(source.notReady());
    case '/metrics':
      return { status: 200, type: 'metrics', body: (await source.scrape()).body };
    default:
      return problem(404, 'nothing is here; there are /metrics, /livez and /readyz');
  }
}

function health(trouble: string | undefined): Reply {
  return { status: trouble === undefined ? 200 : 503, type: 'text', body: `${trouble ?? 'ok'}\n` };
}
